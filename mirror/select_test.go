package mirror_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestSplitPattern(t *testing.T) {
	for name, want := range map[string][2]string{
		"runs/42":              {"runs/42", ""},
		"runs/[42]/{a}":        {"runs/[42]/{a}", ""},
		"*":                    {"", "*"},
		"run*/**/*.fastq.gz":   {"", "run*/**/*.fastq.gz"},
		"runs/42/**/x?":        {"runs/42/", "**/x?"},
		"runs/{4,5}/*.bam":     {"runs/", "{4,5}/*.bam"},
		"/data/runs/[4-5]/*":   {"/data/runs/", "[4-5]/*"},
		`runs/a\*b/c*`:         {"runs/", `a\*b/c*`},
		"runs/x*":              {"runs/", "x*"},
		"runs/":                {"runs/", ""},
		"deep/er/still/?.gz/a": {"deep/er/still/", "?.gz/a"},
	} {
		if root, pattern := mirror.SplitPattern(name); root != want[0] || pattern != want[1] {
			t.Errorf("%s: %q and %q", name, root, pattern)
		}
	}
}

// TestPatterns: what a pattern means is the same in a folder and in a store: what doublestar matches, below the root.
func TestPatterns(t *testing.T) {
	patterns := rapid.Custom(func(t *rapid.T) string {
		part := rapid.SampledFrom([]string{"*", "**", "?", "a", "a*", "*b", "[a-c]", "{a,b c}", "a-b", ".hidden"})
		return strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "parts"), "/")
	})
	rapid.Check(t, func(r *rapid.T) {
		files, pattern := trees.Draw(r, "tree"), patterns.Draw(r, "pattern")
		want := tree{}
		for name, text := range files {
			if doublestar.MatchUnvalidated(pattern, name) && !(strings.HasSuffix(pattern, "/**") && !doublestar.MatchUnvalidated(pattern+"/*", name)) {
				want[name] = text
			}
		}
		m := storetest.New()
		p := ends(t, m, mirror.Upload, files, nil)
		c := client(t, m, haul.Options{})
		o := mirror.Options{Select: mirror.Select{Pattern: pattern}}
		_, err := mirror.Tree(t.Context(), c, p.from, p.to, o)
		if got := p.read(t, p.to); !maps.Equal(got, want) || (err == nil) != (len(want) > 0) {
			r.Fatalf("up by %s: %q, want %q, %v", pattern, got.names(), want.names(), err)
		}
		put(m, below("from/", files))
		_, err = mirror.Tree(t.Context(), c, mirror.Remote(at("from")), mirror.Remote(at("copy")), o)
		if got := stored(m, "copy/"); !maps.Equal(got, want) || len(want) == 0 && !errors.Is(err, store.NotFound) {
			r.Fatalf("copied by %s: %q, want %q, %v", pattern, got.names(), want.names(), err)
		}
	})
	m := storetest.New()
	put(m, tree{"from/a": "1"})
	_, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), mirror.Remote(at("from")), mirror.Remote(at("to")), mirror.Options{Select: mirror.Select{Pattern: "[*"}})
	if !errors.Is(err, store.Invalid) {
		t.Errorf("a bad pattern: %v", err)
	}
}

