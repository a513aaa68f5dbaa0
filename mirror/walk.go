package mirror

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"haul.example/haul/internal/localfile"
)

// found is one entry of a folder.
type found struct {
	path string // as the folder was named
	rel  string // below it, with slashes: the end of a key; that of a folder ends in one
	why  error  // it cannot be uploaded; nil for a file
	// partial: it is a folder that could not be read completely.
	partial bool
	info    fs.FileInfo // if it was asked for
	// behind is the rel of the first link to a folder through which it was reached; empty if there is none.
	behind string
}

// walkOptions are the options of a walk. The zero value follows links and reads nothing but names.
type walkOptions struct {
	noFollow bool // ignore links
	info     bool // read size and time of each file
	// target: the folder is written to, so that links to folders are not entered.
	target bool
	// into reports whether to enter a folder; it gets the path below the root, with a slash at its end. nil enters all.
	into func(rel string) bool
}

// The reasons for skipping something in a folder; test for them with errors.Is.
var (
	ErrLoop     = errors.New("the link leads back into a folder that contains it")
	ErrNowhere  = errors.New("the link leads nowhere")
	ErrNoAccess = errors.New("it cannot be read")
	ErrSpecial  = localfile.ErrNotRegular
	errLink     = errors.New("it is a link to a folder, and haul does not follow links below the target folder")
)

// walk yields the files in root and its folders, in order of the bytes of their keys. It fails only if root is not a folder, or
// cannot be read. The partial files of haul's own downloads are left out.
func walk(root string, how walkOptions, yield func(found) bool) error {
	fi, err := os.Stat(root)
	if err != nil {
		return fmt.Errorf("source %w", err)
	}
	if !fi.IsDir() {
		return fmt.Errorf("source %s is a file, not a folder", root)
	}
	names, err := readNames(root)
	if err != nil {
		return fmt.Errorf("source %w", err)
	}
	w := walker{walkOptions: how, yield: yield}
	w.entries(place{path: root}, names)
	return nil
}

// place is a folder of the walk, and those above it.
type place struct {
	path, rel string
	behind    string // the first link to a folder above it
	above     *place
}

type walker struct {
	walkOptions
	yield func(found) bool
}

// entries walks what is in a folder; it reports whether to continue.
func (w walker) entries(in place, n *names) bool {
	for _, at := range n.at {
		name, kind := n.entry(at)
		f := found{path: filepath.Join(in.path, name), rel: in.rel + name, behind: in.behind}
		if w.noFollow && kind.link() || kind == regular && localfile.IsTemp(name) {
			continue
		}
		switch kind {
		case regular, linkToRegular:
			if w.info {
				if f.info, f.why = os.Stat(f.path); f.why != nil {
					f.why = fmt.Errorf("%w: %w", ErrNoAccess, f.why)
				}
			}
		case directory, linkToDirectory:
			below := place{path: f.path, rel: f.rel + "/", behind: in.behind, above: &in}
			if kind == linkToDirectory {
				below.behind = cmp.Or(in.behind, f.rel)
			}
			if !w.folder(f, below) {
				return false
			}
			continue
		case linkToNothing:
			f.why = ErrNowhere
		default:
			f.why = ErrSpecial
		}
		if !w.yield(f) {
			return false
		}
	}
	return true
}

// folder walks a folder within another.
func (w walker) folder(f found, in place) bool {
	f.rel = in.rel
	if w.into != nil && !w.into(in.rel) {
		return true
	}
	if in.behind != "" {
		if f.why = in.loop(); f.why == nil && w.target {
			f.why = errLink
		}
		if f.why != nil {
			return w.yield(f)
		}
	}
	n, err := readNames(f.path)
	if err != nil {
		f.why, f.partial = fmt.Errorf("%w: %w", ErrNoAccess, err), true
		if !w.yield(f) {
			return false
		}
	}
	return w.entries(in, n)
}

// loop returns an error if the folder is one of those that it lies in.
func (p place) loop() error {
	here, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	for q := p.above; q != nil; q = q.above {
		if above, err := os.Stat(q.path); err == nil && os.SameFile(here, above) {
			return ErrLoop
		}
	}
	return nil
}

// kind is what an entry of a folder is, for uploading.
type kind uint8

const (
	regular kind = iota
	linkToRegular
	directory
	linkToDirectory
	linkToNothing
	linkToSpecial
	special
)

// link reports whether it is a symbolic link.
func (k kind) link() bool {
	return k == linkToRegular || k == linkToDirectory || k == linkToNothing || k == linkToSpecial
}

// names are the entries of one folder, in order of their keys: the order of their bytes, with a slash at the end of the name of a
// folder. Since there may be millions, they are packed into a few pages, each as its kind, its name, the slash if it has one, and
// a NUL.
type names struct {
	pages [][]byte
	at    []uint32 // page and offset
}

const (
	pageBits = 20
	pageSize = 1 << pageBits
)

func (n *names) add(name string, k kind) {
	last := len(n.pages) - 1
	if last < 0 || len(n.pages[last])+len(name)+3 > pageSize {
		size := pageSize
		if last < 0 {
			size = 4 << 10 // most folders are small
		}
		n.pages = append(n.pages, make([]byte, 0, size))
		last++
	}
	page := n.pages[last]
	n.at = append(n.at, uint32(last)<<pageBits|uint32(len(page)))
	page = append(append(page, byte(k)), name...)
	if k == directory || k == linkToDirectory {
		page = append(page, '/')
	}
	n.pages[last] = append(page, 0)
}

// key returns the name as it counts for the order.
func (n *names) key(at uint32) []byte {
	text := n.pages[at>>pageBits][at%pageSize+1:]
	return text[:bytes.IndexByte(text, 0)]
}

func (n *names) entry(at uint32) (name string, k kind) {
	return string(bytes.TrimSuffix(n.key(at), []byte("/"))), kind(n.pages[at>>pageBits][at%pageSize])
}

// readNames reads a folder. With an error, it also returns the names that could be read.
func readNames(dir string) (*names, error) {
	n := &names{}
	f, err := os.Open(dir)
	if err != nil {
		return n, err
	}
	defer f.Close() // only read from
	for {
		some, err := f.ReadDir(1000)
		for _, d := range some {
			n.add(d.Name(), kindOf(dir, d))
		}
		if err == nil {
			continue
		}
		slices.SortFunc(n.at, func(a, b uint32) int { return bytes.Compare(n.key(a), n.key(b)) })
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}
}

func kindOf(dir string, d fs.DirEntry) kind {
	mode := d.Type()
	link := mode&fs.ModeSymlink != 0
	if link {
		fi, err := os.Stat(filepath.Join(dir, d.Name()))
		if err != nil {
			return linkToNothing
		}
		mode = fi.Mode()
	}
	switch {
	case mode.IsRegular() && link:
		return linkToRegular
	case mode.IsRegular():
		return regular
	case mode.IsDir() && link:
		return linkToDirectory
	case mode.IsDir():
		return directory
	case link:
		return linkToSpecial
	}
	return special
}
