package proof_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/proof"
)

func ExampleWriteMD5Sum() {
	var receipt bytes.Buffer
	for _, name := range []string{"reads_R1.fastq.gz", "reads_R2.fastq.gz"} {
		r := proof.Record{
			Verb: "upload", Source: name, Target: "s3://lab/" + name, Time: time.Now(), Proved: true,
			Digests: map[string]string{"md5": checksum.Bytes(checksum.MD5, []byte(name)).Hex()},
		}
		if err := r.Write(&receipt); err != nil {
			panic(err)
		}
	}
	if err := proof.WriteMD5Sum(os.Stdout, proof.ReadReceipt(&receipt)); err != nil {
		panic(err)
	}
	// Output:
	// 57e1bbe37a164198ce40736c23730ccc  reads_R1.fastq.gz
	// 3cabb7dc7d7a6a980bf9340b9986f894  reads_R2.fastq.gz
}

func ExampleReadReceipt() {
	receipt := `{"haul_receipt":1,"verb":"upload","source":"a.bam","target":"s3://lab/a.bam","size":7,"proved":true}` + "\n"
	for r, err := range proof.ReadReceipt(strings.NewReader(receipt)) {
		if err != nil {
			panic(err)
		}
		path, ok := r.Path()
		fmt.Println(path, ok, r.Size, r.Proved)
	}
	// Output: a.bam true 7 true
}

// An object that goes up in parts of 4 bytes has this ETag.
func ExampleDigester() {
	content := "GATTACA\n"
	f := proof.NewDigester([]checksum.Algorithm{checksum.MD5}, nil, 4)
	if err := f.Read(context.Background(), strings.NewReader(content), int64(len(content))); err != nil {
		panic(err)
	}
	forms, err := f.Digests()
	if err != nil {
		panic(err)
	}
	fmt.Println(forms.Full[0].Hex())
	fmt.Println(forms.Composite[0].Hex())
	// Output:
	// e19467a4b7737544289ceed3a4761fc8
	// 33e6f19fe9ef4b13c3bcb8cc404e0d1a-2
}

func ExampleShown() {
	fmt.Println(proof.Shown(checksum.Bytes(checksum.MD5, []byte("ACGT"))))
	fmt.Println(proof.Shown(checksum.Bytes(checksum.CRC32C, []byte("ACGT"))))
	// Output:
	// MD5 f1f8f4bf413b16ad135722aa4591043e
	// CRC32C AAq8vw==
}

func ExampleDigestLine() {
	fmt.Print(proof.DigestLine(checksum.Bytes(checksum.MD5, []byte("ACGT")).Hex(), "run/a.fastq"))
	// Output: f1f8f4bf413b16ad135722aa4591043e  run/a.fastq
}

func ExampleSummary_Whole() {
	s := proof.Summary{ExtraFails: true}
	s.OK = 3
	fmt.Println(s.Whole())
	s.Extra = 1
	fmt.Println(s.Whole())
	// Output:
	// yes
	// no
}
