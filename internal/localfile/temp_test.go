package localfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"haul.example/haul/internal/localfile"
)

func TestReopenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	outside := filepath.Join(t.TempDir(), localfile.TempName("f"))
	write(t, outside, []byte("four"))
	at := func(name string) string { return filepath.Join(dir, name) }
	fresh := func() string { return at(localfile.TempName("f")) }
	for name, tc := range map[string]struct {
		temp  string
		setUp func(t *testing.T, temp string)
	}{
		"missing":       {fresh(), func(*testing.T, string) {}},
		"empty name":    {"", func(*testing.T, string) {}},
		"wrong size":    {fresh(), func(t *testing.T, temp string) { write(t, temp, []byte("fives")) }},
		"own name":      {at("f"), func(t *testing.T, temp string) { write(t, temp, []byte("four")) }},
		"other folder":  {outside, func(*testing.T, string) {}},
		"dots":          {dir + "/../" + filepath.Base(dir) + "/" + localfile.TempName("f"), func(t *testing.T, temp string) { write(t, temp, []byte("four")) }},
		"bare tag":      {at(".f.haul-"), func(t *testing.T, temp string) { write(t, temp, []byte("four")) }},
		"not hidden":    {at("f.haul-0123456789abcdef"), func(t *testing.T, temp string) { write(t, temp, []byte("four")) }},
		"directory":     {fresh(), func(t *testing.T, temp string) { must(t, os.Mkdir(temp, 0o755)) }},
		"link":          {fresh(), func(t *testing.T, temp string) { symlink(t, outside, temp) }},
		"dangling link": {fresh(), func(t *testing.T, temp string) { symlink(t, at("nowhere"), temp) }},
	} {
		t.Run(name, func(t *testing.T) {
			tc.setUp(t, tc.temp)
			if w, err := localfile.Reopen(path, tc.temp, 4); err == nil {
				t.Errorf("reopened %s", w.Temp())
			} else if !strings.Contains(err.Error(), tc.temp) {
				t.Errorf("error does not name the file: %v", err)
			}
		})
	}
	wantFile(t, outside, "four")
}

func symlink(t testing.TB, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func TestRemoveTemp(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("x"))
	must(t, w.Keep())
	must(t, localfile.RemoveTemp(path, w.Temp()))
	must(t, localfile.RemoveTemp(path, w.Temp())) // gone is well
	wantEntries(t, dir)

	write(t, path, []byte("x"))
	folder, link := filepath.Join(dir, localfile.TempName("f")), filepath.Join(dir, localfile.TempName("f"))
	must(t, os.Mkdir(folder, 0o755))
	symlink(t, path, link)
	for _, temp := range []string{path, folder, link, "", "/"} {
		if err := localfile.RemoveTemp(path, temp); err == nil {
			t.Errorf("removed %q", temp)
		}
	}
	if n := len(entries(t, dir)); n != 3 {
		t.Errorf("%d of 3 are left", n)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{
		"a", ".hidden", "with space", "-rf", "line\nbreak", "ünïcödé.fastq.gz", "染色体.bam", "🧬🧬", "a.haul-0123456789abcdef",
		strings.Repeat("x", 255), strings.Repeat("染", 85), strings.Repeat("🧬", 63), "y" + strings.Repeat("é", 127), "\xff\xfe",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			continue // not a name here
		}
		must(t, os.Remove(path))
		w := create(t, path, []byte("x"))
		if temp := filepath.Base(w.Temp()); len(temp) > 255 || utf8.ValidString(name) != utf8.ValidString(temp) {
			t.Errorf("hidden name of %q is %q", name, temp)
		}
		must(t, w.Keep())
		w, err := localfile.Reopen(path, w.Temp(), 1)
		must(t, err)
		must(t, w.Commit(time.Time{}, false))
		wantFile(t, path, "x")
		wantEntries(t, dir, name)
	}
	dir := t.TempDir()
	if _, err := localfile.Create(filepath.Join(dir, strings.Repeat("x", 256)), 1); err == nil {
		t.Error("a name of 256 bytes was taken, and would have failed at the end")
	}
	wantEntries(t, dir)
}

func TestTempName(t *testing.T) {
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringN(1, 255, 255), rapid.StringOfN(rapid.RuneFrom([]rune("染🧬é")), 50, 127, 255)).Draw(t, "name")
		temp := localfile.TempName(name)
		head, _, _ := strings.Cut(strings.TrimPrefix(temp, "."), ".haul-")
		switch {
		case len(temp) > 255:
			t.Fatalf("%d bytes", len(temp))
		case !utf8.ValidString(temp):
			t.Fatalf("%q is cut within a character", temp)
		case !strings.HasPrefix(name, head) && !strings.Contains(name, ".haul-"):
			t.Fatalf("%q does not begin with the name", temp)
		case seen[temp]:
			t.Fatalf("%q came twice", temp)
		}
		seen[temp] = true
	})
}