func pairs(all ...mirror.Pair) iter.Seq2[mirror.Pair, error] {
	return func(yield func(mirror.Pair, error) bool) {
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func TestPairs(t *testing.T) {
	m := storetest.New(storetest.For(t))
	p := ends(t, m, mirror.Upload, tree{"a": "1", "d/b": "2", "d/c": "3"}, nil)
	c := client(t, m, haul.Options{})
	o := mirror.Options{Select: mirror.Select{Pairs: pairs(
		mirror.Pair{Source: "./a"}, mirror.Pair{Source: "d/b", Target: "x/y"}, mirror.Pair{Source: "none"},
		mirror.Pair{Source: "../outside"}, mirror.Pair{Source: filepath.Join(p.from.Path, "d/c")},
	)}}
	s, err := mirror.Tree(t.Context(), c, p.from, p.to, o)
	if got := p.read(t, p.to); err == nil || s.Failed != 1 || s.Skipped != 1 || !maps.Equal(got, tree{"a": "1", "x/y": "2", "d/c": "3"}) {
		t.Errorf("%q, %+v, %v", got, s, err)
	}
	o.Select.Pairs = pairs(mirror.Pair{Source: "x/y", Target: "../../evil"}, mirror.Pair{Source: "x/y"}, mirror.Pair{Source: "a", Target: "x/z"}, mirror.Pair{Source: "gone"})
	down := t.TempDir()
	s, err = mirror.Tree(t.Context(), c, p.to, mirror.Local(down), o)
	if got := read(t, down); err == nil || s.Failed != 2 || !maps.Equal(got, tree{"x/y": "2", "x/z": "1"}) {
		t.Errorf("%q, %+v, %v", got, s, err)
	}
}

func TestArchived(t *testing.T) {
	for _, c := range []struct {
		how                        mirror.Archived
		skipped, failed, unchanged int
	}{{mirror.SkipArchived, 1, 0, 0}, {mirror.FailArchived, 0, 1, 0}, {mirror.IgnoreArchived, 0, 0, 1}} {
		for _, dry := range []bool{false, true} {
			m := storetest.New(storetest.For(t))
			put(m, tree{"from/a": "1", "from/b": "2", "from/c": "3"})
			for _, key := range []string{"from/b", "from/c"} {
				m.Edit(at(key), func(o *store.Object) { o.StorageClass = "DEEP_ARCHIVE" })
			}
			m.Restore(at("from/c"))
			o := mirror.Options{Archived: c.how, DryRun: dry}
			s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), mirror.Remote(at("from")), mirror.Local(t.TempDir()), o)
			if dry { // which does not ask whether it was restored
				continue
			}
			if s.Done != 2 || s.Skipped != c.skipped || s.Failed != c.failed || s.Unchanged != c.unchanged || (err == nil) != (c.how == mirror.IgnoreArchived) {
				t.Errorf("%q: %+v, %v", c.how, s, err)
			}
		}
	}
}

func TestMoveKeepsWhatIsNotSafe(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.Takes(storetest.NoChecksums))
	c := client(t, m, haul.Options{})
	dir := tree{"a": "1"}.write(t)
	_, err := mirror.MoveOne(t.Context(), c, mirror.Local(filepath.Join(dir, "a")), mirror.Remote(at("a")), mirror.TransferOptions{})
	if !errors.Is(err, mirror.ErrKept) || !has(read(t, dir), "a") {
		t.Errorf("unproved: %v", err)
	}

	m = storetest.New(storetest.For(t))
	c = client(t, m, haul.Options{})
	put(m, tree{"a": "old"})
	m.Fault(storetest.Copy).Hook(func() { m.PutBytes(at("a"), []byte("new")) }) // while the copy is made
	_, err = mirror.MoveOne(t.Context(), c, mirror.Remote(at("a")), mirror.Remote(at("b")), mirror.TransferOptions{})
	if err == nil || !m.Exists(at("a")) || string(m.Bytes(at("a"))) != "new" {
		t.Errorf("changed: %v", err)
	}
	m.Fault(storetest.Head).Key("b").Nth(2).Hook(func() { m.PutBytes(at("a"), []byte("newer")) }) // after it: b is looked at before, too
	_, err = mirror.MoveOne(t.Context(), c, mirror.Remote(at("a")), mirror.Remote(at("b")), mirror.TransferOptions{})
	if !errors.Is(err, mirror.ErrKept) || string(m.Bytes(at("a"))) != "newer" {
		t.Errorf("changed after: %v", err)
	}
	m.Fault(storetest.Delete).Error(store.Denied)
	_, err = mirror.MoveOne(t.Context(), c, mirror.Remote(at("a")), mirror.Local(filepath.Join(dir, "b")), mirror.TransferOptions{})
	if !errors.Is(err, mirror.ErrKept) || !m.Exists(at("a")) {
		t.Errorf("not deleted: %v", err)
	}
	if _, err := mirror.MoveOne(t.Context(), c, mirror.Remote(at("a")), mirror.Remote(at("a")), mirror.TransferOptions{}); !errors.Is(err, store.Invalid) || !m.Exists(at("a")) {
		t.Errorf("onto itself: %v", err)
	}
}

