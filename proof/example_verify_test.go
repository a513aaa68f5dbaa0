package proof_test

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Whether a folder and a prefix hold the same is told without moving it.
func ExampleVerify() {
	ctx := context.Background()
	c := haul.New(storetest.New(), haul.Options{})
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"a.bam", "b.bam"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			panic(err)
		}
	}
	to := store.Ref{Bucket: storetest.Bucket, Key: "run/a.bam"}
	if _, err := c.Upload(ctx, filepath.Join(dir, "a.bam"), to, haul.UploadOptions{}); err != nil {
		panic(err)
	}
	files := mirror.Entries(ctx, c, mirror.Local(dir), mirror.Options{})
	objects := mirror.Entries(ctx, c, mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"}), mirror.Options{})
	s, err := proof.Verify(ctx, c, proof.Tree(files), objects, proof.Options{Observe: func(f proof.Finding, _ proof.Counts) {
		fmt.Println(f.Verdict, f.Name, f.Text)
	}})
	fmt.Println(s.OK, s.Missing, err)
	// Output:
	// OK a.bam MD5 (ETag)
	// MISSING b.bam it is not there
	// 1 1 <nil>
}

// A list of digests is a truth as well.
func ExampleManifest() {
	ctx := context.Background()
	m := storetest.New()
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "run/x.bam"}, []byte("ACGT"))
	c := haul.New(m, haul.Options{})
	list := fmt.Sprintf("%x  run/x.bam\n", md5.Sum([]byte("ACGT")))
	truth, err := proof.Manifest(strings.NewReader(list), proof.Names{Exists: func(rel string) (bool, error) { return rel == "x.bam", nil }})
	if err != nil {
		panic(err)
	}
	defer truth.Close()
	objects := mirror.Entries(ctx, c, mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"}), mirror.Options{})
	_, err = proof.Verify(ctx, c, truth, objects, proof.Options{Observe: func(f proof.Finding, _ proof.Counts) {
		fmt.Println(f.Verdict, f.Name, f.Text)
	}})
	fmt.Println(err)
	// Output:
	// OK x.bam MD5 (ETag), as the manifest has it
	// <nil>
}

func ExampleReadManifest() {
	lines, err := proof.ReadManifest(strings.NewReader("MD5 (x.bam) = 0cc175b9c0f1b6a831c399e269772661\n"))
	if err != nil {
		panic(err)
	}
	for l, err := range lines {
		fmt.Println(l.Name, l.Claims[0].Sum.Hex(), err)
	}
	fmt.Println(proof.IsManifest([]byte("@read1\nACGT\n")))
	// Output:
	// x.bam 0cc175b9c0f1b6a831c399e269772661 <nil>
	// false
}

func ExampleBeside() {
	fmt.Println(proof.Beside("run/x.bam.md5sum"), proof.IsSidecar("run/x.bam.md5sum"))
	fmt.Printf("%q %v\n", proof.Beside("run/md5sum.txt"), proof.IsSidecar("run/md5sum.txt"))
	// Output:
	// run/x.bam true
	// "" true
}

func ExampleOpen() {
	m := storetest.New()
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "md5sum.txt"}, []byte("0cc175b9c0f1b6a831c399e269772661  x\n"))
	r := proof.Open(context.Background(), haul.New(m, haul.Options{}), store.Ref{Bucket: storetest.Bucket, Key: "md5sum.txt"}, nil)
	text, err := io.ReadAll(r)
	fmt.Print(string(text), err, r.Close(), "\n")
	// Output:
	// 0cc175b9c0f1b6a831c399e269772661  x
	// <nil> <nil>
}

// The digests that lie beside the files of a delivery are a truth too; and what was found makes a report.
func ExampleNewReport() {
	ctx := context.Background()
	m := storetest.New()
	at := func(name string) store.Ref { return store.Ref{Bucket: storetest.Bucket, Key: "run/" + name} }
	m.PutBytes(at("x.bam"), []byte("ACGT"))
	m.PutBytes(at("x.bam.md5sum"), fmt.Appendf(nil, "%x\n", md5.Sum([]byte("ACGT"))))
	c := haul.New(m, haul.Options{})
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "report.csv")

	objects := mirror.Entries(ctx, c, mirror.Remote(at("")), mirror.Options{})
	truth, err := proof.Sidecars(ctx, c, objects, proof.Names{Exists: func(rel string) (bool, error) { return rel == "x.bam", nil }}, nil)
	if err != nil {
		panic(err)
	}
	defer truth.Close()
	r, err := proof.NewReport(path, proof.About{Truth: "its own digests", What: truth.What, Target: "s3://bucket/run", Store: store.Identity(c.Store()), By: "an example"})
	if err != nil {
		panic(err)
	}
	defer r.Close()
	s, err := proof.Verify(ctx, c, truth, objects, proof.Options{Observe: func(f proof.Finding, _ proof.Counts) {
		if err := r.Add(f); err != nil {
			panic(err)
		}
	}})
	if err != nil {
		panic(err)
	}
	if err := r.End(s); err != nil {
		panic(err)
	}
	text, err := os.ReadFile(path)
	fmt.Print(strings.SplitAfter(string(text), "\n")[1], err, " ", proof.IsReport(path), "\n")
	// Output:
	// OK,x.bam,4,"MD5 (ETag), as the manifest has it",MD5 (ETag),MD5 f1f8f4bf413b16ad135722aa4591043e,,s3://bucket/run/x.bam
	// <nil> true
}
