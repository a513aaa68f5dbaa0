package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// ways are the three directions of a run, each with how to fill its ends and to read them.
var ways = []mirror.Way{mirror.Upload, mirror.Download, mirror.Copying}

// pairOf makes both ends of a way hold trees.
type pairOf struct {
	m        *storetest.Memory
	way      mirror.Way
	from, to mirror.End
}

func ends(tb testing.TB, m *storetest.Memory, way mirror.Way, from, to tree) pairOf {
	p := pairOf{m: m, way: way, from: mirror.Remote(at("from")), to: mirror.Remote(at("to"))}
	if way == mirror.Upload {
		p.from = mirror.Local(folderOf(tb, from))
	} else {
		put(m, below("from/", from))
	}
	if way == mirror.Download {
		p.to = mirror.Local(folderOf(tb, to))
	} else {
		put(m, below("to/", to))
	}
	return p
}

// folderOf makes the files in a folder, an hour old: a store tells times in whole seconds, so that a file of this very second is
// newer than the object made from it.
func folderOf(tb testing.TB, t tree) string {
	dir, err := os.MkdirTemp("", "sync")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	t.writeTo(tb, dir)
	old := time.Now().Add(-time.Hour)
	for name := range t {
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), old, old); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func below(prefix string, t tree) tree {
	out := tree{}
	for name, text := range t {
		out[prefix+name] = text
	}
	return out
}

func (p pairOf) read(tb testing.TB, e mirror.End) tree {
	if e.Path != "" {
		return read(tb, e.Path)
	}
	return stored(p.m, e.Ref.Key+"/")
}

// edited changes some files of a tree, drops others, and adds those of another tree.
func edited(t *rapid.T, files tree) tree {
	out := tree{}
	for _, name := range files.names() {
		switch rapid.IntRange(0, 3).Draw(t, "edit") {
		case 0:
		case 1:
			out[name] = files[name] + "more"
		default:
			out[name] = files[name]
		}
	}
	for name, text := range trees.Draw(t, "more") {
		clash := false
		for other := range out {
			clash = clash || strings.HasPrefix(other+"/", name+"/") || strings.HasPrefix(name+"/", other+"/")
		}
		if !clash {
			out[name] = text
		}
	}
	return out
}

// TestSyncMakesEqual: after a sync with Delete both sides are equal, even where files stand in the place of folders; the
// next one moves nothing.
func TestSyncMakesEqual(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := trees.Draw(r, "tree")
		old := edited(r, files)
		if rapid.Bool().Draw(r, "other") {
			old = trees.Draw(r, "target")
		}
		way := rapid.SampledFrom(ways).Draw(r, "way")
		m := inParts(t)
		put(m, tree{"from-2/x": "other", "to-2/x": "other", "to": "other"})
		p := ends(t, m, way, files, old)
		if len(files) == 0 && way != mirror.Upload {
			put(m, tree{"from/mark/": ""}) // a prefix with nothing below is no source
		}
		c := client(t, m, haul.Options{})
		o := mirror.SyncOptions{Options: small, Delete: true, AllowEmptySource: true}
		o.Rules.Checksum = true // the same size may be another file
		s, err := mirror.Sync(t.Context(), c, p.from, p.to, o)
		if err != nil {
			r.Fatalf("%+v, %v", s, err)
		}
		if got := p.read(t, p.to); !maps.Equal(got, files) {
			r.Fatalf("the target is %q, want %q", got, files)
		}
		if got := p.read(t, p.from); way == mirror.Upload && !maps.Equal(got, files) {
			r.Fatalf("the source is %q", got)
		}
		for _, rules := range []mirror.Rules{{}, {SizeOnly: true}, {Checksum: true}} {
			o.Rules = rules
			again, err := mirror.Sync(t.Context(), c, p.from, p.to, o)
			if err != nil || again.Done != 0 || again.Deleted != 0 || again.Unchanged != len(files) {
				r.Fatalf("again by %+v: %+v, %v", rules, again, err)
			}
		}
		if m.Exists(at("to-2/x")) == false || m.Exists(at("to")) == false {
			r.Fatal("what is beside the target was deleted")
		}
	})
}

