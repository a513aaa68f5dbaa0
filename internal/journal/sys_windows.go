package journal

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

const (
	openNofollow = 0
	openNonblock = 0
)

// errLocked says that another process holds the lock.
var errLocked error = windows.ERROR_LOCK_VIOLATION

// lock takes the file's lock without waiting; closing the file releases it. A file system without locks is not an error.
func lock(f *os.File) error {
	// Locks are mandatory here: this one lies on a byte that is never written, so that others can read the holder.
	at := windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_INVALID_FUNCTION) || errors.Is(err, windows.ERROR_NOT_SUPPORTED) {
		return nil
	}
	return err
}

// unlink empties the file, closes and removes it: here an open file keeps its name. A process that opens it in between
// holds an empty record, and keeps it.
func unlink(f *os.File, path string) error {
	if err := errors.Join(f.Truncate(0), f.Close()); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
