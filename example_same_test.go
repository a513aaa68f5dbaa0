package haul_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Whether a file and an object have the same content is known by what the store keeps; nothing is downloaded.
func ExampleClient_SameFile() {
	ctx := context.Background()
	c := haul.New(storetest.New(), haul.Options{})
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("ACGT"), 0o600); err != nil {
		panic(err)
	}
	x, y := store.Ref{Bucket: storetest.Bucket, Key: "x"}, store.Ref{Bucket: storetest.Bucket, Key: "y"}
	if _, err := c.Upload(ctx, path, x, haul.UploadOptions{Times: true}); err != nil {
		panic(err)
	}
	same, err := c.SameFile(ctx, path, x, nil)
	fmt.Println(same.Verdict, err)
	_, kept := haul.FileTime(same.Target)
	fmt.Println("time kept:", kept)
	if err := os.WriteFile(path, []byte("ACGA"), 0o600); err != nil {
		panic(err)
	}
	same, err = c.SameFile(ctx, path, x, nil)
	fmt.Println(same.Verdict, err)

	if _, err := c.Copy(ctx, x, y, haul.CopyOptions{}); err != nil {
		panic(err)
	}
	same, err = c.SameObject(ctx, x, y, nil)
	fmt.Println(same.Verdict, err)
	// Output:
	// equal <nil>
	// time kept: true
	// different <nil>
	// equal <nil>
}

func ExampleClient_SameObject() {
	ctx := context.Background()
	m := storetest.New()
	c := haul.New(m, haul.Options{})
	x, y := store.Ref{Bucket: storetest.Bucket, Key: "x"}, store.Ref{Bucket: storetest.Bucket, Key: "y"}
	m.PutBytes(x, []byte("ACGT"))
	m.PutBytes(y, []byte("ACGA"))
	same, err := c.SameObject(ctx, x, y, nil)
	fmt.Println(same.Verdict, err)
	// Output: different <nil>
}