// TestSyncLosesNothing: whatever goes wrong, for good or in passing, each name of the target has the old content, or the new
// one; only what has no source is gone, and nothing of that where a listing failed.
func TestSyncLosesNothing(t *testing.T) {
	ops := []storetest.Op{storetest.Put, storetest.Get, storetest.Head, storetest.List, storetest.Copy, storetest.DeleteMany, storetest.Delete}
	rapid.Check(t, func(r *rapid.T) {
		files := trees.Draw(r, "tree")
		old := edited(r, files)
		way := rapid.SampledFrom(ways).Draw(r, "way")
		op := rapid.SampledFrom(ops).Draw(r, "op")
		kind := rapid.SampledFrom([]store.Kind{store.Denied, store.Network, store.NoBucket, store.Unavailable}).Draw(r, "kind")
		nth, times := rapid.IntRange(1, 4).Draw(r, "nth"), rapid.IntRange(0, 3).Draw(r, "times")
		late := rapid.Bool().Draw(r, "late")
		move := rapid.Bool().Draw(r, "move")
		if len(files) == 0 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			m := storetest.New(storetest.ListPage(3))
			p := ends(t, m, way, files, old)
			f := m.Fault(op).Nth(nth)
			if late {
				f.LateError(kind)
			} else {
				f.Error(kind)
			}
			if times == 0 {
				f.Always()
			} else {
				f.Times(times)
			}
			c := client(t, m, haul.Options{Patience: time.Minute})
			var s mirror.Summary
			var err error
			if move {
				s, err = mirror.Tree(t.Context(), c, p.from, p.to, mirror.Options{Move: true})
			} else {
				s, err = mirror.Sync(t.Context(), c, p.from, p.to, mirror.SyncOptions{Delete: true, Rules: mirror.Rules{Checksum: true}})
			}
			from, to := p.read(t, p.from), p.read(t, p.to)
			lost := lostOf(files, old, from, to, move)
			if lost == nil && err == nil && !move && !maps.Equal(to, files) {
				lost = fmt.Errorf("the target is %q, want %q", to, files)
			}
			var part *mirror.IncompleteError
			listed := err == nil || errors.As(err, &part) || s.Deleted > 0
			for name := range old {
				if _, ok := to[name]; !ok && files[name] == "" && !listed && op == storetest.List {
					lost = fmt.Errorf("%s was deleted after a listing that failed", name)
				}
			}
			if lost != nil {
				r.Fatalf("%v: %+v, %v", lost, s, err)
			}
		})
	})
}

// lostOf finds content that is nowhere any more, and names that were deleted and had a source.
func lostOf(files, old, from, to tree, move bool) error {
	for name, text := range files {
		inFrom, inTo := from[name] == text && has(from, name), to[name] == text && has(to, name)
		if !inFrom && !(move && inTo) {
			return fmt.Errorf("%s is lost: source %v, target %v", name, from, to)
		}
	}
	for name, text := range old {
		got, there := to[name]
		switch want, hasSource := files[name]; {
		case there && got != text && (!hasSource || got != want):
			return fmt.Errorf("%s is neither old nor new", name)
		case !there && hasSource:
			return fmt.Errorf("%s was deleted, and has a source", name)
		case !there && move:
			return fmt.Errorf("%s was deleted from the target of a move", name)
		}
	}
	return nil
}

func has(t tree, name string) bool { _, ok := t[name]; return ok }

