package haul_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Digests are computed while the bytes move, of one read.
func ExampleUploadOptions_digests() {
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "reads.fastq")
	if err := os.WriteFile(path, []byte("@r1\nACGT\n+\nFFFF\n"), 0o600); err != nil {
		panic(err)
	}

	r, err := c.Upload(context.Background(), path, store.Ref{Bucket: "lab", Key: "reads.fastq"}, haul.UploadOptions{
		Digests: []checksum.Algorithm{checksum.MD5, checksum.CRC32C},
	})
	if err != nil {
		panic(err)
	}
	for _, sum := range r.Digests {
		fmt.Println(sum.Algorithm, sum.Hex())
	}
	// Output:
	// MD5 0b4b3502d0f22b04a6d818f06723d14c
	// CRC32C 8adb54d1
}

func ExampleFileMD5() {
	c, _, dir := exampleClient()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "hello.txt")
	if err := os.WriteFile(path, []byte("hello\n"), 0o600); err != nil {
		panic(err)
	}
	ref := store.Ref{Bucket: "lab", Key: "hello.txt"}
	if _, err := c.Upload(context.Background(), path, ref, haul.UploadOptions{Digests: []checksum.Algorithm{checksum.MD5}}); err != nil {
		panic(err)
	}

	object, err := c.Store().Head(context.Background(), store.GetRequest{Ref: ref})
	if err != nil {
		panic(err)
	}
	md5, name := haul.FileMD5(object)
	fmt.Println(md5.Hex(), name)
	// Output: b1946ac92492d2347c6235b4d2611184 md5chksum
}
