package mirror_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// A prefix is made like a folder: what differs moves, and what has no source is deleted. First it is only told.
func ExampleSync() {
	ctx := context.Background()
	m := storetest.New()
	c := haul.New(m, haul.Options{})
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "sheet.csv"), []byte("x\n"), 0o600); err != nil {
		panic(err)
	}
	run := store.Ref{Bucket: storetest.Bucket, Key: "run"}
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "run/old.csv"}, []byte("x\n"))
	o := mirror.SyncOptions{Delete: true}
	o.DryRun = true
	o.Observe = func(e mirror.Event) {
		if e.Kind == mirror.Planned {
			fmt.Println(e.Verb, filepath.Base(e.Source), "because it is", e.Why)
		}
	}
	if _, err := mirror.Sync(ctx, c, mirror.Local(dir), mirror.Remote(run), o); err != nil {
		panic(err)
	}
	o.DryRun = false
	s, err := mirror.Sync(ctx, c, mirror.Local(dir), mirror.Remote(run), o)
	fmt.Println(s.Done, "moved,", s.Deleted, "deleted", err)
	// Output:
	// upload sheet.csv because it is missing
	// delete old.csv because it is not in the source
	// 1 moved, 1 deleted <nil>
}

// Some objects of a tree move away, and the plan for that is written down before.
func ExampleApply() {
	ctx := context.Background()
	m := storetest.New()
	c := haul.New(m, haul.Options{})
	for _, key := range []string{"run/a.bam", "run/a.bai", "run/tmp/b.bam"} {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: key}, []byte("x"))
	}
	plan, err := os.CreateTemp("", "plan")
	if err != nil {
		panic(err)
	}
	defer os.Remove(plan.Name())
	defer plan.Close()
	from, to := mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"}), mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "kept"})
	o := mirror.Options{Move: true, DryRun: true}
	o.Select.Filter.Exclude("tmp/*")
	w, err := mirror.NewPlanWriter(plan, c, from, to, o)
	if err != nil {
		panic(err)
	}
	o.Observe = w.Add
	if _, err := mirror.Tree(ctx, c, from, to, o); err != nil {
		panic(err)
	}
	sum, err := w.End()
	fmt.Println(sum.Steps, "steps,", sum.Bytes, "bytes", err)
	s, err := mirror.Apply(ctx, c, plan, mirror.Options{})
	fmt.Println(s.Done, "moved", err)
	fmt.Println(m.Keys(storetest.Bucket, ""))
	// Output:
	// 2 steps, 2 bytes <nil>
	// 2 moved <nil>
	// [kept/a.bai kept/a.bam run/tmp/b.bam]
}

// The comparison is a function of two listings, whatever they are of.
func ExampleCompare() {
	at := time.Unix(1_000_000_000, 0)
	list := func(all ...mirror.Entry) iter.Seq2[mirror.Entry, error] {
		return func(yield func(mirror.Entry, error) bool) {
			for e := range slices.Values(all) {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	source := list(mirror.Entry{Rel: "a", Size: 1, Modified: at}, mirror.Entry{Rel: "b", Size: 2, Modified: at})
	target := list(mirror.Entry{Rel: "b", Size: 2, Modified: at}, mirror.Entry{Rel: "c", Size: 3, Modified: at})
	for a, err := range mirror.Compare(mirror.Upload, source, target, mirror.Rules{}) {
		fmt.Println(a.Do, a.Source.Rel+a.Target.Rel, a.Why, err)
	}
	// Output:
	// move a missing <nil>
	// leave bb size and time fit <nil>
	// delete c not in the source <nil>
}

// One object moves: its source is deleted when the target is proved.
func ExampleMoveOne() {
	m := storetest.New()
	a, b := store.Ref{Bucket: storetest.Bucket, Key: "a"}, store.Ref{Bucket: storetest.Bucket, Key: "b"}
	m.PutBytes(a, []byte("x"))
	_, err := mirror.MoveOne(context.Background(), haul.New(m, haul.Options{}), mirror.Remote(a), mirror.Remote(b), mirror.TransferOptions{})
	fmt.Println(m.Keys(storetest.Bucket, ""), err)
	// Output:
	// [b] <nil>
}

// The last pattern that matches decides, as in the AWS CLI.
func ExampleFilter() {
	var f mirror.Filter
	f.Exclude("*")
	f.Include("*.bam")
	f.Exclude("tmp/*")
	fmt.Println(f.Wants("", "run/a.bam"), f.Wants("", "run/a.bai"), f.Wants("", "tmp/a.bam"))
	// Output:
	// true false false
}
