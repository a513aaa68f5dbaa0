package mirror_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestOnly: Only chooses among what Start begins, in a tree and in a sync, whose target it does not filter.
func TestOnly(t *testing.T) {
	for _, way := range ways {
		p := ends(t, storetest.New(storetest.For(t)), way, tree{"a1": "1", "a2": "2", "b1": "3"}, tree{"a2": "old!", "b1": "kept?", "c": "extra"})
		c := client(t, p.m, haul.Options{})
		o := mirror.SyncOptions{Delete: true, Options: mirror.Options{Select: mirror.Select{
			Start: "a", Only: func(e mirror.Entry) bool { return strings.HasSuffix(e.Rel, "1") && strings.HasPrefix(e.Rel, "a") },
		}}}
		o.Keep = func(e mirror.Entry) bool { return e.Rel == "c" }
		if _, err := mirror.Sync(t.Context(), c, p.from, p.to, o); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if got := p.read(t, p.to); !maps.Equal(got, tree{"a1": "1", "c": "extra"}) {
			t.Errorf("%s: %q", way, got)
		}
		o.Select.Only = func(mirror.Entry) bool { return false }
		if s, err := mirror.Tree(t.Context(), c, p.from, p.to, o.Options); err != nil || s.Found != 0 {
			t.Errorf("%s: %+v, %v", way, s, err)
		}
	}
}

// TestDecide is asked before each transfer, also by a dry run.
func TestDecide(t *testing.T) {
	for _, way := range ways {
		for _, dry := range []bool{false, true} {
			p := ends(t, storetest.New(storetest.For(t)), way, tree{"a": "1", "b": "2"}, nil)
			o := mirror.Options{DryRun: dry, Decide: func(_ context.Context, e mirror.Entry, target mirror.End) (bool, string, error) {
				if !strings.HasSuffix(target.String(), "/"+e.Rel) {
					t.Errorf("%s: %s goes to %s", way, e.Rel, target)
				}
				return e.Rel == "b", "not this one", nil
			}}
			s, err := mirror.Tree(t.Context(), client(t, p.m, haul.Options{}), p.from, p.to, o)
			if err != nil || s.Unchanged != 1 || s.Done+s.Planned != 1 {
				t.Errorf("%s: %+v, %v", way, s, err)
			}
		}
	}
}

// TestSourceNewer: only a newer source replaces a target of the same size, in every direction.
func TestSourceNewer(t *testing.T) {
	for _, way := range ways {
		for _, newer := range []bool{false, true} {
			p := ends(t, storetest.New(storetest.For(t)), way, tree{"a": "1"}, tree{"a": "2"})
			at := time.Now().Add(-24 * time.Hour)
			if newer {
				at = time.Now().Add(24 * time.Hour)
			}
			if p.from.Path != "" {
				if err := os.Chtimes(filepath.Join(p.from.Path, "a"), at, at); err != nil {
					t.Fatal(err)
				}
			} else {
				p.m.Edit(store.Ref{Bucket: p.from.Ref.Bucket, Key: "from/a"}, func(o *store.Object) { o.Modified = at })
			}
			_, err := mirror.Sync(t.Context(), client(t, p.m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Rules: mirror.Rules{SourceNewer: true}})
			if got := p.read(t, p.to)["a"]; err != nil || (got == "1") != newer {
				t.Errorf("%s, newer %v: %q, %v", way, newer, got, err)
			}
		}
	}
}

// TestListedPairs: what a list knows of an object needs no other request.
func TestListedPairs(t *testing.T) {
	p := ends(t, storetest.New(storetest.For(t)), mirror.Download, tree{"a": "1", "b": "22"}, nil)
	var listed []mirror.Pair
	for o, err := range client(t, p.m, haul.Options{}).List(t.Context(), p.from.Ref.Bucket, "from/", nil) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, mirror.Pair{Source: strings.TrimPrefix(o.Key, "from/"), Listed: o})
	}
	before := p.m.Counts()[storetest.Get].Calls
	s, err := mirror.Tree(t.Context(), client(t, p.m, haul.Options{}), p.from, p.to, mirror.Options{Select: mirror.Select{Pairs: pairs(listed...)}})
	if got := p.read(t, p.to); err != nil || !maps.Equal(got, tree{"a": "1", "b": "22"}) || s.Size != 3 {
		t.Errorf("%q, %+v, %v", got, s, err)
	}
	if gets := p.m.Counts()[storetest.Get].Calls - before; gets != 2 {
		t.Errorf("%d requests", gets)
	}
}
