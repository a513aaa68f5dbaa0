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

// places finds the files that keys become, and refuses keys that would leave the folder or share a file. It needs the keys in order
// of their bytes only to report a conflict of file and folder before the file system does.
type places struct {
	root string
	// dir is root, open, so that nothing is made or removed outside of it; zero in a dry run whose folder does not exist.
	dir localfile.Below

	folder string   // the last one that was checked, below root
	files  []string // keys so far that the last one starts with, each of them the start of the next
	// seen are the hashes of all paths in one case; nil if the file system distinguishes case.
	seen map[uint64]struct{}
	seed maphash.Seed

	onCase CaseConflict
	warned error // a warning about the key that was found last
}

// newPlaces makes the folder if it is missing.
func newPlaces(dir string) (*places, error) {
	p := &places{root: filepath.Clean(dir)}
	if err := localfile.MakeDirs(p.root, 0o777); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	var err error
	if p.dir, err = localfile.OpenBelow(p.root); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if foldsCase(p.root) {
		p.foldCase()
	}
	return p, nil
}

// close closes the folder.
func (p *places) close() {
	if p != nil && p.dir.Root != nil {
		_ = p.dir.Root.Close() // only names were looked up in it
	}
}

// restart starts another pass over keys in order; those that were claimed stay claimed.
func (p *places) restart() { p.files, p.folder = nil, "" }

func (p *places) foldCase() { p.seen, p.seed = map[uint64]struct{}{}, maphash.MakeSeed() }

// find returns the path of the file that a key becomes; rel is the key below the prefix. An empty object whose name ends in a slash
// is a folder: it is made, and the path is empty.
func (p *places) find(rel string, size int64) (string, error) {
	p.warned = nil
	name, isFolder := strings.CutSuffix(rel, "/")
	switch {
	case isFolder && size > 0, rel == "" && size > 0:
		return "", fmt.Errorf("the key ends in a slash, so it would be a folder here, but it has %d bytes", size)
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
		return "", nil // it is empty, and not needed
	case isFolder:
		return "", p.makeFolder(name, path)
	case file != "":
		return "", fmt.Errorf("there is also the key %s: a file and a folder cannot have the same name", file)
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
			return path, err // where it will be, if that file is deleted
		} else if err != nil {
			return "", err
		}
	}
	return path, nil
}

// makeFolder makes the folder that an empty object stands for, unless a file has that name.
func (p *places) makeFolder(name, path string) error {
	err := p.check(name)
	if errors.Is(err, errFileThere) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.dir.MakeDirs(path, 0o777)
}

// checkNames refuses what is not a valid name here, and what would be cleaned out of a path, so that every key has its own path.
func checkNames(key string) error {
	for name := range strings.SplitSeq(key, "/") {
		switch {
		case name == "":
			return errors.New(`the key has a slash too many ("//", or one at its beginning), and a folder must have a name`)
		case name == "." || name == "..":
			return fmt.Errorf("the key contains %q, which names another folder here", name)
		case strings.ContainsRune(name, 0):
			return errors.New("the key contains a NUL, which a file name cannot")
		case len(name) > maxName:
			return fmt.Errorf("the key contains a name of %d bytes, and the limit here is %d", len(name), maxName)
		case runtime.GOOS == "windows" && badOnWindows(name):
			return fmt.Errorf("the key contains %q, which is not a valid file name on Windows", name)
		}
	}
	return nil
}

func badOnWindows(name string) bool {
	return strings.ContainsAny(name, `\:*?"<>|`) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || !filepath.IsLocal(name)
}

// fileAbove returns the key, below the prefix, whose file has the name of a folder that name needs, or is name itself; "" if there
// is none.
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

// claim records that a key becomes a file, and refuses one that differs from another only by case, if the file system ignores that.
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

// noteExisting records a key whose file exists and stays.
func (p *places) noteExisting(name string) {
	p.fileAbove(name)
	p.files = append(p.files, name)
	if p.seen != nil {
		p.seen[p.hash(name)] = struct{}{}
	}
}

// hash returns the hash of a path, ignoring case.
func (p *places) hash(name string) uint64 {
	return maphash.String(p.seed, strings.ToLower(strings.ToUpper(name)))
}

var errCase = errors.New("another key differs only in case, and this file system ignores case")

var errFileThere = errors.New("a folder is needed, but there is a file")

// check refuses a folder below root that leads elsewhere: every part of the path that exists must be a folder, and not a link. The
// transfer makes what is missing.
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
			return fmt.Errorf("%s is a symbolic link, and haul does not follow links below the target folder", path)
		case !fi.IsDir():
			return fmt.Errorf("%s: %w", path, errFileThere)
		}
		i = end + 1
	}
	p.folder = folder
	return nil
}

// common returns the offset of the first name in a that b, a folder that was checked, does not have.
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

// foldsCase reports whether the file system ignores case.
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
