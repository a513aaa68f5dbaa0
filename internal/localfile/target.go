package localfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Target is a file that is being written. WriteAt, ReadAt and Sync may be called from many goroutines; Commit, Keep and
// Discard from one, after the others are done.
type Target struct {
	below Below
	path  string // absolute, the real name
	temp  string // absolute, the hidden name beside it
	size  int64
	f     *os.File
	info  fs.FileInfo // of f when it was opened: distinguishes it from a file that took its name
	room  int64       // bytes that the file took on its disk when it was opened, with the reserved space

	mode   fs.FileMode // that a new file gets here, where modeOK
	modeOK bool
	closed bool // f is
	done   bool // committed, kept or discarded
}

// Create creates a hidden file beside path, of that many bytes, with space reserved for all of them. Parents are created.
// It refuses what Commit could not replace: a directory, a pipe, a device (ErrNotRegular). If there is not enough space the
// error is ErrNoSpace. The file system's own limits, on the length of a name or of a file, count here already.
func Create(path string, size int64) (*Target, error) { return Below{}.Create(path, size, nil) }

// Create is [Create] below a folder. Unless announce is nil, it is called with the hidden file's absolute name before the
// file is created, so that it can be recorded and a kill at any moment leaves no hidden file that is not recorded. It may
// be called with a second name, if the file system refuses the first; the last one counts.
func (b Below) Create(path string, size int64, announce func(temp string)) (*Target, error) {
	if size < 0 {
		return nil, fmt.Errorf("target %s: size %d is negative", path, size)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", path, err)
	}
	old, err := b.replaceable(abs)
	if err != nil {
		return nil, err
	}
	if err := b.MakeDirs(filepath.Dir(abs), 0o777); err != nil {
		return nil, fmt.Errorf("target %s: %w", abs, err)
	}
	// A new file is created in the usual way, so that the umask and the directory's default ACL decide on its mode, and is
	// closed to others at once; a process that opened it in between would be allowed to read it later anyway. One that
	// replaces another, which may be more private, is never open to others.
	perm := fs.FileMode(0o666)
	if old != nil {
		perm = 0o600
	}
	f, err := b.createTemp(abs, perm, announce)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", abs, err)
	}
	t := &Target{below: b, path: abs, temp: f.Name(), size: size, f: f}
	if t.info, err = f.Stat(); err != nil {
		return nil, errors.Join(fmt.Errorf("target %s: %w", abs, err), f.Close(), b.Remove(t.temp))
	}
	if old == nil {
		t.mode, t.modeOK = t.info.Mode().Perm(), true
		err = chmod(f, 0o600)
	}
	if err == nil {
		err = allocate(f, abs, size)
	}
	if err == nil {
		err = t.measureRoom()
	}
	if err != nil {
		return nil, errors.Join(err, t.Discard())
	}
	return t, nil
}

// measureRoom records how much of the disk the file takes.
func (t *Target) measureRoom() error {
	if t.size <= oneWrite { // see Check
		return nil
	}
	fi, err := t.f.Stat()
	if err != nil {
		return fmt.Errorf("target %s: %w", t.path, err)
	}
	t.room = space(fi)
	return nil
}

// ErrCut is in the chain of an error if something else has changed the length of a file that is being written.
var ErrCut = errors.New("another program changed the length of the partial file")

// Check checks that the file still has its length; else the error is an ErrCut. It returns doubtful if the file takes less
// of the disk than was reserved for it, or, if it is so small that nothing was, than it has bytes: it was truncated and has
// grown again by what was written since, or its file system compresses.
func (t *Target) Check() (doubtful bool, err error) {
	fi, err := t.f.Stat()
	if err != nil {
		return false, fmt.Errorf("look at %s again: %w", t.temp, err)
	}
	if fi.Size() != t.size {
		return false, fmt.Errorf("%w: %s has %d bytes, not %d", ErrCut, t.temp, fi.Size(), t.size)
	}
	room := t.room
	if t.size <= oneWrite {
		room = t.size
	}
	return space(fi) < room, nil
}

// Reopen opens the hidden file that an earlier run kept for path. It refuses anything but a regular file of this user and
// that many bytes, with one name only, which is named as Create names them; then start again, and let RemoveTemp clean up.
func Reopen(path, temp string, size int64) (*Target, error) { return Below{}.Reopen(path, temp, size) }

