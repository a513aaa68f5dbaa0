package mirror_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store/storetest"
)

func TestWalkInOrderOfKeys(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := trees.Draw(r, "tree")
		all, err := mirror.Walk(files.write(t))
		if err != nil {
			r.Fatal(err)
		}
		var got []string
		for _, f := range all {
			if f.Why != nil {
				r.Errorf("%s: %v", f.Rel, f.Why)
			}
			got = append(got, f.Rel)
		}
		if !slices.Equal(got, files.names()) {
			r.Errorf("%q, want %q", got, files.names())
		}
	})
}

// link makes symbolic links, or skips the test where there are none.
func link(t *testing.T, dir string, links map[string]string) {
	t.Helper()
	for name, to := range links {
		if err := os.Symlink(filepath.FromSlash(to), filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
}

func TestWalkFollowsLinks(t *testing.T) {
	root := tree{"top/a/x": "1", "top/b/y": "2", "beside/z": "3", "beside/deep/w": "4"}.write(t)
	dir := filepath.Join(root, "top")
	link(t, dir, map[string]string{
		"file": "a/x", "folder": "../beside", "here": ".", "a/up": "..", "b/a": "../a", "nowhere": "none", "out": root, "self": "self",
	})
	all, err := mirror.Walk(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range all {
		if f.Why != nil {
			f.Rel += " SKIPPED"
		}
		got = append(got, f.Rel)
	}
	// A link from b to a is no loop, and the one within a leads back to where both lie; "out" leads to where top lies, and
	// only top in there is known already.
	want := []string{
		"a/up SKIPPED", "a/x", "b/a/up SKIPPED", "b/a/x", "b/y", "file", "folder/deep/w", "folder/z", "here SKIPPED", "nowhere SKIPPED",
		"out/beside/deep/w", "out/beside/z", "out/top SKIPPED", "self SKIPPED",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestSkips(t *testing.T) {
	m := storetest.New(storetest.For(t))
	dir := tree{"a": "1", "secret": "2", "closed/x": "3", "d/b": "4"}.write(t)
	makePipe(t, filepath.Join(dir, "pipe"))
	link(t, dir, map[string]string{"nowhere": "none", "loop": "."})
	want := map[string]bool{"pipe": true, "nowhere": true, "loop": true}
	if os.Geteuid() != 0 { // root may read everything
		for name, mode := range map[string]os.FileMode{"secret": 0, "closed": 0} {
			want[name] = true
			if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, name), 0o700) })
		}
	}
	var p protocol
	s, err := mirror.Up(t.Context(), client(t, m, haul.Options{}), dir, at("p"), mirror.Options{Observe: p.observe})
	var part *mirror.IncompleteError
	if !errors.As(err, &part) || part.Skipped != len(want) || part.Failed != 0 || s.Skipped != len(want) || !strings.Contains(err.Error(), fmt.Sprint(len(want), " files were skipped")) {
		t.Errorf("%+v, %v", s, err)
	}
	for path, why := range p.of(mirror.Skipped) {
		if !want[filepath.Base(path)] || why == nil {
			t.Errorf("%s was skipped: %v", path, why)
		}
	}
	if keys := m.Keys(storetest.Bucket, ""); !slices.Contains(keys, "p/a") || !slices.Contains(keys, "p/d/b") || s.Done != len(keys) {
		t.Errorf("stored are %q", keys)
	}
}

func TestWalkOfNoFolder(t *testing.T) {
	dir := tree{"a": "1"}.write(t)
	for _, path := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "a")} {
		if _, err := mirror.Walk(path); err == nil {
			t.Errorf("%s was walked", path)
		}
	}
}

// TestWalkOfALargeFolder has names on several pages.
func TestWalkOfALargeFolder(t *testing.T) {
	dir := t.TempDir()
	const n = 6000
	name := func(i int) string { return fmt.Sprintf("%04d%0200d", i, 0) }
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, name(n-1-i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := mirror.Walk(dir)
	if err != nil || len(all) != n {
		t.Fatalf("%d files, %v", len(all), err)
	}
	for i, f := range all {
		if f.Rel != name(i) || f.Why != nil {
			t.Fatalf("%q, %v in place of %q", f.Rel, f.Why, name(i))
		}
	}
}
