package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// A folder goes up and comes down again. In earnest the store is one that s3.Open gives.
func Example() {
	ctx := context.Background()
	c := haul.New(storetest.New(), haul.Options{})
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"sheet.csv", "reads.fastq"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x\n"), 0o600); err != nil {
			panic(err)
		}
	}
	run := store.Ref{Bucket: storetest.Bucket, Key: "runs/42"}
	up, err := mirror.Up(ctx, c, dir, run, mirror.Options{})
	fmt.Println(up.Done, "up,", up.Unverified, "not proved", err)
	copied, err := mirror.Copy(ctx, c, run, store.Ref{Bucket: storetest.Bucket, Key: "kept"}, mirror.Options{})
	fmt.Println(copied.Done, "copied", err)
	down, err := mirror.Down(ctx, c, run, filepath.Join(dir, "again"), mirror.Options{Observe: func(e mirror.Event) {
		if e.Kind == mirror.Failed {
			fmt.Println(e.Source, e.Err)
		}
	}})
	var part *mirror.IncompleteError
	if errors.As(err, &part) {
		fmt.Println(part.Failed, "failed")
	}
	fmt.Println(down.Done, "down,", down.Size, "bytes")
	// Output:
	// 2 up, 0 not proved <nil>
	// 2 copied <nil>
	// 2 down, 4 bytes
}

// What a run would move can be looked at without it.
func ExampleEntries() {
	ctx := context.Background()
	s := storetest.New()
	c := haul.New(s, haul.Options{})
	for _, key := range []string{"run/b.bam", "run/a/1.fastq"} {
		if _, err := c.UploadStream(ctx, strings.NewReader(key), store.Ref{Bucket: storetest.Bucket, Key: key}, haul.UploadOptions{}); err != nil {
			panic(err)
		}
	}
	for e, err := range mirror.Entries(ctx, c, mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"}), mirror.Options{}) {
		fmt.Println(e.Rel, e.Size, err)
	}
	// Output:
	// a/1.fastq 13 <nil>
	// b.bam 9 <nil>
}

// An index that something else has fetched is as old as its data, or older; htslib then warns.
func ExampleNewerThanData() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	index := filepath.Join(dir, "a.bam.bai")
	for _, path := range []string{index, filepath.Join(dir, "a.bam")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			panic(err)
		}
	}
	fmt.Println(mirror.NewerThanData(nil, index))
	i, ierr := os.Stat(index)
	d, derr := os.Stat(filepath.Join(dir, "a.bam"))
	fmt.Println(errors.Join(ierr, derr), i.ModTime().After(d.ModTime()))
	// Output:
	// <nil>
	// <nil> true
}