func TestDeleteNeedsBothListings(t *testing.T) {
	for _, way := range ways {
		for _, prefix := range []string{"from/", "to/"} {
			if way == mirror.Upload && prefix == "from/" || way == mirror.Download && prefix == "to/" {
				continue
			}
			m := storetest.New(storetest.For(t), storetest.ListPage(2))
			p := ends(t, m, way, tree{"a": "1", "d": "1", "e": "1", "f": "1"}, tree{"a": "1", "b": "2", "c": "3", "z": "4"})
			m.Fault(storetest.List).Key(prefix).Nth(2).Error(store.Denied).Always()
			s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
			if !errors.Is(err, store.Denied) || s.Deleted != 0 || s.All {
				t.Errorf("%s: %+v, %v", way, s, err)
			}
			if got := p.read(t, p.to); !has(got, "b") || !has(got, "c") || !has(got, "z") {
				t.Errorf("%s: after a listing of %s that failed there are %q", way, prefix, got.names())
			}
		}
	}
}

func TestUnreadableFolderWithholdsDeletes(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	m := storetest.New(storetest.For(t))
	p := ends(t, m, mirror.Upload, tree{"a": "1", "closed/x": "2"}, tree{"closed/x": "2", "gone": "3"})
	closed := filepath.Join(p.from.Path, "closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
	var part *mirror.IncompleteError
	if !errors.As(err, &part) || part.Withheld != 2 || s.Deleted != 0 || !m.Exists(at("to/gone")) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestWhatIsNoFileProtectsItsTarget: a link to nothing moves nowhere, and what it once was stays.
func TestWhatIsNoFileProtectsItsTarget(t *testing.T) {
	m := storetest.New(storetest.For(t))
	p := ends(t, m, mirror.Upload, tree{"a": "1"}, tree{"broken": "2", "gone": "3", "loop/x": "4"})
	link(t, p.from.Path, map[string]string{"broken": "nowhere", "loop": "."})
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
	var part *mirror.IncompleteError
	if !errors.As(err, &part) || part.Skipped != 2 || s.Deleted != 2 || !m.Exists(at("to/broken")) {
		t.Errorf("%+v, %v", s, err)
	}
	o := mirror.SyncOptions{Delete: true}
	o.Select.NoFollow = true // then links are as if they were not there
	if s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, o); err != nil || s.Deleted != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestDeleteStaysInTheFolder: links in the target folder are not followed, and the partial files of downloads stay.
func TestDeleteStaysInTheFolder(t *testing.T) {
	m := storetest.New(storetest.For(t))
	outside := tree{"keep": "1"}.write(t)
	partial := ".x.haul-0123456789abcdef"
	p := ends(t, m, mirror.Download, tree{"a": "1", "d/x": "2"}, tree{"gone": "3", "d/gone": "4", partial: "5"})
	link(t, p.to.Path, map[string]string{"link": outside, "file": filepath.Join(outside, "keep")})
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
	if err != nil || s.Deleted != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	if b, err := os.ReadFile(filepath.Join(outside, "keep")); err != nil || string(b) != "1" {
		t.Errorf("a file outside is %q, %v", b, err)
	}
	if _, err := os.Lstat(filepath.Join(p.to.Path, "file")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link to a file is %v", err)
	}
	if _, err := os.Lstat(filepath.Join(p.to.Path, partial)); err != nil {
		t.Error(err)
	}
}

// TestMaxDelete: no limit unless there is one, and 0 is the limit that it says.
func TestMaxDelete(t *testing.T) {
	for _, c := range []struct {
		limit *int
		gone  int
	}{{nil, 3}, {new(3), 3}, {new(2), 0}, {new(0), 0}} {
		m := storetest.New(storetest.For(t))
		p := ends(t, m, mirror.Upload, tree{"a": "1"}, tree{"b": "2", "c": "3", "d": "4"})
		s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true, MaxDelete: c.limit})
		var many *mirror.DeletesError
		if s.Deleted != c.gone || s.Done != 1 || (c.gone == 0) != errors.As(err, &many) || c.gone > 0 && err != nil || many != nil && many.Max != *c.limit {
			t.Errorf("at most %v: %+v, %v", c.limit, s, err)
		}
	}
	m := storetest.New(storetest.For(t))
	p := ends(t, m, mirror.Upload, tree{"a": "1"}, tree{"b": "2"})
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true, MaxDelete: new(-1)})
	if !errors.Is(err, store.Invalid) || s.Done+s.Deleted != 0 {
		t.Errorf("a negative limit: %+v, %v", s, err)
	}
}

