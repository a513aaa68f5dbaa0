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
	// F_PREALLOCATE reserves space and leaves the length as it is: fcntl(2).
	store := unix.Fstore_t{Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: size}
	err := unix.FcntlFstore(f.Fd(), unix.F_PREALLOCATE, &store)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) {
		return errors.ErrUnsupported
	}
	if err != nil {
		return err
	}
	return f.Truncate(size)
}

// freeSpace returns the number of bytes that this user may still write in dir; -1 if it is not known.
func freeSpace(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Blocks == 0 || st.Bsize == 0 {
		return -1
	}
	if st.Bavail > math.MaxInt64/uint64(st.Bsize) {
		return math.MaxInt64
	}
	return int64(st.Bavail * uint64(st.Bsize))
}

// renameNew renames, unless the new name is taken: then fs.ErrExist. The names are those in dir if that is not nil.
func renameNew(dir *os.File, from, to string) error {
	at := unix.AT_FDCWD
	if dir != nil {
		at = int(dir.Fd())
	}
	if err := unix.RenameatxNp(at, from, at, to, unix.RENAME_EXCL); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// ctime returns when anything about the file last changed, in nanoseconds since 1970.
func ctime(fi fs.FileInfo) int64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ctimespec.Nano()
	}
	return 0
}
