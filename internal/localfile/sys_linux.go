package localfile

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// preallocate returns errors.ErrUnsupported if the file system cannot do it.
func preallocate(f *os.File, size int64) error {
	for range 16 { // a signal may interrupt it; tmpfs then starts over, so the number of tries is bounded
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EPERM):
			return errors.ErrUnsupported
		}
		return err
	}
	return errors.ErrUnsupported
}

// freeSpace returns the number of bytes that this user may still write in dir; -1 if it is not known.
func freeSpace(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Blocks == 0 || st.Bsize <= 0 {
		return -1
	}
	free := st.Bavail
	if os.Geteuid() == 0 {
		free = st.Bfree // root may use the reserve
	}
	if free > math.MaxInt64/uint64(st.Bsize) {
		return math.MaxInt64
	}
	return int64(free * uint64(st.Bsize))
}

// renameNew renames, unless the new name is taken: then fs.ErrExist. The names are those in dir if that is not nil.
func renameNew(dir *os.File, from, to string) error {
	at := unix.AT_FDCWD
	if dir != nil {
		at = int(dir.Fd())
	}
	err := unix.Renameat2(at, from, at, to, unix.RENAME_NOREPLACE)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// ctime returns when anything about the file last changed, in nanoseconds since 1970.
func ctime(fi fs.FileInfo) int64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return 0
}
