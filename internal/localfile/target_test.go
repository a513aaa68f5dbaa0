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

	"pgregory.net/rapid"

	"haul.example/haul/internal/localfile"
)

func create(t rapid.TB, path string, data []byte) *localfile.Target {
	t.Helper()
	w, err := localfile.Create(path, int64(len(data)))
	must(t, err)
	_, err = w.WriteAt(data, 0)
	must(t, err)
	return w
}

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
