package mirror_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestMoveStaysInTheSource: what a move finds behind links to folders is copied, and stays, inside of the source as well; a link to a
// file goes, and the file that it leads to stays.
func TestMoveStaysInTheSource(t *testing.T) {
	for _, list := range []bool{false, true} {
		m := storetest.New(storetest.For(t))
		outside := tree{"hg38/chr1.fa": "1", "hg38/idx/chr1.fa.fai": "2", "sheet.csv": "3"}.write(t)
		dir := tree{"a.bam": "4", "data/b.bam": "5"}.write(t)
		link(t, dir, map[string]string{"ref": filepath.Join(outside, "hg38"), "again": "data", "sheet.csv": filepath.Join(outside, "sheet.csv")})
		var p protocol
		o := mirror.Options{Move: true, Observe: p.observe}
		if list {
			o.Select.Pairs = pairs(mirror.Pair{Source: "a.bam"}, mirror.Pair{Source: "data/b.bam"}, mirror.Pair{Source: "ref/chr1.fa"}, mirror.Pair{Source: "ref/idx/chr1.fa.fai"},
				mirror.Pair{Source: "again/../again/b.bam"}, mirror.Pair{Source: "sheet.csv"}, mirror.Pair{Source: filepath.Join(outside, "sheet.csv"), Target: "other.csv"})
		}
		s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), mirror.Local(dir), mirror.Remote(at("run")), o)
		var part *mirror.IncompleteError
		if !errors.As(err, &part) || part.Kept < 2 || part.Failed > 1 || s.Done < 5 { // again/b.bam fails where data/b.bam has moved before
			t.Errorf("list %v: %+v, %v", list, s, err)
		}
		if got := read(t, outside); len(got) != 3 {
			t.Errorf("list %v: outside are %q", list, got.names())
		}
		want := tree{"a.bam": "4", "data/b.bam": "5", "ref/chr1.fa": "1", "ref/idx/chr1.fa.fai": "2", "sheet.csv": "3"}
		for name, text := range want {
			if string(m.Bytes(at("run/"+name))) != text {
				t.Errorf("list %v: %s is not there", list, name)
			}
		}
		for _, gone := range []string{"a.bam", "data/b.bam", "sheet.csv"} {
			if _, err := os.Lstat(filepath.Join(dir, gone)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("list %v: %s stays: %v", list, gone, err)
			}
		}
		warned := fmt.Sprint(p.of(mirror.Warned))
		if !strings.Contains(warned, "ref leads out") {
			t.Errorf("list %v: warned are %s", list, warned)
		}
	}
}

// TestMoveOfASwappedFolder: a folder of the source that becomes a link while its file is sent loses nothing outside.
func TestMoveOfASwappedFolder(t *testing.T) {
	m := storetest.New(storetest.For(t))
	outside := tree{"x": "1"}.write(t)
	dir := tree{"d/x": "1"}.write(t)
	m.Fault(storetest.Put).Key("run/d/x").Hook(func() { swap(t, filepath.Join(dir, "d"), outside) })
	s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), mirror.Local(dir), mirror.Remote(at("run")), mirror.Options{Move: true})
	if err == nil || s.Failed != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if got := read(t, outside); len(got) != 1 {
		t.Errorf("outside are %q", got)
	}
}

