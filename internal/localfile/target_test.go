package localfile_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"haul/internal/localfile"
)

func create(t rapid.TB, path string, data []byte) *localfile.Target {
	t.Helper()
	w, err := localfile.Create(path, int64(len(data)))
	must(t, err)
	_, err = w.WriteAt(data, 0)
	must(t, err)
	return w
}

// entries gives the names in dir, sorted.
func entries(t rapid.TB, dir string) []string {
	t.Helper()
	files, err := os.ReadDir(dir)
	must(t, err)
	names := []string{}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func wantEntries(t rapid.TB, dir string, want ...string) {
	t.Helper()
	if got := entries(t, dir); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("folder holds %q, want %q", got, want)
	}
}

func wantFile(t rapid.TB, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %.50q (%v), want %.50q", path, got, err, want)
	}
}

func TestTargetAppearsWhole(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "new", "folders")
	path := filepath.Join(dir, "x.bam")
	w := create(t, path, []byte("whole"))
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the name is there before Commit: %v", err)
	}
	if filepath.Dir(w.Temp()) != dir || !strings.HasPrefix(filepath.Base(w.Temp()), ".x.bam.haul-") {
		t.Errorf("hidden name %q", w.Temp())
	}
	if w.Path() != path || w.Size() != 5 {
		t.Errorf("path %q, size %d", w.Path(), w.Size())
	}
	must(t, w.Sync())
	mtime := time.Date(2011, 6, 1, 12, 0, 0, 250_000_000, time.UTC)
	must(t, w.Commit(mtime, false))
	wantFile(t, path, "whole")
	wantEntries(t, dir, "x.bam")
	fi, err := os.Stat(path)
	must(t, err)
	if !fi.ModTime().Equal(mtime) {
		t.Errorf("mtime %v, want %v", fi.ModTime(), mtime)
	}
	must(t, errors.Join(w.Discard(), w.Keep()))
	wantFile(t, path, "whole")
	if err := w.Commit(mtime, true); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Commit: %v", err)
	}
}

func TestTargetTakesWritesFromEverywhere(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 4<<10).Draw(t, "data")
		part := rapid.IntRange(1, 1<<10).Draw(t, "part size")
		path := filepath.Join(dir, "f")
		w, err := localfile.Create(path, int64(len(data)))
		must(t, err)
		var wg sync.WaitGroup
		for off := 0; off < len(data); off += part {
			wg.Go(func() {
				b := data[off:min(off+part, len(data))]
				if n, err := w.WriteAt(b, int64(off)); n != len(b) || err != nil {
					t.Errorf("WriteAt = %d, %v", n, err)
				}
			})
		}
		wg.Wait()
		got, err := io.ReadAll(io.NewSectionReader(w, 0, w.Size()))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("hidden file differs (%v)", err)
		}
		must(t, w.Commit(time.Time{}, true))
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("file differs (%v)", err)
		}
	})
	wantEntries(t, dir, "f")
}

// A target goes through any number of runs that end anywhere, and what was written stays.
func TestTargetGoesOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	rapid.Check(t, func(t *rapid.T) {
		want := make([]byte, rapid.IntRange(1, 200).Draw(t, "size"))
		w, err := localfile.Create(path, int64(len(want)))
		must(t, err)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				off := rapid.IntRange(0, len(want)-1).Draw(t, "off")
				b := rapid.SliceOfN(rapid.Byte(), 0, len(want)-off).Draw(t, "bytes")
				_, err := w.WriteAt(b, int64(off))
				must(t, err)
				copy(want[off:], b)
			},
			"new run": func(t *rapid.T) {
				must(t, errors.Join(w.Keep(), w.Discard())) // Discard after Keep leaves the file
				w, err = localfile.Reopen(path, w.Temp(), w.Size())
				must(t, err)
			},
			"": func(t *rapid.T) {
				got, err := os.ReadFile(w.Temp())
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("hidden file differs (%v)", err)
				}
			},
		})
		if rapid.Bool().Draw(t, "commit") {
			must(t, w.Commit(time.Time{}, true))
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("file differs (%v)", err)
			}
			must(t, os.Remove(path))
		}
		must(t, w.Discard())
		if left := entries(t, dir); len(left) != 0 {
			t.Fatalf("left behind: %q", left)
		}
	})
}

func TestWriteAtKeepsWithinTheSize(t *testing.T) {
	w, err := localfile.Create(filepath.Join(t.TempDir(), "f"), 10)
	must(t, err)
	defer func() { must(t, w.Discard()) }()
	for _, off := range []int64{-1, 8, 10, 11, 1<<63 - 1} {
		if n, err := w.WriteAt([]byte("abc"), off); err == nil || n != 0 {
			t.Errorf("WriteAt(3 bytes, %d) = %d, %v", off, n, err)
		}
	}
	if fi, err := os.Stat(w.Temp()); err != nil || fi.Size() != 10 {
		t.Errorf("size %d, %v", fi.Size(), err)
	}
	if _, err := localfile.Create(filepath.Join(t.TempDir(), "f"), -1); err == nil {
		t.Error("a negative size was taken")
	}
}

