package localfile

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

const (
	openNofollow = 0 // Reopen compares the open file with the one that has the name
	openNonblock = 0
	removesOpen  = false
	// timesByHandle: setMTime does not look at the file's name.
	timesByHandle = true
)

// inode returns 0: a FileInfo does not have the file's index.
func inode(fs.FileInfo) uint64 { return 0 }

// owned is not checked here: the directory's access control decides.
func owned(fs.FileInfo) bool { return true }

// TooManyOpen reports whether err means that this process has no more handles.
func TooManyOpen(err error) bool { return errors.Is(err, windows.ERROR_TOO_MANY_OPEN_FILES) }

// MaxOpen returns 0: there is no such limit here.
func MaxOpen() int { return 0 }

// space is unknown here.
func space(fs.FileInfo) int64 { return 0 }

// links is unknown here.
func links(fs.FileInfo) uint64 { return 1 }

func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || overQuota(err)
}

func overQuota(err error) bool { return errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED) }

// refused reports whether err means that the file system does not support such a call at all.
func refused(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, windows.ERROR_INVALID_FUNCTION) ||
		errors.Is(err, windows.ERROR_NOT_SUPPORTED)
}

// setMTime works by the open file, since closing one that was written to sets the time again.
func setMTime(f *os.File, t time.Time) error {
	const since1601 = 11644473600 // seconds to 1970
	ticks := uint64(t.Unix()+since1601)*1e7 + uint64(t.Nanosecond()/100)
	m := windows.Filetime{LowDateTime: uint32(ticks), HighDateTime: uint32(ticks >> 32)}
	return windows.SetFileTime(windows.Handle(f.Fd()), nil, nil, &m)
}

// syncDir does nothing: Windows has no such call, and NTFS keeps names in its own log.
func syncDir(string, func(string) (*os.File, error)) error { return nil }

// preallocate returns errors.ErrUnsupported: on NTFS setting the length reserves the space too.
func preallocate(*os.File, int64) error { return errors.ErrUnsupported }

// freeSpace returns the number of bytes that this user may still write in dir; -1 if it is not known.
func freeSpace(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return -1
	}
	return int64(min(free, math.MaxInt64))
}

// renameNew renames, unless the new name is taken: then fs.ErrExist. There is no such rename within an open directory.
func renameNew(dir *os.File, from, to string) error {
	if dir != nil {
		return errors.ErrUnsupported
	}
	f, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	t, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(f, t, windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// ctime returns 0, which is none.
func ctime(fs.FileInfo) int64 { return 0 }
