package localfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Room is an ErrNoSpace where fewer than need bytes are free in the folder dir. Where that cannot be known, there is room.
func Room(dir string, need int64) error {
	if free := freeSpace(dir); free < 0 || free >= need {
		return nil
	}
	return noSpace(filepath.Join(dir, "."), need, nil)
}

// PrivateDir makes the folder dir, or takes one that is there, where it is this user's own and nobody else can enter it. Its
// parent must be there.
func PrivateDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
		return err
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("%s is no folder, and one is needed under that name: remove it", dir)
	case !owned(fi), runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is there, and others can reach it: it is not used; remove it, or choose another place", dir)
	}
	return nil
}
