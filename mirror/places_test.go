package mirror_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store/storetest"
)

func TestPlaces(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, c := range []struct {
		name  string
		keys  []string // in the store's order; "/" at the end is a folder, "!" before it a non-empty one
		wrong map[string]string
	}{
		{"plain", []string{"a", "b/c", "b/d", "b.x/e", long, long + "/" + long, "a\\b", "ünï/ x", "-", "..a", "a..", "..."}, map[string]string{long + "/" + long: "file and a folder"}},
		{"dots", []string{"..", "../x", ".", "./x", "a/../../x", "a/..", "a/./b", "b/.", "../", "a/../"}, map[string]string{
			"..": `".."`, "../x": `".."`, ".": `"."`, "./x": `"."`, "a/../../x": `".."`, "a/..": `".."`, "a/./b": `"."`, "b/.": `"."`, "../": `".."`, "a/../": `".."`,
		}},
		{"slashes", []string{"/", "/etc/passwd", "//x", "a//b", "a//", "/a/"}, map[string]string{
			"/": "slash too many", "/etc/passwd": "slash too many", "//x": "slash too many", "a//b": "slash too many", "a//": "slash too many", "/a/": "slash too many",
		}},
		{"names", []string{"a\x00b", "x" + long, "d/x" + long + "/y"}, map[string]string{"a\x00b": "NUL", "x" + long: "256 bytes", "d/x" + long + "/y": "256 bytes"}},
		{"marks", []string{"", "a/", "a/x", "b/!", "!", "c/d/"}, map[string]string{"b/!": "1 bytes", "!": "1 bytes"}},
		{"file and folder", []string{"a", "a-b", "a/", "a/b", "a/b/", "a/b/c", "ab", "ab/x"}, map[string]string{"a/b": "the key a:", "a/b/c": "the key a:", "ab/x": "the key ab:"}},
	} {
		find, err := mirror.Places(t.TempDir(), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range c.keys {
			rel, full := strings.CutSuffix(key, "!")
			size := int64(0)
			if full {
				size = 1
			}
			path, err := find(rel, size)
			want := c.wrong[key]
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || path != "") {
				t.Errorf("%s: %q becomes %q, %v", c.name, key, path, err)
			}
			if folder := rel == "" || strings.HasSuffix(rel, "/"); err == nil && folder != (path == "") {
				t.Errorf("%s: %q becomes %q", c.name, key, path)
			}
		}
	}
}

func TestPlacesWithoutCase(t *testing.T) {
	for folds, want := range map[bool]int{true: 2, false: 0} {
		find, err := mirror.Places(t.TempDir(), folds)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, key := range []string{"A.txt", "D/x", "a.TXT", "b", "d/X", "d/y"} {
			if _, err := find(key, 1); err != nil {
				refused++
			}
		}
		if refused != want {
			t.Errorf("%d refused, want %d", refused, want)
		}
	}
}

// TestNothingEscapes: links in the target folder lead nowhere, wherever they lead; a link in the place of a file is replaced.
func TestNothingEscapes(t *testing.T) {
	m := storetest.New(storetest.For(t))
	put(m, tree{
		"d/../up": "!", "d//etc/x": "!", "d/a/b/c": "!", "d/in/x": "!", "d/file/x": "!", "d/link": "new", "d/out/": "", "d/out/x": "!", "d/out/y/z": "!",
		"d/plain/x": "1", "d/plain/y/z": "2", "d/made/": "", "d/dangling/x": "!", "d/folder": "!",
	})
	outside := t.TempDir()
	dir := tree{"plain/old": "0", "a/x": "0", "file": "0", "folder/x": "0"}.write(t)
	for link, to := range map[string]string{"out": outside, "link": filepath.Join(outside, "victim"), "a/b": outside, "in": filepath.Join(dir, "plain"), "dangling": filepath.Join(outside, "none")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	tree{"victim": "old"}.writeTo(t, outside)
	var p protocol
	s, err := mirror.Down(t.Context(), client(t, m, haul.Options{}), at("d"), dir, mirror.Options{Observe: p.observe})
	if err == nil || s.Done != 3 || s.Failed != 10 {
		t.Errorf("%+v, %v", s, err)
	}
	for source := range p.of(mirror.Done) {
		t.Log(source)
	}
	if got := read(t, outside); len(got) != 1 || got["victim"] != "old" {
		t.Errorf("outside are %q", got)
	}
	for name, want := range map[string]string{"link": "new", "plain/x": "1", "plain/y/z": "2", "plain/old": "0", "file": "0"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s has %q, %v", name, b, err)
		}
	}
	if fi, err := os.Lstat(filepath.Join(dir, "made")); err != nil || !fi.IsDir() {
		t.Errorf("a folder was not made: %v", err)
	}
}
