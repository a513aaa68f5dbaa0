package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func ExampleNew() {
	s := storetest.New() // s3.Open opens a real one
	c := haul.New(s, haul.Options{
		Bandwidth: 50_000_000, // bytes per second
		Patience:  time.Minute,
		Observe: func(e haul.Event) {
			if e.Kind == haul.EventRetry {
				fmt.Println("again:", e.Err)
			}
		},
	})
	fmt.Println(c.Options().Patience)
	// Output: 1m0s
}

func ExampleClient_UploadReaderAt() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	content := bytes.NewReader([]byte("@r1\nACGT\n+\nFFFF\n"))
	object := store.Ref{Bucket: "lab", Key: "reads.fastq"}

	r, err := c.UploadReaderAt(context.Background(), content, content.Size(), object, haul.UploadOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Size, "bytes; verified:", r.Proof.Verified, len(m.Bytes(object)))
	// Output: 16 bytes; verified: true 16
}

func ExampleClient_DownloadWriterAt() {
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	object := store.Ref{Bucket: "lab", Key: "reads.fastq"}
	m.PutBytes(object, []byte("@r1\nACGT\n+\nFFFF\n"))
	f, err := os.Create(filepath.Join(dir, "reads.fastq"))
	if err != nil {
		panic(err)
	}
	defer f.Close()

	r, err := c.DownloadWriterAt(context.Background(), object, f, haul.DownloadOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Size, "bytes; verified:", r.Proof.Verified)
	// Output: 16 bytes; verified: true
}

// A listing already has the size and the ETag of an object: then a small one is downloaded by one request.
func ExampleDownloadOptions_listed() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	for _, key := range []string{"runs/a.csv", "runs/b.csv"} {
		m.PutBytes(store.Ref{Bucket: "lab", Key: key}, []byte("x,y\n"))
	}

	for o, err := range c.List(ctx, "lab", "runs/", nil) {
		if err != nil {
			panic(err)
		}
		path := filepath.Join(dir, filepath.Base(o.Key))
		if _, err := c.Download(ctx, o.Ref, path, haul.DownloadOptions{Listed: &o}); err != nil {
			panic(err)
		}
		fmt.Println(o.Key)
	}
	fmt.Println(m.Counts()[storetest.Get].Calls, "requests")
	// Output:
	// runs/a.csv
	// runs/b.csv
	// 2 requests
}

// The last report is made before the call returns.
func ExampleTransferProgress() {
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "reads.bam")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		panic(err)
	}

	var last haul.TransferProgress
	_, err := c.Upload(context.Background(), path, store.Ref{Bucket: "lab", Key: "reads.bam"}, haul.UploadOptions{
		OnProgress: func(p haul.TransferProgress) { last = p },
	})
	fmt.Println(last.Done, "of", last.Total, err)
	// Output: 1048576 of 1048576 <nil>
}

func ExampleClient_Progress() {
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	if _, err := c.UploadStream(context.Background(), bytes.NewReader(make([]byte, 1000)), store.Ref{Bucket: "lab", Key: "x"}, haul.UploadOptions{}); err != nil {
		panic(err)
	}
	p := c.Progress()
	fmt.Println(p.Done, "of", p.Total, "bytes in", p.PartsDone, "part")
	// Output: 1000 of 1000 bytes in 1 part
}

// Kinds of errors are for errors.Is; details of what stays are for errors.As.
func Example_errors() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	object := store.Ref{Bucket: "lab", Key: "big.bam"}

	_, err := c.Download(ctx, object, filepath.Join(dir, "big.bam"), haul.DownloadOptions{})
	fmt.Println("not there:", errors.Is(err, store.NotFound))

	path := filepath.Join(dir, "big.bam")
	if err := os.WriteFile(path, make([]byte, 30<<20), 0o600); err != nil {
		panic(err)
	}
	m.Fault(storetest.PutPart).Part(2).Error(store.Denied)
	_, err = c.Upload(ctx, path, object, haul.UploadOptions{})
	var left *haul.IncompleteUploadError
	if errors.As(err, &left) {
		fmt.Println("the same call resumes it:", left.Resumable)
	}
	var e *store.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Kind)
	}
	// Output:
	// not there: true
	// the same call resumes it: true
	// UploadPart access denied
}

// The caller of a cancelled transfer can let what is nearly sent finish.
func ExampleErrStop() {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(haul.ErrStop) // in a program: when a signal comes
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	_, err := c.UploadStream(ctx, bytes.NewReader(nil), store.Ref{Bucket: "lab", Key: "x"}, haul.UploadOptions{})
	fmt.Println(errors.Is(err, haul.ErrStop))
	// Output: true
}

func ExampleClient_Uploads() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	if _, err := m.Create(ctx, store.Ref{Bucket: "lab", Key: "runs/big.bam"}, checksum.Scheme{}, nil); err != nil {
		panic(err)
	}

	for u, err := range c.Uploads(ctx, "lab", "runs/") {
		if err != nil {
			panic(err)
		}
		fmt.Println(u.Ref)
		if err := c.Store().Abort(ctx, u, nil); err != nil {
			panic(err)
		}
	}
	fmt.Println(len(m.OpenUploads()), "left")
	// Output:
	// s3://lab/runs/big.bam
	// 0 left
}

// A single request is made by the client's store, with the client's retries.
func ExampleClient_Store() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	object := store.Ref{Bucket: "lab", Key: "notes.txt"}
	m.PutBytes(object, []byte("reads"))
	m.Fault(storetest.Delete).Error(store.Network) // once

	if err := c.Store().Delete(ctx, object, nil); err != nil {
		panic(err)
	}
	fmt.Println(m.Exists(object))
	// Output: false
}

func ExampleFileTime() {
	o := store.Object{Attrs: store.Attrs{Metadata: map[string]string{"mtime": "1700000000.500000000"}}}
	at, ok := haul.FileTime(o)
	fmt.Println(at.UTC(), ok)
	// Output: 2023-11-14 22:13:20.5 +0000 UTC true
}
