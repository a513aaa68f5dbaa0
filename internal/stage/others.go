package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
)

// The folders of a cache, one for each user, are named for the user's ID, which other machines that share a file system know too.
const userFolder = "user-"

// ownName is the name of this user's folder. Windows has no such numbers, so that it is the same for all users there.
func ownName() string {
	return userFolder + strconv.Itoa(max(os.Geteuid(), 0))
}

// copyFromOthers makes target with the bytes that another user's folder has of an item, and reports whether it could. They may be
// anything: it makes a copy, which nobody else can write to, and keeps it only if it matches the store's checksum.
func (c *cache) copyFromOthers(ctx context.Context, key string, it *item, target string) bool {
	folders, err := os.ReadDir(c.Dir)
	if err != nil {
		return false
	}
	for _, d := range folders {
		if d.Name() == ownName() || !strings.HasPrefix(d.Name(), userFolder) || !d.IsDir() {
			continue
		}
		path := filepath.Join(c.Dir, d.Name(), key)
		good, err := c.copyOther(ctx, path, it, target)
		if good {
			return true
		}
		if rerr := os.Remove(target); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.Report.Note(fmt.Sprintf("not using %s, another user's copy of %s: %v", path, it.source, err))
		}
	}
	return false
}

// errNotSame: the copy of another user is not the object.
var errNotSame = errors.New("it is not what the store has")

// copyOther copies one file of another user, and returns whether the copy is verified.
func (c *cache) copyOther(ctx context.Context, path string, it *item, target string) (bool, error) {
	f, _, err := localfile.OpenRegular(path)
	if err != nil {
		return false, err
	}
	defer f.Close() // only read from
	fi, err := f.Stat()
	if err != nil {
		return false, err
	}
	if fi.Size() != it.size {
		return false, errNotSame
	}
	if !reflink(f, target) {
		if err := copyFile(f, target); err != nil {
			return false, err
		}
	}
	same, err := c.c.SameFile(ctx, target, it.ref, &c.Transfer.Attrs)
	switch {
	case err != nil:
		return false, err
	case same.Verdict == haul.Different || same.Target.ETag != it.state:
		return false, errNotSame
	case same.Verdict == haul.Undecided:
		return false, fmt.Errorf("it cannot be verified: %s", same.Text)
	}
	return true, nil
}
