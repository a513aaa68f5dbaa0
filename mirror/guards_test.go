package mirror_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestNothingToCopyDeletesNothing: a source in which nothing is found empties no target, unless that is allowed.
func TestNothingToCopyDeletesNothing(t *testing.T) {
	nothing := map[string]func(*testing.T, pairOf, *mirror.SyncOptions){
		"empty":        func(*testing.T, pairOf, *mirror.SyncOptions) {},
		"only folders": func(t *testing.T, p pairOf, _ *mirror.SyncOptions) { mark(t, p, "lost+found") },
		"only filtered": func(t *testing.T, p pairOf, o *mirror.SyncOptions) {
			fill(t, p, "x.tmp")
			o.Select.Filter.Exclude("*.tmp")
		},
		"only dead links": func(t *testing.T, p pairOf, _ *mirror.SyncOptions) { dead(t, p, "data") },
	}
	for _, way := range ways {
		for what, prepare := range nothing {
			for _, dry := range []bool{false, true} {
				m := storetest.New(storetest.For(t))
				p := ends(t, m, way, nil, tree{"a": "1", "b/c": "2"})
				var events protocol
				o := mirror.SyncOptions{Delete: true}
				o.Select.EmptyOK, o.DryRun, o.Observe = true, dry, events.observe
				prepare(t, p, &o)
				c := client(t, m, haul.Options{})
				s, err := mirror.Sync(t.Context(), c, p.from, p.to, o)
				var empty *mirror.EmptySourceError
				if !errors.As(err, &empty) || empty.Wanted != 2 || s.Deleted+s.PlannedDeletes != 0 || len(p.read(t, p.to)) != 2 {
					t.Errorf("%s, %s, dry %v: %+v, %v", way, what, dry, s, err)
				}
				o.AllowEmptySource = true
				s, err = mirror.Sync(t.Context(), c, p.from, p.to, o)
				var part *mirror.IncompleteError
				if err != nil && !errors.As(err, &part) || s.Deleted+s.PlannedDeletes != 2 || !dry && len(p.read(t, p.to)) != 0 {
					t.Errorf("%s, %s, dry %v, allowed: %+v, %v", way, what, dry, s, err)
				}
				if !errors.As(events.of(mirror.Warned)[endOf(p.from)], &empty) {
					t.Errorf("%s, %s: warned are %v", way, what, events.of(mirror.Warned))
				}
			}
		}
	}
}

// endOf is an end as events name it.
func endOf(e mirror.End) string {
	if e.Path != "" {
		return e.Path
	}
	return e.String() + "/"
}

// fill puts a file into the source, mark a folder, and dead a link that leads nowhere.
func fill(t *testing.T, p pairOf, name string) {
	if p.from.Path != "" {
		tree{name: "x"}.writeTo(t, p.from.Path)
	} else {
		put(p.m, tree{p.from.Ref.Key + "/" + name: "x"})
	}
}

func mark(t *testing.T, p pairOf, name string) {
	if p.from.Path == "" {
		put(p.m, tree{p.from.Ref.Key + "/" + name + "/": ""})
	} else if err := os.Mkdir(filepath.Join(p.from.Path, name), 0o777); err != nil {
		t.Fatal(err)
	}
}

func dead(t *testing.T, p pairOf, name string) {
	if p.from.Path != "" {
		link(t, p.from.Path, map[string]string{name: "/not/mounted"})
	}
}

// TestWhatLayBehindADeadLinkStays: a link to nothing may be a share that is not mounted.
func TestWhatLayBehindADeadLinkStays(t *testing.T) {
	m := storetest.New(storetest.For(t))
	old := tree{"data/x": "1", "data/y/z": "2", "data-2": "3", "data.csv": "4", "datax/y": "5", "gone": "6"}
	p := ends(t, m, mirror.Upload, tree{"a": "0"}, old)
	link(t, p.from.Path, map[string]string{"data": "/not/mounted"})
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
	want := tree{"a": "0", "data/x": "1", "data/y/z": "2"}
	if got := p.read(t, p.to); err == nil || s.Skipped != 1 || s.Deleted != 4 || !maps.Equal(got, want) {
		t.Errorf("%q, %+v, %v", got, s, err)
	}
}

// TestFailureWithholdsDeletes: nothing is deleted after a transfer failed, by a sync or by its plan, and the error says so.
func TestFailureWithholdsDeletes(t *testing.T) {
	ops := map[mirror.Way]storetest.Op{mirror.Upload: storetest.Put, mirror.Download: storetest.Get, mirror.Copying: storetest.Copy}
	for _, way := range ways {
		for _, name := range []string{"a", "md5sum.txt", "RTAComplete.txt"} {
			for _, planned := range []bool{false, true} {
				m := storetest.New(storetest.For(t))
				p := ends(t, m, way, tree{"a": "1", "b": "2", "md5sum.txt": "3", "RTAComplete.txt": "4"}, tree{"x": "1", "y/z": "2"})
				c := client(t, m, haul.Options{})
				o := mirror.SyncOptions{Delete: true}
				plan := planOf(t, c, p.from, p.to, o)
				key := "to/" + name
				if way == mirror.Download {
					key = "from/" + name
				}
				m.Fault(ops[way]).Key(key).Error(store.Denied).Always()
				var s mirror.Summary
				var err error
				if planned {
					s, err = mirror.Apply(t.Context(), c, plan, mirror.Options{})
				} else {
					s, err = mirror.Sync(t.Context(), c, p.from, p.to, o)
				}
				var part *mirror.IncompleteError
				if !errors.As(err, &part) || part.Withheld != 2 || part.Why == "" || s.Deleted != 0 || s.Failed == 0 {
					t.Errorf("%s of %s, planned %v: %+v, %v", way, name, planned, s, err)
				}
				if got := p.read(t, p.to); !has(got, "x") || !has(got, "y/z") {
					t.Errorf("%s of %s, planned %v: %q", way, name, planned, got.names())
				}
			}
		}
	}
}