func TestOffsetsBeyond32Bits(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	temp := filepath.Join(dir, localfile.TempName("f"))
	const size = 5 << 40
	write(t, temp, nil)
	if err := os.Truncate(temp, size); err != nil {
		t.Skipf("no sparse file of 5 TiB here: %v", err)
	}
	w, err := localfile.Reopen(path, temp, size)
	must(t, err)
	for _, off := range []int64{1<<31 - 1, 1 << 32, size - 3} {
		_, err = w.WriteAt([]byte("end"), off)
		must(t, err)
	}
	must(t, w.Commit(time.Time{}, false))
	s := openSource(t, path)
	for _, off := range []int64{1<<31 - 1, 1 << 32, size - 3} {
		b := make([]byte, 3)
		if _, err := s.ReadAt(b, off); err != nil || string(b) != "end" {
			t.Errorf("at %d: %q, %v", off, b, err)
		}
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w := create(t, filepath.Join(dir, "f"), []byte("x"))
	must(t, errors.Join(w.Discard(), w.Discard()))
	wantEntries(t, dir)
	if _, err := w.WriteAt([]byte("x"), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after Discard: %v", err)
	}

	w = create(t, filepath.Join(dir, "f"), []byte("x"))
	must(t, os.Remove(w.Temp()))
	must(t, w.Discard()) // somebody was faster
}

func TestStolenHiddenNameIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("ours"))
	write(t, filepath.Join(dir, "other"), []byte("theirs"))
	must(t, os.Rename(filepath.Join(dir, "other"), w.Temp()))
	if err := w.Commit(time.Time{}, true); err == nil || !strings.Contains(err.Error(), "took the name") {
		t.Errorf("Commit: %v", err)
	}
	if err := w.Discard(); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("Discard: %v", err)
	}
	wantFile(t, w.Temp(), "theirs")
	wantEntries(t, dir, filepath.Base(w.Temp()))

	w = create(t, path, []byte("ours"))
	must(t, os.Remove(w.Temp()))
	if err := w.Commit(time.Time{}, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Commit without its hidden file: %v", err)
	}
	must(t, w.Discard())
}

func TestCommitReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, []byte("old"))
	w := create(t, path, []byte("new"))
	wantFile(t, path, "old")
	must(t, w.Commit(time.Time{}, true))
	wantFile(t, path, "new")
}

func TestNoClobber(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("new"))
	write(t, path, []byte("old"))
	for range 2 { // asking twice changes nothing
		if err := w.Commit(time.Time{}, false); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
			t.Fatalf("Commit: %v", err)
		}
		wantFile(t, path, "old")
	}
	must(t, w.Commit(time.Time{}, true)) // a change of mind is served
	wantFile(t, path, "new")
	wantEntries(t, dir, "f")
}

func TestNoClobberRaceHasOneWinner(t *testing.T) {
	dir := t.TempDir()
	for range 20 {
		path := filepath.Join(dir, "f")
		const racers = 8
		var wg sync.WaitGroup
		start := make(chan struct{})
		won := make([]bool, racers)
		for i := range racers {
			w := create(t, path, []byte{byte('a' + i)})
			wg.Go(func() {
				<-start
				err := w.Commit(time.Time{}, false)
				won[i] = err == nil
				if err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("racer %d: %v", i, err)
				}
				if err := w.Discard(); err != nil {
					t.Errorf("racer %d: %v", i, err)
				}
			})
		}
		close(start)
		wg.Wait()
		winners := ""
		for i, w := range won {
			if w {
				winners += string(rune('a' + i))
			}
		}
		if len(winners) != 1 {
			t.Fatalf("winners %q", winners)
		}
		wantFile(t, path, winners)
		wantEntries(t, dir, "f")
		must(t, os.Remove(path))
	}
}

func TestRenameNew(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	write(t, from, []byte("new"))
	write(t, to, []byte("old"))
	err := localfile.RenameNew(from, to)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("taken name: %v", err)
	}
	wantFile(t, to, "old")
	must(t, os.Remove(to))
	must(t, localfile.RenameNew(from, to))
	wantFile(t, to, "new")
	wantEntries(t, dir, "to")
}

func TestTargetIsADirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := localfile.Create(dir, 1)
	if !errors.Is(err, localfile.ErrNotRegular) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("Create: %v", err)
	}
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("x"))
	must(t, os.Mkdir(path, 0o755)) // a moment later
	if err := w.Commit(time.Time{}, true); !errors.Is(err, localfile.ErrNotRegular) {
		t.Errorf("Commit: %v", err)
	}
	if err := w.Commit(time.Time{}, false); err == nil {
		t.Error("Commit: no error")
	}
	must(t, w.Keep())
	wantFile(t, w.Temp(), "x")
	write(t, filepath.Join(dir, "file"), nil)
	if _, err := localfile.Create(filepath.Join(dir, "file", "f"), 1); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a file for a parent: %v", err)
	}
}

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

func TestSpool(t *testing.T) {
	dir := t.TempDir()
	s, err := localfile.NewSpool(dir, 10)
	must(t, err)
	for _, part := range []string{"ACGT", "", "TTTT"} {
		n, err := s.Write([]byte(part))
		if n != len(part) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if n, err := s.Write([]byte("GGG")); n != 0 || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("past the size: %d, %v", n, err)
	}
	if s.Len() != 8 {
		t.Errorf("Len %d", s.Len())
	}
	got, err := io.ReadAll(io.NewSectionReader(s, 2, 100))
	if err != nil || string(got) != "GTTTTT" {
		t.Errorf("read %q, %v", got, err)
	}
	must(t, s.Close())
	wantEntries(t, dir)
	_, err = localfile.NewSpool(filepath.Join(dir, "none"), 10)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := localfile.NewSpool(dir, -1); err == nil {
		t.Error("a negative size was taken")
	}
}
