package localfile

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
)

// Spool is scratch space on disk: written once from front to back by one goroutine, read from many.
type Spool struct {
	f    *os.File
	size int64  // the maximum
	name string // to remove at Close; empty if that is done
	len  atomic.Int64
}

// NewSpool reserves space for size bytes in a file in dir, or in os.TempDir if dir is empty. On Unix the file has no name
// from the start, so that no end of the process, however sudden, leaves it behind; elsewhere Close removes it. If there is
// not enough space the error is ErrNoSpace.
func NewSpool(dir string, size int64) (*Spool, error) {
	if size < 0 {
		return nil, fmt.Errorf("spool: size %d is negative", size)
	}
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := Below{}.createTemp(filepath.Join(dir, "spool"), 0o600, nil)
	if err != nil {
		return nil, fmt.Errorf("spool in %s: %w", dir, err)
	}
	s := &Spool{f: f, size: size, name: f.Name()}
	err = allocate(f, f.Name(), size)
	if err == nil && removesOpen {
		err = os.Remove(s.name)
		s.name = ""
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// NewScratch is NewSpool for an unknown size: no space is reserved, and there is no bound.
func NewScratch(dir string) (*Spool, error) {
	s, err := NewSpool(dir, 0)
	if err == nil {
		s.size = math.MaxInt64
	}
	return s, err
}

// Write appends p; past the size it writes nothing and returns io.ErrShortWrite. A full disk is ErrNoSpace.
func (s *Spool) Write(p []byte) (int, error) {
	off := s.len.Load()
	if int64(len(p)) > s.size-off {
		return 0, fmt.Errorf("spool of %d bytes holds %d and got %d more: %w", s.size, off, len(p), io.ErrShortWrite)
	}
	n, err := s.f.WriteAt(p, off)
	s.len.Add(int64(n))
	if isNoSpace(err) {
		err = noSpace(s.f.Name(), int64(len(p)-n), err)
	}
	return n, err
}

// ReadAt implements io.ReaderAt for what was written.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) {
	return io.NewSectionReader(s.f, 0, s.len.Load()).ReadAt(p, off)
}

// Len returns the number of bytes written.
func (s *Spool) Len() int64 { return s.len.Load() }

// Close frees the space.
func (s *Spool) Close() error {
	err := s.f.Close()
	if s.name == "" {
		return err
	}
	err = errors.Join(err, os.Remove(s.name))
	s.name = ""
	return err
}
