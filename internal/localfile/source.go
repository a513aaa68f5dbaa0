package localfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Nanoseconds returns a time in nanoseconds since 1970, to be compared with others for equality. A time outside of 1678–2262 wraps
// around, so that it must not be ordered or become a time again.
func Nanoseconds(t time.Time) int64 { return t.Unix()*1e9 + int64(t.Nanosecond()) }

// Fingerprint identifies a state of a file. It marshals to JSON. Its times are [Nanoseconds]. The device is left out: its number may change from one boot to the next.
type Fingerprint struct {
	Size  int64  `json:"size"`  // bytes
	MTime int64  `json:"mtime"` // nanoseconds since 1970
	Inode uint64 `json:"inode"` // 0 where the system has none
	// CTime is when anything about the file last changed, its mode and its names too, in nanoseconds since 1970. It is 0 if
	// the system has none, and in records of earlier versions. Unlike MTime, it cannot be set.
	CTime int64 `json:"ctime,omitempty"`
}

// Same reports whether both are of one state of the file, judging by size, mtime and inode.
func (f Fingerprint) Same(g Fingerprint) bool {
	f.CTime, g.CTime = 0, 0
	return f == g
}

// PrintOf returns the fingerprint of the regular file that a path leads to.
func PrintOf(path string) (Fingerprint, error) {
	fi, err := os.Stat(path)
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	if err != nil {
		return Fingerprint{}, err
	}
	return fingerprint(fi), nil
}

func fingerprint(fi fs.FileInfo) Fingerprint {
	return Fingerprint{Size: fi.Size(), MTime: Nanoseconds(fi.ModTime()), Inode: inode(fi), CTime: ctime(fi)}
}

// Source is a regular file, open for reading. It may be read from many goroutines.
type Source struct {
	path  string // absolute
	f     *os.File
	print Fingerprint // at OpenSource
	info  fs.FileInfo // at OpenSource
}

// OpenSource opens a regular file; anything else is ErrNotRegular. A symbolic link is followed.
func OpenSource(path string) (*Source, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", path, err)
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return nil, sourceError(path, err)
	}
	if err := checkSource(path, fi); err != nil {
		return nil, err // before it is opened: opening a device may have effects
	}
	f, err := os.OpenFile(abs, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, sourceError(path, err)
	}
	fi, err = f.Stat()
	if err == nil {
		err = checkSource(path, fi)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Source{path: abs, f: f, print: fingerprint(fi), info: fi}, nil
}

func sourceError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("source %s: %w", path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("source %s: %w; you need the right to read it", path, fs.ErrPermission)
	}
	return fmt.Errorf("source %s: %w", path, err)
}

func checkSource(path string, fi fs.FileInfo) error {
	switch {
	case fi.Mode().IsRegular():
		return nil
	case fi.IsDir():
		return fmt.Errorf("source %s is a directory: %w", path, ErrNotRegular)
	}
	return fmt.Errorf("source %s is %s: %w; give its bytes on standard input instead", path, kind(fi.Mode()), ErrNotRegular)
}

// Path returns the absolute path; symbolic links in it are not resolved.
func (s *Source) Path() string { return s.path }

// Size returns the size at OpenSource, in bytes.
func (s *Source) Size() int64 { return s.print.Size }

// Fingerprint returns that of OpenSource, taken from the open file.
func (s *Source) Fingerprint() Fingerprint { return s.print }

// ModTime returns the modification time at OpenSource.
func (s *Source) ModTime() time.Time { return s.info.ModTime() }

// Unsized reports whether the file has bytes although its size is 0, as those of procfs and of some FUSE file systems do.
// Reader returns them.
func (s *Source) Unsized() (bool, error) {
	if s.print.Size > 0 {
		return false, nil
	}
	n, err := s.f.ReadAt(make([]byte, 1), 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n > 0, err
}

// Reader returns a reader of the file from its beginning to wherever it ends. There is one reader.
func (s *Source) Reader() io.Reader { return s.f }

// ReadAt implements io.ReaderAt. The Source ends where it ended at OpenSource: bytes added later are not read, and if bytes
// are missing by now the error has io.ErrUnexpectedEOF in its chain.
func (s *Source) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s: offset %d is negative", s.path, off)
	}
	left := max(s.print.Size-off, 0)
	cut := int64(len(p)) > left
	if cut {
		p = p[:left]
	}
	n, err := s.f.ReadAt(p, off)
	switch {
	case errors.Is(err, io.EOF) && n < len(p):
		return n, fmt.Errorf("read %s: the file became shorter than its %d bytes: %w", s.path, s.print.Size, io.ErrUnexpectedEOF)
	case err != nil && !errors.Is(err, io.EOF):
		return n, err
	case cut:
		return n, io.EOF
	}
	return n, nil
}

// Changed returns how the file differs from what OpenSource saw, both the open file and the one that its path names now. It
// returns nil if size, mtime and inode are the same.
func (s *Source) Changed() error {
	open, err := s.f.Stat()
	if err != nil {
		return fmt.Errorf("look at %s again: %w", s.path, err)
	}
	if err := s.compare(open); err != nil {
		return err
	}
	named, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s was removed or renamed", s.path)
	}
	if err != nil {
		return fmt.Errorf("look at %s again: %w", s.path, err)
	}
	if !os.SameFile(s.info, named) {
		return fmt.Errorf("%s was replaced by another file", s.path)
	}
	return s.compare(named)
}

func (s *Source) compare(fi fs.FileInfo) error {
	now := fingerprint(fi)
	switch {
	case now.Size != s.print.Size:
		return fmt.Errorf("%s had %d bytes and has %d now", s.path, s.print.Size, now.Size)
	case now.MTime != s.print.MTime:
		return fmt.Errorf("%s was written to at %s", s.path, fi.ModTime().Format("2006-01-02 15:04:05.000"))
	case now.Inode != s.print.Inode:
		return fmt.Errorf("%s was replaced by another file", s.path)
	}
	return nil
}

// Touched reports whether anything about the file has changed since OpenSource that Changed does not find: its mode, its
// owner, the number of its names; or its bytes, if the mtime was set back.
func (s *Source) Touched() bool {
	open, err := s.f.Stat()
	return err != nil || ctime(open) != s.print.CTime
}

// Close closes the file.
func (s *Source) Close() error { return s.f.Close() }
