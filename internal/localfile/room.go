package localfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Room returns an ErrNoSpace if fewer than need bytes are free in the directory dir. If that is unknown, it returns nil.
func Room(dir string, need int64) error {
	if free := freeSpace(dir); free < 0 || free >= need {
		return nil
	}
	return noSpace(filepath.Join(dir, "."), need, nil)
}

// Free returns how many bytes are free in the directory dir for this user; less than zero if that is unknown.
func Free(dir string) int64 { return freeSpace(dir) }

// PrivateDir creates the directory dir, or takes an existing one, if it belongs to this user and no other user can enter
// it. Its parent must exist.
func PrivateDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
		return err
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("%s is not a folder, but a folder of that name is needed: remove the file", dir)
	case !owned(fi), runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is there, and others can reach it: it is not used; remove it, or choose another place", dir)
	}
	return nil
}

// OwnDir creates the directory dir, which others may read as the umask says, or takes an existing one, if it belongs to
// this user and no other user can write to it. Its parent must exist.
func OwnDir(dir string) error {
	if err := os.Mkdir(dir, 0o755); !errors.Is(err, fs.ErrExist) {
		return err
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("%s is not a folder, and one is needed under that name: remove it", dir)
	case !owned(fi):
		return fmt.Errorf("%s belongs to another user: it is not used; remove it, or choose another place", dir)
	case runtime.GOOS != "windows" && fi.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can write to %s: it is not used; remove it, or choose another place", dir)
	}
	return nil
}

// OpenRegular opens a regular file for reading, and returns whether it belongs to this user. If path is a symbolic link or
// anything else, the error is ErrNotRegular or that of the system.
func OpenRegular(path string) (f *os.File, ours bool, err error) {
	f, err = os.OpenFile(path, os.O_RDONLY|openNofollow|openNonblock, 0)
	if err != nil {
		return nil, false, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is %s: %w", path, kind(fi.Mode()), ErrNotRegular)
	}
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return f, owned(fi), nil
}
