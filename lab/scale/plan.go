package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haul"
	"haul/internal/array"
	"haul/mirror"
	"haul/store"
	"haul/store/storetest"
)

// endless is a store that lists so many objects, and has none of them.
type endless struct {
	store.Store
	objects int
}

// List gives the objects, in order, with keys as a sequencing centre has them.
func (e endless) List(_ context.Context, bucket, prefix, _ string, _ *store.Attrs) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range e.objects {
			o := store.Object{
				Ref:      store.Ref{Bucket: bucket, Key: fmt.Sprintf("%srun%04d/sample%05d/lane%d/reads_%09d.fastq.gz", prefix, i/100_000, i/1000, i%8, i)},
				Size:     min(size(r), cut),
				ETag:     "d41d8cd98f00b204e9800998ecf8427e-12",
				Modified: time.Unix(1_700_000_000, 0),
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// plan makes a real plan of a copy of so many objects, and tells what it took.
func plan(w io.Writer, objects, shards int) error {
	dir, err := os.MkdirTemp("", "haul-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := haul.New(endless{storetest.New(storetest.Buckets("a", "b")), objects}, haul.Options{StateDir: filepath.Join(dir, "state")})
	r := array.Request{From: mirror.Remote(store.Ref{Bucket: "a"}), To: mirror.Remote(store.Ref{Bucket: "b"}), Shards: shards}
	began := time.Now()
	if _, err := array.Make(context.Background(), c, array.Folder(filepath.Join(dir, "plan")), r); err != nil {
		return err
	}
	took := time.Since(began)
	var bytes int64
	err = filepath.WalkDir(filepath.Join(dir, "plan"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			bytes += fi.Size()
		}
		return err
	})
	fmt.Fprintf(w, "a plan of %d objects in %d shards: %.0f MB, %.0f bytes an object; %.1f s without the listing, %.0f objects/s; peak memory %s\n",
		objects, shards, float64(bytes)/1e6, float64(bytes)/float64(objects), took.Seconds(), float64(objects)/took.Seconds(), peak())
	return err
}

// peak is the most memory that this process had.
func peak() string {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}