// Reopen is [Reopen] below a folder.
func (b Below) Reopen(path, temp string, size int64) (*Target, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", path, err)
	}
	if _, err := b.replaceable(abs); err != nil {
		return nil, err
	}
	if err := checkTemp(abs, temp); err != nil {
		return nil, err
	}
	f, err := b.open(temp, os.O_RDWR|openNofollow|openNonblock, 0)
	if err != nil {
		return nil, fmt.Errorf("partial file: %w", err)
	}
	t := &Target{below: b, path: abs, temp: temp, size: size, f: f}
	if t.info, err = f.Stat(); err == nil {
		err = t.checkReopened()
		t.room = space(t.info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

func (t *Target) checkReopened() error {
	named, err := t.below.Lstat(t.temp)
	switch {
	case err != nil:
		return fmt.Errorf("partial file: %w", err)
	case !t.info.Mode().IsRegular() || !os.SameFile(t.info, named):
		return fmt.Errorf("partial file %s: %w", t.temp, ErrNotRegular)
	case !owned(t.info):
		return fmt.Errorf("partial file %s belongs to another user", t.temp)
	case links(t.info) > 1:
		return fmt.Errorf("partial file %s has a second name", t.temp)
	case t.info.Size() != t.size:
		return fmt.Errorf("partial file %s has %d bytes, not %d", t.temp, t.info.Size(), t.size)
	}
	return nil
}

// RemoveTemp removes the hidden file that an earlier run kept for path, if it is still there; it refuses anything that is
// not named as Create names them, is not a regular file, or does not belong to this user.
func RemoveTemp(path, temp string) error { return Below{}.RemoveTemp(path, temp) }

// RemoveTemp is [RemoveTemp] below a folder.
func (b Below) RemoveTemp(path, temp string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("target %s: %w", path, err)
	}
	if err := checkTemp(abs, temp); err != nil {
		return err
	}
	fi, err := b.Lstat(temp)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("partial file: %w", err)
	case !fi.Mode().IsRegular():
		return fmt.Errorf("partial file %s: %w", temp, ErrNotRegular)
	case !owned(fi):
		return fmt.Errorf("partial file %s belongs to another user", temp)
	}
	return b.Remove(temp)
}

// replaceable returns what has the name path, nil for nothing, and refuses what a file must not replace.
func (b Below) replaceable(path string) (fs.FileInfo, error) {
	fi, err := b.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case errors.Is(err, syscall.ENAMETOOLONG):
		return nil, fmt.Errorf("target %s: the file system allows no name of this length; choose a shorter one", path)
	case err != nil:
		return nil, fmt.Errorf("target %s: %w", path, err)
	case fi.Mode()&fs.ModeSymlink != 0:
		return fi, checkLink(path)
	}
	return fi, checkTarget(path, fi)
}

// checkLink refuses to replace a link that leads to anything but a file: as root that would break /dev/stdout.
func checkLink(path string) error {
	to, err := os.Readlink(path)
	if err != nil {
		return fmt.Errorf("target %s: %w", path, err)
	}
	if filepath.Dir(path) == "/dev" || strings.HasPrefix(to, "/proc/") {
		return fmt.Errorf("target %s: %w; for standard output the target is -", path, ErrNotRegular)
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil // it leads nowhere: replaced
	}
	return checkTarget(path, fi)
}

func checkTarget(path string, fi fs.FileInfo) error {
	switch {
	case fi.Mode().IsRegular():
		return nil
	case fi.IsDir():
		return fmt.Errorf("target %s is a directory: %w; name the file in it", path, ErrNotRegular)
	}
	return fmt.Errorf("target %s is %s: %w; write to standard output and redirect that", path, kind(fi.Mode()), ErrNotRegular)
}

// Path returns the real name, absolute.
func (t *Target) Path() string { return t.path }

// Temp returns the hidden name, absolute: what Reopen takes.
func (t *Target) Temp() string { return t.temp }

// Size returns the size in bytes.
func (t *Target) Size() int64 { return t.size }

// WriteAt implements io.WriterAt, and refuses to write past the size. A full disk is ErrNoSpace.
func (t *Target) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > t.size || int64(len(p)) > t.size-off {
		return 0, fmt.Errorf("write %s: %d bytes at offset %d do not fit into its %d bytes", t.temp, len(p), off, t.size)
	}
	n, err := t.f.WriteAt(p, off)
	return n, t.wrap(err, int64(len(p)-n))
}

// ReadAt implements io.ReaderAt. What was never written reads as zeros.
func (t *Target) ReadAt(p []byte, off int64) (int, error) { return t.f.ReadAt(p, off) }

// Sync syncs to disk what was written.
func (t *Target) Sync() error { return t.wrap(t.f.Sync(), t.size) }

// wrap makes a full disk an ErrNoSpace, for which that many bytes were needed.
func (t *Target) wrap(err error, need int64) error {
	if isNoSpace(err) {
		return noSpace(t.path, need, err)
	}
	return err
}

// Keep closes the hidden file and leaves it for a later run. After Commit or Discard it does nothing.
func (t *Target) Keep() error {
	if t.done {
		return nil
	}
	t.done = true
	return t.close()
}

