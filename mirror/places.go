package mirror

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"haul.example/haul/internal/localfile"
)

// maxName is the longest name of a file, in bytes: NAME_MAX of Linux's file systems, see pathconf(3).
const maxName = 255

// places finds the files that keys become, and refuses keys that would leave the folder or meet on one file. It relies on
// keys coming in order of their bytes only to tell of a meeting of file and folder before the file system does.
type places struct {
	root string
	// below is root, open, so that nothing is made or removed outside of it; zero in a dry run whose folder does not exist.
	below localfile.Below

	folder string   // that was looked at last, below root
	files  []string // keys so far that are the beginning of the last one, each of the next
	// seen are the hashes of all paths without regard to case; nil where the file system has that.
	seen map[uint64]struct{}
	seed maphash.Seed

	onCase CaseConflict
	warned error // what to warn of about the key that was found last
}

// newPlaces makes the folder where it is missing.
func newPlaces(dir string) (*places, error) {
	p := &places{root: filepath.Clean(dir)}
	if err := localfile.MakeDirs(p.root, 0o777); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	var err error
	if p.below, err = localfile.OpenBelow(p.root); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if foldsCase(p.root) {
		p.foldCase()
	}
	return p, nil
}

// close closes the folder.
func (p *places) close() {
	if p != nil && p.below.Root != nil {
		_ = p.below.Root.Close() // only names were looked up in it
	}
}

// again begins another pass over keys in order; those that were claimed stay claimed.
func (p *places) again() { p.files, p.folder = nil, "" }

func (p *places) foldCase() { p.seen, p.seed = map[uint64]struct{}{}, maphash.MakeSeed() }

// find gives the path of the file that a key becomes, rel being the key below the prefix. An empty one whose name ends in a
// slash is a folder: it is made, and the path is empty.
func (p *places) find(rel string, size int64) (string, error) {
	p.warned = nil
	name, isFolder := strings.CutSuffix(rel, "/")
	switch {
	case isFolder && size > 0, rel == "" && size > 0:
		return "", fmt.Errorf("the key ends in a slash, which is a folder here, and has %d bytes, which only a file can have", size)
	case rel == "":
		return "", nil
	}
	if err := checkNames(name); err != nil {
		return "", err
	}
	path := filepath.Join(p.root, filepath.FromSlash(name))
	file := p.fileAbove(name)
	switch {
	case isFolder && file != "":
		return "", nil // it is empty, and in nobody's way
	case isFolder:
		return "", p.makeFolder(name, path)
	case file != "":
		return "", fmt.Errorf("the key %s is there as well: a file and a folder cannot have one name", file)
	}
	if err := p.claim(name); err != nil {
		switch p.onCase {
		case WarnCase:
			p.warned = err
		case IgnoreCase:
		default:
			return "", err
		}
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		if err := p.check(name[:i]); errors.Is(err, errFileThere) {
			return path, err // where it will be, if that file is to be deleted
		} else if err != nil {
			return "", err
		}
	}
	return path, nil
}

// makeFolder makes the folder that an empty object stands for. Where a file of that name is already, it is in nobody's way.
func (p *places) makeFolder(name, path string) error {
	err := p.check(name)
	if errors.Is(err, errFileThere) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.below.MakeDirs(path, 0o777)
}

// checkNames refuses what is no name here, and what would be cleaned out of a path, so that every key has its own path.
func checkNames(key string) error {
	for name := range strings.SplitSeq(key, "/") {
		switch {
		case name == "":
			return errors.New(`the key has a slash too many ("//", or one at its beginning), and a folder must have a name`)
		case name == "." || name == "..":
			return fmt.Errorf("the key has %q in it, which names another folder here", name)
		case strings.ContainsRune(name, 0):
			return errors.New("the key has a NUL in it, and no file can")
		case len(name) > maxName:
			return fmt.Errorf("the key has a name of %d bytes in it, and %d are the most here", len(name), maxName)
		case runtime.GOOS == "windows" && badOnWindows(name):
			return fmt.Errorf("the key has %q in it, which Windows takes for no file name", name)
		}
	}
	return nil
}

func badOnWindows(name string) bool {
	return strings.ContainsAny(name, `\:*?"<>|`) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || !filepath.IsLocal(name)
}

// fileAbove gives the key, or what is left of it below the prefix, that has made a file of a folder that name needs, or of
// name itself; "" where there is none.
func (p *places) fileAbove(name string) string {
	for len(p.files) > 0 && !strings.HasPrefix(name, p.files[len(p.files)-1]) {
		p.files = p.files[:len(p.files)-1]
	}
	for _, file := range p.files {
		if len(name) == len(file) || name[len(file)] == '/' {
			return file
		}
	}
	return ""
}

// claim notes that a key becomes a file, and refuses one that differs from another only by case where that counts for nothing.
func (p *places) claim(name string) error {
	p.files = append(p.files, name)
	if p.seen == nil {
		return nil
	}
	sum := p.hash(name)
	if _, ok := p.seen[sum]; ok {
		return errCase
	}
	p.seen[sum] = struct{}{}
	return nil
}

// note takes down a key whose file is there already, and stays.
func (p *places) note(name string) {
	p.fileAbove(name)
	p.files = append(p.files, name)
	if p.seen != nil {
		p.seen[p.hash(name)] = struct{}{}
	}
}

// hash gives a path without regard to case.
func (p *places) hash(name string) uint64 {
	return maphash.String(p.seed, strings.ToLower(strings.ToUpper(name)))
}

var errCase = errors.New("another key differs only by case, and this file system ignores case")

var errFileThere = errors.New("a file is there, and a folder is needed")

// check refuses a folder below root that leads elsewhere: what is there on the way must be folders, and no links. What is
// missing is made by the transfer.
func (p *places) check(folder string) error {
	if folder == p.folder {
		return nil
	}
	for i := common(folder, p.folder); i < len(folder); {
		end := len(folder)
		if next := strings.IndexByte(folder[i:], '/'); next >= 0 {
			end = i + next
		}
		path := filepath.Join(p.root, filepath.FromSlash(folder[:end]))
		fi, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.folder = folder
			return nil
		case err != nil:
			return err
		case fi.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link, and haul follows none below the target folder", path)
		case !fi.IsDir():
			return fmt.Errorf("%s: %w", path, errFileThere)
		}
		i = end + 1
	}
	p.folder = folder
	return nil
}

// common is where the first name begins that a has and b, a folder that was checked, has not.
func common(a, b string) int {
	at := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return at
		}
		if a[i] == '/' {
			at = i + 1
		}
	}
	if len(b) < len(a) && a[len(b)] == '/' && b != "" {
		return len(b) + 1
	}
	return at
}

// foldsCase reports whether the file system takes A and a for one name.
func foldsCase(dir string) bool {
	f, err := os.CreateTemp(dir, ".haul-case-*")
	if err != nil {
		return false // then nothing can be written either
	}
	defer os.Remove(f.Name())
	defer f.Close() // nothing was written
	_, err = os.Lstat(filepath.Join(dir, strings.ToUpper(filepath.Base(f.Name()))))
	return err == nil
}
