package stage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reflink makes target a copy of f that shares its blocks (btrfs, XFS, bcachefs, …), with f's time; false where it cannot.
func reflink(f *os.File, target string) bool {
	to, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return false
	}
	fi, err := f.Stat()
	err = errors.Join(err, unix.IoctlFileClone(int(to.Fd()), int(f.Fd())), to.Close())
	if err == nil {
		err = os.Chtimes(target, fi.ModTime(), fi.ModTime())
	}
	if err != nil {
		_ = os.Remove(target) // it was made here
		return false
	}
	return true
}
