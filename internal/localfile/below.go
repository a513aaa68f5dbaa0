package localfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Below limits where files may be created, renamed and removed. The zero Below is no limit. With a Root, every name must be
// in that directory, and no symbolic link on the path leads out of it, whatever other processes do to the directories
// meanwhile: see [os.Root]. The name of the Root must be absolute.
type Below struct{ Root *os.Root }

// OpenBelow opens a directory, which must exist. Close its Root.
func OpenBelow(dir string) (Below, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Below{}, err
	}
	root, err := os.OpenRoot(abs)
	return Below{root}, err
}

// rel returns a name relative to the Root.
func (b Below) rel(op, name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(b.Root.Name(), abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("it does not lie in %s", b.Root.Name())}
	}
	return rel, nil
}

// do calls a func with a name: anywhere, or below the Root. An error has the name that the caller used.
func (b Below) do(op, name string, anywhere, below func(name string) error) error {
	if b.Root == nil {
		return anywhere(name)
	}
	rel, err := b.rel(op, name)
	if err != nil {
		return err
	}
	return named(op, name, below(rel))
}

// named puts the whole name into an error about a name below a root.
func named(op, name string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return &fs.PathError{Op: op, Path: name, Err: at.Err}
	}
	return err
}

// Lstat is [os.Lstat].
func (b Below) Lstat(name string) (fi fs.FileInfo, err error) {
	err = b.do("lstat", name,
		func(name string) (err error) { fi, err = os.Lstat(name); return err },
		func(rel string) (err error) { fi, err = b.Root.Lstat(rel); return err })
	return fi, err
}

// Remove is [os.Remove].
func (b Below) Remove(name string) error {
	return b.do("remove", name, os.Remove, func(rel string) error { return b.Root.Remove(rel) })
}

// SetTime sets the modification time of a file.
func (b Below) SetTime(name string, t time.Time) error {
	return b.do("chtimes", name,
		func(name string) error { return os.Chtimes(name, time.Time{}, t) },
		func(rel string) error { return b.Root.Chtimes(rel, time.Time{}, t) })
}

// open is [os.OpenFile].
func (b Below) open(name string, flags int, perm fs.FileMode) (f *os.File, err error) {
	err = b.do("open", name,
		func(name string) (err error) { f, err = os.OpenFile(name, flags, perm); return err },
		func(rel string) (err error) { f, err = b.Root.OpenFile(rel, flags, perm); return err })
	return f, err
}

// rename is [os.Rename], and link is [os.Link]: of names in one directory.
func (b Below) rename(from, to string) error {
	return b.pair("rename", from, to, os.Rename, func(a, z string) error { return b.Root.Rename(a, z) })
}

func (b Below) link(from, to string) error {
	return b.pair("link", from, to, os.Link, func(a, z string) error { return b.Root.Link(a, z) })
}

// renameNew renames, unless the new name is taken: then fs.ErrExist. If the system has no such rename, the error is
// errors.ErrUnsupported.
func (b Below) renameNew(from, to string) error {
	return b.pair("rename", from, to, func(a, z string) error { return renameNew(nil, a, z) }, func(a, z string) error {
		dir, err := b.Root.Open(filepath.Dir(z))
		if err != nil {
			return err
		}
		return errors.Join(renameNew(dir, filepath.Base(a), filepath.Base(z)), dir.Close())
	})
}

func (b Below) pair(op, from, to string, anywhere, below func(from, to string) error) error {
	if b.Root == nil {
		return anywhere(from, to)
	}
	a, err := b.rel(op, from)
	if err != nil {
		return err
	}
	z, err := b.rel(op, to)
	if err != nil {
		return err
	}
	err = below(a, z)
	var at *os.LinkError
	if errors.As(err, &at) {
		return &os.LinkError{Op: op, Old: from, New: to, Err: at.Err}
	}
	return named(op, to, err)
}

// MakeDirs is [MakeDirs].
func (b Below) MakeDirs(dir string, perm fs.FileMode) error {
	if b.Root == nil {
		return MakeDirs(dir, perm)
	}
	rel, err := b.rel("mkdir", dir)
	if err != nil {
		return err
	}
	var missing []string
	for d := rel; d != "."; d = filepath.Dir(d) {
		fi, err := b.Root.Stat(d)
		if err == nil && !fi.IsDir() {
			return notFolder(filepath.Join(b.Root.Name(), d))
		}
		if err == nil {
			break
		}
		missing = append(missing, d)
	}
	if len(missing) == 0 {
		return nil
	}
	if err := b.Root.MkdirAll(rel, perm); err != nil {
		return named("mkdir", dir, err)
	}
	for _, d := range slices.Backward(missing) {
		if err := b.SyncDir(filepath.Join(b.Root.Name(), filepath.Dir(d))); err != nil {
			return err
		}
	}
	return nil
}

// SyncDir is [SyncDir].
func (b Below) SyncDir(dir string) error {
	if b.Root == nil {
		return SyncDir(dir)
	}
	rel, err := b.rel("open", dir)
	if err == nil {
		err = syncDir(rel, b.Root.Open)
	}
	if err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, named("sync", dir, err))
	}
	return nil
}

// sameFile reports whether both are names of one file.
func (b Below) sameFile(one, other string) bool {
	x, err := b.Lstat(one)
	if err != nil {
		return false
	}
	y, err := b.Lstat(other)
	return err == nil && os.SameFile(x, y)
}

// setMTime sets the modification time of an open file.
func (b Below) setMTime(f *os.File, name string, t time.Time) error {
	if b.Root == nil || timesByHandle {
		return setMTime(f, t)
	}
	return b.SetTime(name, t)
}
