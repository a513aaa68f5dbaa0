package mirror_test

import (
	"errors"
	"maps"
	"strconv"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// A tree is copied, synchronized and moved from one store to another; the source's store is only read, but for what a move deletes.
func TestBetweenStores(t *testing.T) {
	source, target := storetest.New(), storetest.New()
	files := tree{"run/a/R1.fastq.gz": "reads", "run/a/R2.fastq.gz": "more reads", "run/x.bam": "alignments", "run/x.bam.bai": "index", "run/RTAComplete.txt": "done"}
	put(source, files)
	put(target, tree{"run/old": "old", "run/x.bam": "other bytes"})
	c := client(t, target, haul.Options{})
	from := mirror.End{Ref: at("run"), Client: client(t, source, haul.Options{})}
	o := mirror.SyncOptions{Delete: true}
	s, err := mirror.Sync(t.Context(), c, from, mirror.Remote(at("run")), o)
	if err != nil || s.Done != len(files) || s.Deleted != 1 || s.Unverified != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := stored(target, "run/"); !maps.Equal(got, stored(source, "run/")) {
		t.Errorf("%v", got)
	}
	for _, rules := range []mirror.Rules{{}, {Checksum: true}, {Times: true}, {SizeOnly: true}} {
		o.Rules = rules
		if s, err = mirror.Sync(t.Context(), c, from, mirror.Remote(at("run")), o); err != nil || s.Done != 0 || s.Unchanged != len(files) {
			t.Errorf("%+v: %+v, %v", rules, s, err)
		}
	}
	put(source, tree{"run/x.bam": "ALIGNMENTS"})
	o.Rules = mirror.Rules{Checksum: true}
	if s, err = mirror.Sync(t.Context(), c, from, mirror.Remote(at("run")), o); err != nil || s.Done != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = mirror.Tree(t.Context(), c, from, mirror.Remote(at("moved")), mirror.Options{Move: true})
	if err != nil || s.Done != len(files) || len(source.Keys(storetest.Bucket, "")) != 0 {
		t.Errorf("%+v, %v; left: %v", s, err, source.Keys(storetest.Bucket, ""))
	}
	if got := stored(target, "moved/"); !maps.Equal(got, stored(target, "run/")) {
		t.Errorf("%v", got)
	}
}

// An interrupted run between two stores goes on where it was, and is no other run than that.
func TestBetweenStoresResumes(t *testing.T) {
	source, target := storetest.New(), storetest.New()
	files := tree{}
	for i := range 50 {
		files["run/"+strconv.Itoa(i)] = strconv.Itoa(i)
	}
	put(source, files)
	target.Fault(storetest.Put).Key("run/33").Error(store.Denied)
	state := t.TempDir()
	c := haul.New(target, haul.Options{StateDir: state, Patience: time.Second})
	from := mirror.End{Ref: at("run"), Client: haul.New(source, haul.Options{StateDir: state})}
	part := new(mirror.IncompleteError)
	if _, err := mirror.Tree(t.Context(), c, from, mirror.Remote(at("run")), mirror.Options{}); !errors.As(err, &part) {
		t.Fatal(err)
	}
	s, err := mirror.Tree(t.Context(), c, from, mirror.Remote(at("run")), mirror.Options{})
	if err != nil || s.Done != 1 || s.Unchanged != 49 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A move between two names of one store keeps the only copy.
func TestBetweenTwoNamesOfOneStore(t *testing.T) {
	m := storetest.New()
	put(m, tree{"x": "bytes"})
	from := mirror.End{Ref: at("x"), Client: client(t, m, haul.Options{})}
	if _, err := mirror.MoveOne(t.Context(), client(t, m, haul.Options{}), from, mirror.Remote(at("x")), mirror.TransferOptions{}); !errors.Is(err, mirror.ErrKept) {
		t.Errorf("%v", err)
	}
	if string(m.Bytes(at("x"))) != "bytes" {
		t.Error("it is gone")
	}
}
