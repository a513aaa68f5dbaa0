package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/array"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// endless is a store that lists so many objects, and copies them without doing anything.
type endless struct {
	store.Store
	objects int
}

// List gives the objects, with keys as a sequencing centre has them, in no order: so nobody asks for what comes after a key.
func (e endless) List(_ context.Context, bucket, prefix, _ string, _ *store.Attrs) iter.Seq2[[]store.Object, error] {
	return func(yield func([]store.Object, error) bool) {
		for i := 0; i < e.objects && bucket != "b"; i += 1000 {
			page := make([]store.Object, min(1000, e.objects-i))
			for n := range page {
				page[n] = made(bucket, i+n)
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

func made(bucket string, i int) store.Object {
	return store.Object{
		Ref:      store.Ref{Bucket: bucket, Key: fmt.Sprintf("run%04d/sample%05d/lane%d/reads_%09d.fastq.gz", i/100_000, i/1000, i%8, i)},
		Size:     min(size(rand.New(rand.NewPCG(1, uint64(i)))), cut),
		ETag:     "d41d8cd98f00b204e9800998ecf8427e-12",
		Modified: time.Unix(1_700_000_000, 0),
	}
}

// Head tells of an object what the listing told, in either bucket.
func (e endless) Head(_ context.Context, r store.GetRequest) (store.Object, error) {
	_, number, _ := strings.Cut(r.Key, "reads_")
	i, err := strconv.Atoi(strings.TrimSuffix(number, ".fastq.gz"))
	return made(r.Bucket, i), err
}

// Copy says that it is done.
func (e endless) Copy(_ context.Context, r store.CopyRequest) (store.Object, error) {
	return store.Object{Ref: r.To, ETag: r.IfMatch}, nil
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
	depot := array.Folder(filepath.Join(dir, "plan"))
	took := func(what string, do func() error) error {
		began := time.Now()
		err := do()
		t := time.Since(began)
		fmt.Fprintf(w, "%-9s %7.1f s, %6.0f objects/s; the plan's folder has %4.0f bytes an object; peak memory %s\n",
			what, t.Seconds(), float64(objects)/t.Seconds(), float64(weight(dir))/float64(objects), peak())
		return err
	}
	ctx := context.Background()
	fmt.Fprintf(w, "a copy of %d objects in %d shards, by a store that does nothing, one shard after the other:\n", objects, shards)
	return errors.Join(
		took("plan", func() error {
			_, err := array.Make(ctx, c, depot, r)
			return err
		}),
		took("work", func() error {
			for shard := range shards {
				if _, err := array.Work(ctx, c, depot, array.WorkOptions{Shard: shard}); err != nil {
					return err
				}
			}
			return nil
		}),
		took("finish", func() error {
			v, err := array.Finish(ctx, c, depot, array.FinishOptions{})
			if err == nil && !v.Proved {
				err = fmt.Errorf("not all is proved: %v", v.Problems)
			}
			return err
		}))
}

// weight is the size of all files below a folder.
func weight(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			bytes += fi.Size()
		}
		return err
	})
	return bytes
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
