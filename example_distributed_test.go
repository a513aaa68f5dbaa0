package haul_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Three processes, each of which might run on a machine of its own, upload one file.
func ExampleClient_DistributeUpload() {
	ctx := context.Background()
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "big.bam")
	if err := os.WriteFile(path, make([]byte, 30<<20), 0o600); err != nil {
		panic(err)
	}

	s, err := c.DistributeUpload(ctx, path, store.Ref{Bucket: "lab", Key: "big.bam"}, haul.UploadOptions{}) // the first
	if err != nil {
		panic(err)
	}
	one, err := c.MoveParts(ctx, s, 1, 2, haul.MovePartsOptions{}) // the second
	if err != nil {
		panic(err)
	}
	two, err := c.MoveParts(ctx, s, 3, s.Parts(), haul.MovePartsOptions{}) // the third
	if err != nil {
		panic(err)
	}
	r, err := c.CompleteDistributed(ctx, s, append(one, two...), haul.CompleteOptions{}) // the first again
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Object.Ref, r.Parts, "parts:", r.Proof.Text)
	// Output: s3://lab/big.bam 4 parts: full-object CRC64NVME, checked by the server
}

// A download can be distributed over processes that see the same folder.
func ExampleClient_DistributeDownload() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	from := store.Ref{Bucket: "lab", Key: "big.bam"}
	m.PutBytes(from, make([]byte, 20<<20))

	s, err := c.DistributeDownload(ctx, from, filepath.Join(dir, "big.bam"), haul.DownloadOptions{})
	if err != nil {
		panic(err)
	}
	reported, err := c.MoveParts(ctx, s, 1, s.Parts(), haul.MovePartsOptions{})
	if err != nil {
		panic(err)
	}
	r, err := c.CompleteDistributed(ctx, s, reported, haul.CompleteOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Size, "bytes; proved:", r.Proof.Verified)
	// Output: 20971520 bytes; proved: true
}

// A copy is distributed in the same way; a missing part is reported by its number.
func ExampleClient_DistributeCopy() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	from := store.Ref{Bucket: "lab", Key: "big.bam"}
	m.PutBytes(from, make([]byte, 20<<20))

	s, err := c.DistributeCopy(ctx, from, store.Ref{Bucket: "lab", Key: "copy.bam"}, haul.CopyOptions{PartSize: 8 << 20})
	if err != nil {
		panic(err)
	}
	reported, err := c.MoveParts(ctx, s, 1, 2, haul.MovePartsOptions{})
	if err != nil {
		panic(err)
	}
	_, err = c.CompleteDistributed(ctx, s, reported, haul.CompleteOptions{})
	fmt.Println(err)
	// Output: s3://lab/copy.bam: parts are missing, or differ from those recorded: 1, the first is 3
}

func ExampleClient_AbortDistributed() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	m.PutBytes(store.Ref{Bucket: "lab", Key: "a"}, make([]byte, 20<<20))

	s, err := c.DistributeCopy(ctx, store.Ref{Bucket: "lab", Key: "a"}, store.Ref{Bucket: "lab", Key: "b"}, haul.CopyOptions{})
	if err != nil {
		panic(err)
	}
	if err := c.AbortDistributed(ctx, s); err != nil {
		panic(err)
	}
	fmt.Println("open uploads:", len(m.OpenUploads()))
	// Output: open uploads: 0
}

// Parts that are there already are verified, and not moved again.
func ExampleClient_MoveParts() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	m.PutBytes(store.Ref{Bucket: "lab", Key: "a"}, make([]byte, 20<<20))
	s, err := c.DistributeCopy(ctx, store.Ref{Bucket: "lab", Key: "a"}, store.Ref{Bucket: "lab", Key: "b"}, haul.CopyOptions{PartSize: 8 << 20})
	if err != nil {
		panic(err)
	}
	for range 2 {
		parts, err := c.MoveParts(ctx, s, 1, 2, haul.MovePartsOptions{})
		if err != nil {
			panic(err)
		}
		fmt.Println(len(parts), "of", s.Parts(), "parts,", s.Bytes(1, 2), "bytes;", m.Counts()[storetest.CopyPart].Calls, "requests")
	}
	// Output:
	// 2 of 3 parts, 16777216 bytes; 2 requests
	// 2 of 3 parts, 16777216 bytes; 2 requests
}

// What is missing is named, and the rest stays for another try.
func ExampleClient_CompleteDistributed() {
	ctx := context.Background()
	c, m, dir := exampleClient()
	defer os.RemoveAll(dir)
	m.PutBytes(store.Ref{Bucket: "lab", Key: "a"}, make([]byte, 20<<20))
	s, err := c.DistributeCopy(ctx, store.Ref{Bucket: "lab", Key: "a"}, store.Ref{Bucket: "lab", Key: "b"}, haul.CopyOptions{PartSize: 8 << 20})
	if err != nil {
		panic(err)
	}
	moved, err := c.MoveParts(ctx, s, 1, 2, haul.MovePartsOptions{})
	if err != nil {
		panic(err)
	}
	_, err = c.CompleteDistributed(ctx, s, moved, haul.CompleteOptions{})
	var e *haul.PartsError
	if !errors.As(err, &e) {
		panic(err)
	}
	again, err := c.MoveParts(ctx, s, e.Missing[0], e.Missing[0], haul.MovePartsOptions{})
	if err != nil {
		panic(err)
	}
	r, err := c.CompleteDistributed(ctx, s, append(moved, again...), haul.CompleteOptions{})
	fmt.Println(e.Missing, r.Object.Ref, err)
	// Output: [3] s3://lab/b <nil>
}
