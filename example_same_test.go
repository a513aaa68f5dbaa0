package haul_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/checksum"
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
	if _, err := c.Upload(ctx, path, x, haul.Transfer{Times: true}); err != nil {
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

	if _, err := c.Copy(ctx, x, y, haul.Transfer{}); err != nil {
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

// What a transfer costs in requests can be computed before.
func ExampleClient_UploadRequests() {
	c := haul.New(storetest.New(), haul.Options{})
	const mib = 1 << 20
	fmt.Println(c.UploadRequests(storetest.Bucket, mib, haul.Transfer{}), c.UploadRequests(storetest.Bucket, 100*mib, haul.Transfer{PartSize: 10 * mib}))
	fmt.Println(c.DownloadRequests(mib, haul.Transfer{}), c.DownloadRequests(100*mib, haul.Transfer{PartSize: 10 * mib}))
	fmt.Println(c.CopyRequests(storetest.Bucket, mib, haul.Transfer{}))
	// Output:
	// 1 12
	// 1 11
	// 3
}

// The sums of the parts of bytes that are here, several at a time.
func ExampleClient_SumParts() {
	c := haul.New(storetest.New(), haul.Options{})
	sums, err := c.SumParts(context.Background(), checksum.MD5, strings.NewReader("part onepart two"), []int64{8, 8})
	fmt.Println(len(sums), err)
	etag, err := checksum.Compose(sums)
	fmt.Println(etag.Hex(), err)
	// Output:
	// 2 <nil>
	// 0732917abc3288784e318ac0aab1757a-2 <nil>
}
