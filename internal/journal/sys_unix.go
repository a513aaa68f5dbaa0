//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	openNofollow = syscall.O_NOFOLLOW
	openNonblock = syscall.O_NONBLOCK // should a pipe have taken the file's name
)

// errLocked says that another process holds the lock.
var errLocked error = syscall.EWOULDBLOCK

// lock takes the file's lock without waiting; closing the file releases it. A file system without locks is not an error.
func lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EINVAL):
			return nil
		}
		return err
	}
}

// unlink removes the file before it closes it, so that no other process can have locked it in between.
func unlink(f *os.File, path string) error {
	return errors.Join(os.Remove(path), f.Close())
}
