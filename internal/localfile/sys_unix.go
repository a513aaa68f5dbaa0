//go:build unix

package localfile

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	openNofollow = syscall.O_NOFOLLOW
	// openNonblock keeps open(2) from blocking if a pipe has taken the file's name; on regular files it does nothing.
	openNonblock = syscall.O_NONBLOCK
	// removesOpen: a file may be removed while it is open.
	removesOpen = true
	// timesByHandle: setMTime does not look at the file's name.
	timesByHandle = false
)

func inode(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// owned reports whether the file belongs to the effective user of this process.
func owned(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// TooManyOpen reports whether err means that this process, or this machine, has no more descriptors.
func TooManyOpen(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// MaxOpen returns how many files and connections this process may have open; 0 is any number.
func MaxOpen() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > math.MaxInt32 {
		return 0
	}
	return int(l.Cur)
}

// space returns how many bytes the file takes on its disk.
func space(fi fs.FileInfo) int64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * 512
	}
	return 0
}

// links returns the number of names that the file has.
func links(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func overQuota(err error) bool { return errors.Is(err, syscall.EDQUOT) }

// refused reports whether err means that the file system does not support such a call at all.
func refused(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)
}

// setMTime works by name, since not every Unix can do it by file; it does not follow a link.
func setMTime(f *os.File, t time.Time) error {
	m, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	a, err := unix.TimeToTimespec(time.Now())
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, f.Name(), []unix.Timespec{a, m}, unix.AT_SYMLINK_NOFOLLOW)
}

func syncDir(dir string, open func(string) (*os.File, error)) error {
	d, err := open(dir)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil // a directory that may be written but not read cannot be synced
		}
		return err
	}
	err = d.Sync()
	if refused(err) || errors.Is(err, syscall.EBADF) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