// swap puts a link in the place of a folder, which gets another name beside.
func swap(t *testing.T, dir, to string) {
	t.Helper()
	if err := os.Rename(dir, dir+"-was"); err != nil {
		t.Error(err)
	}
	err := os.Symlink(to, dir)
	for range 100 {
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if err = os.RemoveAll(dir); err == nil { // another transfer was there first, and made it again
			err = os.Symlink(to, dir)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestDownloadOfASwappedFolder: whenever a folder of the target becomes a link, nothing is written or deleted where it leads; and
// where it leads to a folder of the target itself, nothing leaves that.
func TestDownloadOfASwappedFolder(t *testing.T) {
	for _, size := range []int{50, 300} { // by one request, and in parts
		for _, verb := range []string{"cp", "sync", "apply"} {
			for nth := range 3 {
				m := inParts(t)
				for i := range 4 {
					m.PutBytes(at(fmt.Sprintf("run/d/e/%d.bam", i)), []byte(strings.Repeat("x", size)))
				}
				put(m, tree{"run/d/e/made/": "", "run/d/e/x.bai": "index"})
				outside := tree{"e/keep": "1", "e/gone": "2", "keep": "3"}.write(t)
				dir := tree{"d/e/gone": "2"}.write(t)
				what := fmt.Sprintf("%s of %d bytes, request %d", verb, size, nth)
				from, to := mirror.Remote(at("run")), mirror.Local(dir)
				c := client(t, m, haul.Options{Concurrency: 1})
				o := mirror.SyncOptions{Options: small, Delete: true}
				plan := planOf(t, c, from, to, o)
				m.Fault(storetest.Get).Nth(nth + 1).Hook(func() { swap(t, filepath.Join(dir, "d"), outside) })
				switch verb {
				case "cp":
					_, _ = mirror.Tree(t.Context(), c, from, to, o.Options)
				case "sync":
					_, _ = mirror.Sync(t.Context(), c, from, to, o)
				default:
					_, _ = mirror.Apply(t.Context(), c, plan, mirror.Options{})
				}
				if got := read(t, outside); !maps.Equal(got, tree{"e/keep": "1", "e/gone": "2", "keep": "3"}) {
					t.Errorf("%s: outside are %q", what, got.names())
				}
			}
		}
	}
}

// planOf writes the plan of a sync.
func planOf(t *testing.T, c *haul.Client, from, to mirror.End, o mirror.SyncOptions) *os.File {
	t.Helper()
	plan, err := os.Create(filepath.Join(t.TempDir(), "plan"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plan.Close() })
	w, err := mirror.NewPlanWriter(plan, c, from, to, o.Options)
	if err != nil {
		t.Fatal(err)
	}
	o.DryRun, o.Observe = true, w.Add
	if o.Move {
		_, err = mirror.Tree(t.Context(), c, from, to, o.Options)
	} else {
		_, err = mirror.Sync(t.Context(), c, from, to, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.End(); err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestRootHoldsADownload: a download with a Root writes nothing outside of it, resumed or not.
func TestRootHoldsADownload(t *testing.T) {
	m := storetest.New()
	put(m, tree{"k": "1"})
	dir, outside := t.TempDir(), t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	link(t, dir, map[string]string{"out": outside, "dots": ".."})
	for _, path := range []string{filepath.Join(outside, "k"), filepath.Join(dir, "out", "k"), filepath.Join(dir, "dots", "k"), filepath.Join(dir, "..", "k"), filepath.Join(dir, "out", "new", "k")} {
		for _, resume := range []haul.Resume{haul.ResumeAuto, haul.ResumeNever} {
			if _, err := client(t, m, haul.Options{}).Download(t.Context(), at("k"), path, haul.DownloadOptions{Root: root, Resume: resume}); err == nil {
				t.Errorf("%s was written", path)
			}
		}
	}
	for _, clobber := range []bool{true, false} {
		name := fmt.Sprintf("a/b/k%v", clobber)
		if _, err := client(t, m, haul.Options{}).Download(t.Context(), at("k"), filepath.Join(dir, name), haul.DownloadOptions{Root: root, NoClobber: !clobber}); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, outside); len(got) > 0 {
		t.Errorf("outside are %q", got.names())
	}
}

// TestOneTargetOfAList: of two sources with one target the second fails, by name, whatever the way; of a move it stays. A line that
// comes twice is done once.
func TestOneTargetOfAList(t *testing.T) {
	for _, way := range ways {
		for _, move := range []bool{false, true} {
			for _, target := range []string{"x", "x/", "./x", "d//../x"} {
				m := storetest.New()
				files := tree{"a": "1", "b": "2", "c": "3"}
				p := ends(t, m, way, files, nil)
				var events protocol
				o := mirror.Options{Move: move, Observe: events.observe}
				o.Select.Pairs = pairs(mirror.Pair{Source: "a", Target: "x"}, mirror.Pair{Source: "b", Target: target}, mirror.Pair{Source: "c"}, mirror.Pair{Source: "c"})
				s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), p.from, p.to, o)
				var part *mirror.IncompleteError
				if !errors.As(err, &part) || s.Done != 2 || s.Failed != 1 || s.Unchanged != 1 || !strings.HasSuffix(s.Failures[0].Source, "b") {
					t.Errorf("%s to %s, move %v: %+v, %v", way, target, move, s, err)
				}
				want := tree{"b": "2"}
				if !move {
					want = files
				}
				if from, to := p.read(t, p.from), p.read(t, p.to); !maps.Equal(from, want) || !maps.Equal(to, tree{"x": "1", "c": "3"}) {
					t.Errorf("%s to %s, move %v: %q and %q", way, target, move, from, to)
				}
			}
		}
	}
}

// TestCopyOntoItself: a prefix is copied onto itself one to one where that changes something.
func TestCopyOntoItself(t *testing.T) {
	files := tree{"run/a": "1", "run/b/c": "2", "run/b/c.d": "3"}
	for what, tr := range map[string]mirror.TransferOptions{
		"metadata":      {ReplaceMetadata: true, Attrs: store.Attrs{Headers: store.Headers{CacheControl: "max-age=9"}}},
		"storage class": {Attrs: store.Attrs{StorageClass: "STANDARD_IA"}},
		"encryption":    {Attrs: store.Attrs{Encryption: store.Encryption{SSE: "AES256"}}},
	} {
		for _, prefix := range []string{"", "run", "run/"} {
			m := storetest.New(storetest.For(t), storetest.ListPage(2))
			put(m, files)
			c := client(t, m, haul.Options{})
			s, err := mirror.Copy(t.Context(), c, at(prefix), at(prefix), mirror.Options{Transfer: tr})
			if err != nil || s.Done != 3 || s.Unverified != 0 || !maps.Equal(stored(m, ""), files) {
				t.Errorf("%s of %q: %+v, %v", what, prefix, s, err)
			}
			for key := range files {
				o, err := c.Store().Head(t.Context(), store.GetRequest{Ref: at(key)})
				if err != nil || o.StorageClass != tr.Attrs.StorageClass || o.Attrs.Headers.CacheControl != tr.Attrs.Headers.CacheControl {
					t.Errorf("%s of %q: %+v, %v", what, prefix, o, err)
				}
			}
			if _, err := mirror.Tree(t.Context(), c, mirror.Remote(at(prefix)), mirror.Remote(at(prefix)), mirror.Options{Transfer: tr, Move: true}); !errors.Is(err, store.Invalid) {
				t.Errorf("%s of %q, moved: %v", what, prefix, err)
			}
		}
	}
}

// TestCopyBelowItself: a target that lies in the source gets what is beside it, and nothing that lies in it already.
func TestCopyBelowItself(t *testing.T) {
	for _, verb := range []string{"cp", "mv", "sync"} {
		m := storetest.New(storetest.For(t), storetest.ListPage(2))
		put(m, tree{"run/a": "1", "run/b/c": "2", "run/old/z": "3", "run/older": "4"})
		var p protocol
		o := mirror.SyncOptions{Delete: true}
		o.Observe, o.Move = p.observe, verb == "mv"
		c := client(t, m, haul.Options{})
		var s mirror.Summary
		var err error
		if verb == "sync" {
			s, err = mirror.Sync(t.Context(), c, mirror.Remote(at("run")), mirror.Remote(at("run/old")), o)
		} else {
			s, err = mirror.Tree(t.Context(), c, mirror.Remote(at("run")), mirror.Remote(at("run/old")), o.Options)
		}
		want := tree{"run/old/a": "1", "run/old/b/c": "2", "run/old/older": "4"}
		if verb != "mv" {
			maps.Copy(want, tree{"run/a": "1", "run/b/c": "2", "run/older": "4"})
		}
		if verb != "sync" {
			want["run/old/z"] = "3"
		}
		if got := stored(m, ""); err != nil || s.Done != 3 || !maps.Equal(got, want) {
			t.Errorf("%s: %q, %+v, %v", verb, got, s, err)
		}
		if warned := p.of(mirror.Warned); len(warned) != 1 || !errors.Is(warned["s3://bucket/run/"], mirror.ErrBeneath) {
			t.Errorf("%s: warned are %v", verb, warned)
		}
	}
}
