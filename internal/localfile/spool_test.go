package localfile_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/internal/localfile"
)

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

// Scratch space has no bound, and is given back as a spool is.
func TestScratch(t *testing.T) {
	dir := t.TempDir()
	s, err := localfile.NewScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("ACGT"), 100_000)
	if n, err := s.Write(text); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
	got := make([]byte, len(text))
	if n, err := s.ReadAt(got, 0); n != len(text) || err != nil || !bytes.Equal(got, text) || s.Len() != int64(len(text)) {
		t.Error(n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}