// TestManyDeletes keeps what is to be deleted in a file.
func TestManyDeletes(t *testing.T) {
	m := storetest.New(storetest.For(t))
	const n = 2500
	for i := range n {
		m.PutBytes(at(fmt.Sprintf("to/%s%06d", strings.Repeat("x", 500), i)), nil)
	}
	p := ends(t, m, mirror.Upload, tree{"a": "1"}, nil)
	s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
	if err != nil || s.Deleted != n || len(m.Keys(storetest.Bucket, "to/")) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestFiltersHoldForDeletes(t *testing.T) {
	for _, way := range ways {
		m := storetest.New(storetest.For(t))
		p := ends(t, m, way, tree{"a.txt": "1", "b.gz": "22", "d/c.txt": "3"}, tree{"b.gz": "1", "x.txt": "4", "x.gz": "5", "d/y.gz": "6"})
		o := mirror.SyncOptions{Delete: true}
		o.Select.Filter.Exclude("*.gz")
		s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), p.from, p.to, o)
		want := tree{"a.txt": "1", "b.gz": "1", "d/c.txt": "3", "x.gz": "5", "d/y.gz": "6"}
		if got := p.read(t, p.to); err != nil || s.Deleted != 1 || !maps.Equal(got, want) {
			t.Errorf("%s: %q, %+v, %v", way, got, s, err)
		}
	}
}

// TestDryRunChangesNothing: it tells what the run in earnest does.
func TestDryRunChangesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := trees.Draw(r, "tree")
		old := edited(r, files)
		way := rapid.SampledFrom(ways).Draw(r, "way")
		if len(files) == 0 {
			return
		}
		m := inParts(t)
		p := ends(t, m, way, files, old)
		c := client(t, m, haul.Options{})
		var dry, wet protocol
		o := mirror.SyncOptions{Options: small, Delete: true}
		o.Observe, o.DryRun = dry.observe, true
		planned, err := mirror.Sync(t.Context(), c, p.from, p.to, o)
		if err != nil || planned.Done+planned.Deleted != 0 {
			r.Fatalf("%+v, %v", planned, err)
		}
		if got := p.read(t, p.to); !maps.Equal(got, old) {
			r.Fatalf("the target is %q", got)
		}
		o.Observe, o.DryRun = wet.observe, false
		s, err := mirror.Sync(t.Context(), c, p.from, p.to, o)
		if err != nil {
			r.Fatal(err)
		}
		did := slices.Sorted(maps.Keys(wet.of(mirror.Done)))
		did = append(did, slices.Sorted(maps.Keys(wet.of(mirror.Deleted)))...)
		slices.Sort(did)
		if would := slices.Sorted(maps.Keys(dry.of(mirror.Planned))); !slices.Equal(did, would) || planned.PlannedSize != s.Size {
			r.Fatalf("planned %q, %d bytes; did %q, %d bytes", would, planned.PlannedSize, did, s.Size)
		}
	})
}