// TestPlanOfDeletionsNeedsItsSource: a plan that saw files in its source deletes nothing once they are gone, as those of an unmounted
// share are. One of an empty source that was allowed does.
func TestPlanOfDeletionsNeedsItsSource(t *testing.T) {
	for _, way := range ways {
		for _, missing := range []bool{false, true} {
			m := storetest.New(storetest.For(t))
			p := ends(t, m, way, tree{"a": "1"}, tree{"x": "1", "y/z": "2"})
			c := client(t, m, haul.Options{})
			if _, err := mirror.Sync(t.Context(), c, p.from, p.to, mirror.SyncOptions{}); err != nil {
				t.Fatal(err)
			}
			plan := planOf(t, c, p.from, p.to, mirror.SyncOptions{Delete: true})
			if _, sum, err := mirror.ReadPlan(plan); err != nil || sum.Steps != 2 || sum.Deletes != 2 || sum.EmptySource {
				t.Fatalf("%+v, %v", sum, err)
			}
			clearSource(t, p, missing)
			var empty *mirror.EmptySourceError
			s, err := mirror.Apply(t.Context(), c, plan, mirror.Options{})
			if got := p.read(t, p.to); !errors.As(err, &empty) || empty.Wanted != 2 || !empty.Planned || s.Deleted != 0 || len(got) != 3 {
				t.Errorf("%s, missing %v: %+v, %v, %q", way, missing, s, err, got.names())
			}
			fill(t, p, "b")
			if s, err = mirror.Apply(t.Context(), c, plan, mirror.Options{}); err != nil || s.Deleted != 2 || len(p.read(t, p.to)) != 1 {
				t.Errorf("%s, missing %v, and there again: %+v, %v", way, missing, s, err)
			}
			if s, err = mirror.Apply(t.Context(), c, plan, mirror.Options{}); err != nil || s.Failed != 0 {
				t.Errorf("%s, applied twice: %+v, %v", way, s, err)
			}
		}
		m := storetest.New(storetest.For(t))
		p := ends(t, m, way, nil, tree{"x": "1", "y/z": "2"})
		c := client(t, m, haul.Options{})
		o := mirror.SyncOptions{Delete: true, AllowEmptySource: true}
		o.Select.EmptyOK = true
		plan := planOf(t, c, p.from, p.to, o)
		if s, err := mirror.Apply(t.Context(), c, plan, mirror.Options{}); err != nil || s.Deleted != 2 || len(p.read(t, p.to)) != 0 {
			t.Errorf("%s, an empty source was allowed: %+v, %v", way, s, err)
		}
	}
}

// clearSource empties the source, or removes the folder as well.
func clearSource(t *testing.T, p pairOf, folder bool) {
	if p.from.Path == "" {
		for key := range stored(p.m, p.from.Ref.Key) {
			if err := p.m.Delete(t.Context(), at(p.from.Ref.Key+key), nil); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	err := os.RemoveAll(p.from.Path)
	if err == nil && !folder {
		err = os.Mkdir(p.from.Path, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSyncOfThePrefixItself: an object that equals the prefix and has bytes is copied within the store, and fails on download, where it
// can be no file: it is never left out in silence.
func TestSyncOfThePrefixItself(t *testing.T) {
	m := storetest.New(storetest.For(t))
	put(m, tree{"from/": "bytes", "from/a": "1", "to/": "old bytes", "to/b": "2"})
	c := client(t, m, haul.Options{})
	o := mirror.SyncOptions{Delete: true}
	for range 2 {
		s, err := mirror.Sync(t.Context(), c, mirror.Remote(at("from")), mirror.Remote(at("to")), o)
		if got := stored(m, "to/"); err != nil || s.Found != 2 || !maps.Equal(got, tree{"": "bytes", "a": "1"}) {
			t.Errorf("copy: %q, %+v, %v", got, s, err)
		}
	}
	var p protocol
	o.Observe = p.observe
	s, err := mirror.Sync(t.Context(), c, mirror.Remote(at("from")), mirror.Local(t.TempDir()), o)
	if err == nil || s.Failed != 1 || s.Done != 1 || p.of(mirror.Failed)["s3://bucket/from/"] == nil {
		t.Errorf("down: %+v, %v", s, err)
	}
}

// TestSyncSparesItsSource: a target that holds the source has everything but that deleted.
func TestSyncSparesItsSource(t *testing.T) {
	m := storetest.New(storetest.For(t))
	put(m, tree{"run/new/a": "1", "run/new/b": "2", "run/gone": "3", "run/newer/x": "4", "run/a": "old"})
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), mirror.Remote(at("run/new")), mirror.Remote(at("run")), mirror.SyncOptions{Delete: true})
	want := tree{"run/new/a": "1", "run/new/b": "2", "run/a": "1", "run/b": "2"}
	if got := stored(m, ""); err != nil || s.Deleted != 2 || !maps.Equal(got, want) {
		t.Errorf("%q, %+v, %v", got, s, err)
	}
}
