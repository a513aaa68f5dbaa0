// Package localfile reads and writes the files of this machine: a Source is read in place and knows whether it changed, a
// Target is filled under a hidden name and appears under its real one only when it is whole, a Spool is scratch space
// without a visible name.
//
// The life of a Target:
//
//	Create   refuse what is not a regular file; make parents; open ".NAME.haul-RANDOM" (O_EXCL, 0600) beside the target; preallocate
//	WriteAt  from many goroutines, at any offset
//	Commit   fsync; mode and mtime; close; rename, or link and unlink if nothing may be replaced; fsync the directory
//	Keep     or: close, and leave the hidden file for Reopen in a later run
//	Discard  or: close, and remove the hidden file
//
// A target that is a symbolic link is replaced, not written through, as rename(2) does. The new file belongs to the user
// who runs haul; of the file it replaces only the permission bits are kept, not the owner, ACLs, or extended attributes.
//
// Not promised: a file that is rewritten with the same size while its mtime is put back is not seen as changed; hidden
// files that no later run reopens are never swept; bytes of a kept hidden file may be lost in a power cut, so a caller that
// reopens one must verify them again.
package localfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrNotRegular is in the chain of an error if a path names a directory, a pipe, a device, or a socket.
var ErrNotRegular = errors.New("not a regular file")

// ErrNoSpace is in the chain of an error if the file system, or the user's quota of it, is full.
var ErrNoSpace = errors.New("no space left")

// spaceError is an ErrNoSpace with its details.
type spaceError struct {
	path string
	need int64 // bytes
	free int64 // bytes; -1 if it is not known
	err  error // what the system returned; nil if haul checked before it wrote
}

// noSpace returns a spaceError for a file that needs that many bytes, and finds out how many are free.
func noSpace(path string, need int64, err error) error {
	return &spaceError{path: path, need: need, free: freeSpace(filepath.Dir(path)), err: err}
}

func (e *spaceError) Error() string {
	s := fmt.Sprintf("no space left for %s: it needs %s more", e.path, bytesText(e.need))
	switch {
	case e.err != nil && !errors.Is(e.err, ErrNoSpace) && overQuota(e.err):
		return s + ", and your disk quota is used up; remove files, or choose another place"
	case e.free >= 0:
		s += fmt.Sprintf(", and %s are free there", bytesText(e.free))
	}
	return s + "; make room, or choose another place"
}

func (e *spaceError) Unwrap() []error {
	if e.err == nil {
		return []error{ErrNoSpace}
	}
	return []error{ErrNoSpace, e.err}
}

// bytesText formats a number of bytes for people.
func bytesText(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, unit := float64(n)/(1<<10), "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB", "PiB"} {
		if f < 1<<10 {
			break
		}
		f, unit = f/(1<<10), next
	}
	return fmt.Sprintf("%.1f %s (%d bytes)", f, unit, n)
}

// kind says what a file is, for people.
func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	default:
		return "a special file"
	}
}

// MakeDirs creates dir and its missing parents, with perm less the umask, and syncs each name that it created to disk.
func MakeDirs(dir string, perm fs.FileMode) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || filepath.Dir(d) == d {
			break
		}
		missing = append(missing, d)
	}
	if len(missing) == 0 {
		return checkDir(dir)
	}
	if err := os.MkdirAll(dir, perm); err != nil {
		return fmt.Errorf("make folder %s: %w", dir, err)
	}
	for _, d := range missing {
		if err := SyncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// notFolder is the error for a name that must be a directory, but is something else. It is a syscall.ENOTDIR.
type notFolder string

func (n notFolder) Error() string { return string(n) + " is a file, but must be a folder there" }

func (notFolder) Unwrap() error { return syscall.ENOTDIR }

// checkDir distinguishes a directory from anything else with its name.
func checkDir(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return notFolder(dir)
	}
	return nil
}

// SyncDir makes the names in dir durable: files created, renamed or removed there stay so after a power cut. It does
// nothing on file systems that cannot do it.
func SyncDir(dir string) error {
	if err := syncDir(dir, os.Open); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
