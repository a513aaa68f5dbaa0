package localfile_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"haul/internal/localfile"
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
