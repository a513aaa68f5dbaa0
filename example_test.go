package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// The examples move to and from a store in memory; s3.Open opens a real one.
func exampleClient() (*haul.Client, *storetest.Memory, string) {
	dir, err := os.MkdirTemp("", "haul-example-")
	if err != nil {
		panic(err)
	}
	m := storetest.New(storetest.Buckets("lab"))
	return haul.New(m, haul.Options{StateDir: filepath.Join(dir, "state")}), m, dir
}

func ExampleClient_Upload() {
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "reads.fastq")
	if err := os.WriteFile(path, []byte("@r1\nACGT\n+\nFFFF\n"), 0o600); err != nil {
		panic(err)
	}

	r, err := c.Upload(context.Background(), path, store.Ref{Bucket: "lab", Key: "run1/reads.fastq"}, haul.UploadOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Size, "bytes; proved:", r.Proof.Verified)
	fmt.Println(r.Proof.Text)
	// Output:
	// 16 bytes; proved: true
	// full-object CRC64NVME, checked by the server
}

func ExampleClient_Download() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	object := store.Ref{Bucket: "lab", Key: "run1/reads.fastq"}
	m.PutBytes(object, []byte("@r1\nACGT\n+\nFFFF\n"))

	path := filepath.Join(dir, "reads.fastq")
	r, err := c.Download(context.Background(), object, path, haul.DownloadOptions{})
	if err != nil {
		panic(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(b), "bytes; proved:", r.Proof.Verified)
	// Output: 16 bytes; proved: true
}

func ExampleClient_UploadStream() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	object := store.Ref{Bucket: "lab", Key: "notes.txt"}

	if _, err := c.UploadStream(context.Background(), strings.NewReader("as it comes"), object, haul.UploadOptions{}); err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", m.Bytes(object))
	// Output: as it comes
}

func ExampleClient_DownloadStream() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	object := store.Ref{Bucket: "lab", Key: "notes.txt"}
	m.PutBytes(object, []byte("in order"))

	var out bytes.Buffer
	if _, err := c.DownloadStream(context.Background(), object, &out, haul.DownloadOptions{}); err != nil {
		panic(err)
	}
	fmt.Println(out.String())
	// Output: in order
}

func ExampleClient_Copy() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	from, to := store.Ref{Bucket: "lab", Key: "a"}, store.Ref{Bucket: "lab", Key: "b"}
	m.PutBytes(from, []byte("the same"))

	r, err := c.Copy(context.Background(), from, to, haul.CopyOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Object.Ref, "moved here:", r.Moved)
	// Output: s3://lab/b moved here: 0
}

func ExampleClient_Resume() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "big.bam")
	if err := os.WriteFile(path, make([]byte, 30<<20), 0o600); err != nil {
		panic(err)
	}
	m.Fault(storetest.PutPart).Part(2).Error(store.Denied)
	_, err := c.Upload(context.Background(), path, store.Ref{Bucket: "lab", Key: "big.bam"}, haul.UploadOptions{})
	var left *haul.IncompleteUploadError
	fmt.Println("left to go on from:", errors.As(err, &left) && left.Resumable)

	for u, err := range c.Unfinished() {
		if err != nil {
			panic(err)
		}
		r, err := c.Resume(context.Background(), u)
		if err != nil {
			panic(err)
		}
		fmt.Println(u.Ref, r.Proof.Text)
	}
	// Output:
	// left to go on from: true
	// s3://lab/big.bam full-object CRC64NVME, checked by the server
}

func ExampleClient_Stats() {
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)

	if _, err := c.UploadStream(context.Background(), strings.NewReader("as it comes"), store.Ref{Bucket: "lab", Key: "notes.txt"}, haul.UploadOptions{}); err != nil {
		panic(err)
	}
	s := c.Stats()
	fmt.Println(s.Requests, "request,", s.Moved, "bytes transferred")
	// Output: 1 request, 11 bytes transferred
}

func ExampleStats_Limit() {
	s := haul.Stats{ // of a Client that uploaded a stream
		Elapsed: 20 * time.Second, Transfers: 20 * time.Second, Moved: 1 << 30, Done: 1 << 30,
		Waits: haul.WaitStats{Source: 18 * time.Second},
	}
	fmt.Println("limited by:", s.Limit())
	// Output: limited by: the source stream: haul read 51.2 MiB/s from it, and waited for it 90 % of the time; a faster source would help
}

func ExampleClient_Unfinished() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	from := store.Ref{Bucket: "lab", Key: "big.bam"}
	m.PutBytes(from, make([]byte, 30<<20))
	m.Fault(storetest.Get).Offset(8 << 20).Error(store.Denied)
	_, err := c.Download(context.Background(), from, filepath.Join(dir, "big.bam"), haul.DownloadOptions{PartSize: 8 << 20})
	var left *haul.PartialFileError
	fmt.Println("it left a partial file:", errors.As(err, &left))

	for u, err := range c.Unfinished() {
		if err != nil {
			panic(err)
		}
		fmt.Println(u.Ref, filepath.Base(u.Path), "upload:", u.Upload)
	}
	// Output:
	// it left a partial file: true
	// s3://lab/big.bam big.bam upload: false
}
