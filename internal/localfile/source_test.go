package localfile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul/internal/localfile"
)

func write(t rapid.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openSource(t testing.TB, path string) *localfile.Source {
	t.Helper()
	s, err := localfile.OpenSource(path)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func TestSource(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	data := []byte("@read1\nACGT\n+\nIIII\n")
	write(t, "a.fq", data)
	s := openSource(t, "a.fq")
	if s.Size() != int64(len(data)) {
		t.Errorf("size %d, want %d", s.Size(), len(data))
	}
	if !filepath.IsAbs(s.Path()) || filepath.Base(s.Path()) != "a.fq" {
		t.Errorf("path %q", s.Path())
	}
	got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %q, %v", got, err)
	}
	must(t, s.Changed())
}

func TestFingerprintSurvivesJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, []byte("x"))
	must(t, os.Chtimes(path, time.Time{}, time.Unix(1700000000, 123456789)))
	want := openSource(t, path).Fingerprint()
	if want.Size != 1 || want.MTime/1000 != 1700000000123456 { // file systems keep 100 ns at least
		t.Errorf("fingerprint %+v", want)
	}
	want.Inode = 1<<64 - 1 // as large as they come
	b, err := json.Marshal(want)
	must(t, err)
	var got localfile.Fingerprint
	must(t, json.Unmarshal(b, &got))
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOpenSourceRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := localfile.OpenSource(dir); !errors.Is(err, localfile.ErrNotRegular) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
	_, err := localfile.OpenSource(filepath.Join(dir, "none"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none") {
		t.Errorf("missing: %v", err)
	}
}

func TestSourceReadAtReadsLikeBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")
		must(t, os.WriteFile(path, data, 0o644))
		s, err := localfile.OpenSource(path)
		must(t, err)
		defer func() { must(t, s.Close()) }()
		more, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = more.WriteString("added later")
		must(t, errors.Join(err, more.Close()))

		off := rapid.Int64Range(0, 310).Draw(t, "off")
		got := make([]byte, rapid.IntRange(0, 310).Draw(t, "length"))
		want := make([]byte, len(got))
		n, err := s.ReadAt(got, off)
		wantN, wantErr := bytes.NewReader(data).ReadAt(want, off)
		if n != wantN || !bytes.Equal(got[:n], want[:n]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, want %d", len(got), off, n, wantN)
		}
		if (err == nil) != (wantErr == nil) && len(got) > 0 {
			t.Fatalf("ReadAt(%d bytes, %d) = %v, want %v", len(got), off, err, wantErr)
		}
	})
}

func TestSourceThatShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, make([]byte, 1000))
	s := openSource(t, path)
	must(t, os.Truncate(path, 600))
	n, err := s.ReadAt(make([]byte, 200), 500)
	if n != 100 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadAt = %d, %v; want 100 bytes and an unexpected end", n, err)
	}
	if _, err := s.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a negative offset was read")
	}
}

func TestChanged(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for name, tc := range map[string]struct {
		change func(t *testing.T, path string)
		says   string // empty: no change
	}{
		"nothing":       {func(*testing.T, string) {}, ""},
		"mode":          {func(t *testing.T, p string) { must(t, os.Chmod(p, 0o600)) }, ""},
		"longer":        {func(t *testing.T, p string) { write(t, p, []byte("four+")) }, "had 4 bytes and has 5 now"},
		"shorter":       {func(t *testing.T, p string) { must(t, os.Truncate(p, 0)) }, "has 0 now"},
		"touched":       {func(t *testing.T, p string) { must(t, os.Chtimes(p, later, later)) }, "was written to"},
		"removed":       {func(t *testing.T, p string) { must(t, os.Remove(p)) }, "was removed or renamed"},
		"renamed away":  {func(t *testing.T, p string) { must(t, os.Rename(p, p+"2")) }, "was removed or renamed"},
		"replaced":      {replaceSame, "was replaced"},
		"now a folder":  {func(t *testing.T, p string) { must(t, os.Remove(p)); must(t, os.Mkdir(p, 0o755)) }, "was replaced"},
		"renamed, back": {func(t *testing.T, p string) { must(t, os.Rename(p, p+"2")); must(t, os.Rename(p+"2", p)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a")
			write(t, path, []byte("four"))
			s := openSource(t, path)
			tc.change(t, path)
			err := s.Changed()
			if tc.says == "" {
				must(t, err)
			} else if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

// replaceSame puts another file of the same size and mtime in the place of path.
func replaceSame(t *testing.T, path string) {
	fi, err := os.Stat(path)
	must(t, err)
	write(t, path+".new", []byte("five"))
	must(t, os.Chtimes(path+".new", fi.ModTime(), fi.ModTime()))
	must(t, os.Rename(path+".new", path))
}

// TestNanoseconds: times far away are distinct, and others are as time has them.
func TestNanoseconds(t *testing.T) {
	for _, year := range []int{1, 1600, 1970, 2026, 3000, 20000} {
		at := time.Date(year, 6, 1, 0, 0, 0, 7, time.UTC)
		n := localfile.Nanoseconds(at)
		if localfile.Nanoseconds(at.Add(1)) != n+1 || localfile.Nanoseconds(at.AddDate(1, 0, 0)) == n {
			t.Errorf("%v: %d is not distinct", at, n)
		}
		if year > 1678 && year < 2262 && n != at.UnixNano() {
			t.Errorf("%v: %d, want %d", at, n, at.UnixNano())
		}
	}
}