func TestMoveTree(t *testing.T) {
	for _, way := range ways {
		m := storetest.New(storetest.For(t))
		files := tree{"a": "1", "d/b": "2", "d/e/c": "3"}
		p := ends(t, m, way, files, tree{"other": "4"})
		s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.Options{Move: true})
		want := maps.Clone(files)
		want["other"] = "4"
		if from, to := p.read(t, p.from), p.read(t, p.to); err != nil || s.Done != 3 || len(from) != 0 || !maps.Equal(to, want) {
			t.Errorf("%s: %q and %q, %+v, %v", way, from, to, s, err)
		}
	}
}

func TestCaseConflicts(t *testing.T) {
	for how, want := range map[mirror.CaseConflict][3]int{ // done, failed or skipped, warned
		mirror.FailCase: {2, 1, 0}, mirror.SkipCase: {2, 1, 0}, mirror.WarnCase: {3, 0, 1}, mirror.IgnoreCase: {3, 0, 0},
	} {
		m := storetest.New(storetest.For(t))
		put(m, tree{"d/A": "1", "d/a": "1", "d/b": "2"})
		var p protocol
		s, err := mirror.DownFolding(t.Context(), client(t, m, haul.Options{}), at("d"), t.TempDir(), mirror.Options{CaseConflict: how, Observe: p.observe})
		if s.Done != want[0] || s.Failed+s.Skipped != want[1] || len(p.of(mirror.Warned)) != want[2] || (err == nil) != (want[1] == 0) {
			t.Errorf("%q: %+v, %v", how, s, err)
		}
	}
	m := storetest.New(storetest.For(t))
	put(m, tree{"d/A": "1", "d/a": "1"})
	_, err := mirror.DownFolding(context.Background(), client(t, m, haul.Options{}), at("d"), t.TempDir(), mirror.Options{CaseConflict: mirror.EndCase})
	var part *mirror.IncompleteError
	if err == nil || errors.As(err, &part) {
		t.Errorf("error: %v", err)
	}
}

// TestApply: a plan does what the run in earnest would have done.
func TestApply(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := trees.Draw(r, "tree")
		old := edited(r, files)
		way := rapid.SampledFrom(ways).Draw(r, "way")
		if len(files) == 0 {
			return
		}
		m := storetest.New()
		p := ends(t, m, way, files, old)
		c := client(t, m, haul.Options{})
		plan, err := os.Create(filepath.Join(t.TempDir(), "plan"))
		if err != nil {
			r.Fatal(err)
		}
		defer plan.Close()
		o := mirror.SyncOptions{Delete: true, Rules: mirror.Rules{Checksum: true}}
		w, err := mirror.NewPlanWriter(plan, c, p.from, p.to, o.Options)
		if err != nil {
			r.Fatal(err)
		}
		o.DryRun, o.Observe = true, w.Add
		planned, err := mirror.Sync(t.Context(), c, p.from, p.to, o)
		if err != nil {
			r.Fatal(err)
		}
		sum, err := w.End()
		if err != nil || sum.Steps != planned.Planned || sum.Deletes != planned.PlannedDeletes || sum.Bytes != planned.PlannedSize {
			r.Fatalf("%+v of %+v, %v", sum, planned, err)
		}
		s, err := mirror.Apply(t.Context(), c, plan, mirror.Options{})
		clash := slices.ContainsFunc(files.names(), func(name string) bool { // a file in the place of a folder
			return slices.ContainsFunc(old.names(), func(other string) bool {
				return strings.HasPrefix(name, other+"/") || strings.HasPrefix(other, name+"/")
			})
		})
		if clash && way == mirror.Download {
			return
		}
		if got := p.read(t, p.to); err != nil || !maps.Equal(got, files) || s.Done+s.Deleted != sum.Steps {
			r.Fatalf("%q, want %q; %+v, %v", got, files, s, err)
		}
	})
}
