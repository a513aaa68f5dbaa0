package mirror_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store/storetest"
)

// TestFullDisk: downloads that leave each other no room are done again, alone: what fits comes.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("no small file system can be made here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	m := storetest.New(storetest.For(t))
	for i := range 9 {
		m.PutBytes(at(fmt.Sprintf("d/%d", i)), make([]byte, 2<<20))
	}
	s, err := mirror.Down(t.Context(), client(t, m, haul.Options{}), at("d"), filepath.Join(dir, "x"), mirror.Options{})
	var part *mirror.IncompleteError
	if !errors.As(err, &part) || s.Done < 2 || s.Done+s.Failed != 9 {
		t.Errorf("%+v, %v", s.Counts, err)
	}
}