// Discard closes and removes the hidden file. After Commit or Keep it does nothing.
func (t *Target) Discard() error {
	if t.done {
		return nil
	}
	t.done = true
	err := t.close()
	switch named, lerr := t.below.Lstat(t.temp); {
	case errors.Is(lerr, fs.ErrNotExist):
		return err
	case lerr != nil:
		return errors.Join(err, lerr)
	case !os.SameFile(t.info, named):
		return errors.Join(err, fmt.Errorf("%s is not the file that haul made; left alone", t.temp))
	}
	return errors.Join(err, t.below.Remove(t.temp))
}

func (t *Target) close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	return t.wrap(t.f.Close(), t.size)
}

// Commit renames the file to its real name. It syncs the bytes to disk first; sets the mtime, unless that is zero; and sets
// the mode: that of the file it replaces, or of any new file here (0666 less the umask, or as the folder's default ACL
// says). If the file system does not support such modes or times they are not set. Without clobber anything that has the
// name is an error of fs.ErrExist, also if it was created a moment ago; only on a file system that has neither hard links
// nor renameat2(RENAME_NOREPLACE) a moment is left between looking and renaming.
//
// After an error the hidden file is still there, unless the error says that the target is in place; call Commit again,
// Keep, or Discard.
func (t *Target) Commit(mtime time.Time, clobber bool) error {
	if t.done {
		return fmt.Errorf("commit %s: %w", t.path, fs.ErrClosed)
	}
	old, err := t.below.replaceable(t.path)
	if err != nil {
		return err
	}
	if old != nil && !clobber {
		return existError(t.path)
	}
	if !t.closed {
		if err := t.finish(mtime, old); err != nil {
			return fmt.Errorf("commit %s: %w", t.path, err)
		}
	}
	named, err := t.below.Lstat(t.temp)
	if err != nil {
		return fmt.Errorf("commit %s: its partial file is gone: %w", t.path, err)
	}
	if !os.SameFile(t.info, named) {
		return fmt.Errorf("commit %s: another file took the name %s", t.path, t.temp)
	}
	placed, err := t.below.place(t.temp, t.path, clobber)
	if !placed {
		return err
	}
	t.done = true
	if err := errors.Join(err, t.below.SyncDir(filepath.Dir(t.path))); err != nil {
		return fmt.Errorf("%s is in place, but: %w", t.path, err)
	}
	return nil
}

// finish does everything but the rename.
func (t *Target) finish(mtime time.Time, old fs.FileInfo) error {
	if err := t.Sync(); err != nil {
		return err
	}
	mode, err := t.finalMode(old)
	if err != nil {
		return err
	}
	if err := chmod(t.f, mode); err != nil {
		return err
	}
	if !mtime.IsZero() {
		if err := t.below.setMTime(t.f, t.temp, mtime); err != nil && !refused(err) {
			return fmt.Errorf("set the time: %w", err)
		}
	}
	return t.close() // before the rename: a network file system may report only now that a write failed
}

func (t *Target) finalMode(old fs.FileInfo) (fs.FileMode, error) {
	if old != nil && old.Mode().IsRegular() {
		return old.Mode().Perm(), nil
	}
	if t.modeOK {
		return t.mode, nil
	}
	f, err := t.below.createTemp(t.path, 0o666, nil) // asks the system which mode a new file gets here
	if err != nil {
		return 0, err
	}
	fi, err := f.Stat()
	if err := errors.Join(err, f.Close(), t.below.Remove(f.Name())); err != nil {
		return 0, err
	}
	return fi.Mode().Perm(), nil
}

// chmod sets the mode if the file system supports modes.
func chmod(f *os.File, mode fs.FileMode) error {
	if err := f.Chmod(mode); err != nil && !refused(err) {
		return err
	}
	return nil
}

func existError(path string) error {
	return fmt.Errorf("target %s: %w", path, fs.ErrExist)
}

// place renames temp to path. It may return an error although that is done: placed reports it.
func (b Below) place(temp, path string, clobber bool) (placed bool, _ error) {
	if !clobber {
		return b.placeNew(temp, path, b.link, b.renameNew)
	}
	err := b.rename(temp, path)
	return err == nil, err
}

// placeNew is place for a path that must not be replaced. It asks the file system for a second name, then for a rename that
// replaces nothing, and checks itself if neither is available.
func (b Below) placeNew(temp, path string, link, renameNew func(from, to string) error) (placed bool, _ error) {
	err := link(temp, path)
	if err == nil || b.sameFile(temp, path) { // NFS may answer that the name is taken when it lost its first, good answer
		return true, b.Remove(temp)
	}
	if !errors.Is(err, fs.ErrExist) {
		err = renameNew(temp, path)
	}
	if refused(err) {
		if _, err = b.Lstat(path); err == nil {
			err = fs.ErrExist
		} else if errors.Is(err, fs.ErrNotExist) {
			err = b.rename(temp, path)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = existError(path)
	}
	return err == nil, err
}