// TestTimesStay: up, down and up again moves nothing, and files keep their times.
func TestTimesStay(t *testing.T) {
	m := storetest.New(storetest.For(t))
	c := client(t, m, haul.Options{})
	dir := tree{"a": "1", "d/b": "22"}.write(t)
	old := time.Unix(1_000_000_000, 123_456_789)
	for _, name := range []string{"a", "d/b"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	o := mirror.SyncOptions{Rules: mirror.Rules{Times: true}}
	o.Transfer.Times = true
	again := t.TempDir()
	for i, run := range []struct {
		from, to mirror.End
		moves    int
	}{
		{mirror.Local(dir), mirror.Remote(at("x")), 2},
		{mirror.Local(dir), mirror.Remote(at("x")), 0},
		{mirror.Remote(at("x")), mirror.Local(again), 2},
		{mirror.Remote(at("x")), mirror.Local(again), 0},
		{mirror.Local(again), mirror.Remote(at("x")), 0},
		{mirror.Remote(at("x")), mirror.Remote(at("y")), 2},
		{mirror.Local(again), mirror.Remote(at("y")), 0},
	} {
		if s, err := mirror.Sync(t.Context(), c, run.from, run.to, o); err != nil || s.Done != run.moves {
			t.Fatalf("run %d: %+v, %v", i, s, err)
		}
	}
	fi, err := os.Stat(filepath.Join(again, "d/b"))
	if err != nil || fi.ModTime().Sub(old).Abs() > time.Microsecond {
		t.Errorf("the time is %v, %v", fi.ModTime(), err)
	}
	newer := old.Add(time.Hour)
	if err := os.Chtimes(filepath.Join(again, "a"), newer, newer); err != nil {
		t.Fatal(err)
	}
	if s, err := mirror.Sync(t.Context(), c, mirror.Local(again), mirror.Remote(at("x")), o); err != nil || s.Done != 1 {
		t.Errorf("after a change: %+v, %v", s, err)
	}
}

func TestChecksumFindsOneByte(t *testing.T) {
	for _, kind := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums, storetest.NoChecksums} {
		m := storetest.New(storetest.For(t), storetest.Takes(kind), storetest.Limits(store.Limits{MinPart: 1, MaxParts: 100}))
		c := client(t, m, haul.Options{})
		dir := tree{"a": strings.Repeat("1", 200), "b": "2"}.write(t)
		o := mirror.SyncOptions{Options: small, Rules: mirror.Rules{Checksum: true}}
		sync := func() (mirror.Summary, error) {
			return mirror.Sync(t.Context(), c, mirror.Local(dir), mirror.Remote(at("x")), o)
		}
		if s, err := sync(); err != nil || s.Done != 2 {
			t.Fatalf("%v: %+v, %v", kind, s, err)
		}
		down := m.Counts()[storetest.Get].Calls
		want := 0
		if kind == storetest.NoChecksums { // nobody can tell
			want = 2
		}
		if s, err := sync(); err != nil || s.Done != want {
			t.Errorf("%v, again: %+v, %v", kind, s, err)
		}
		path := filepath.Join(dir, "a")
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Repeat("1", 100)+"x"+strings.Repeat("1", 99)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, fi.ModTime(), fi.ModTime()); err != nil {
			t.Fatal(err)
		}
		if s, err := sync(); err != nil || s.Done != max(want, 1) {
			t.Errorf("%v, after a change: %+v, %v", kind, s, err)
		}
		if m.Counts()[storetest.Get].Calls != down {
			t.Errorf("%v: something was downloaded", kind)
		}
	}
}

func TestEmptySourceIsATypingError(t *testing.T) {
	m := storetest.New(storetest.For(t))
	p := ends(t, m, mirror.Download, nil, tree{"a": "1"})
	c := client(t, m, haul.Options{})
	o := mirror.SyncOptions{Delete: true}
	if s, err := mirror.Sync(t.Context(), c, p.from, p.to, o); !errors.Is(err, store.NotFound) || s.Deleted != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	o.Select.EmptyOK, o.AllowEmptySource = true, true
	if s, err := mirror.Sync(t.Context(), c, p.from, p.to, o); err != nil || s.Deleted != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSyncStops(t *testing.T) {
	m := storetest.New(storetest.For(t))
	p := ends(t, m, mirror.Upload, tree{"a": "1", "b": "2"}, tree{"z": "3"})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	m.Fault(storetest.Put).Hook(func() { cancel(why) }).Stall()
	s, err := mirror.Sync(ctx, client(t, m, haul.Options{}), p.from, p.to, mirror.SyncOptions{Delete: true})
	if !errors.Is(err, why) || s.Deleted != 0 || !m.Exists(at("to/z")) {
		t.Errorf("%+v, %v", s, err)
	}
}
