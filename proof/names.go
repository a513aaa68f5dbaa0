package proof

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"haul.example/haul/internal/digestlist"
	"haul.example/haul/mirror"
)

// Names are how the names in a manifest become paths below a target.
type Names struct {
	// Exists reports whether the target has a path.
	Exists func(rel string) (bool, error)
	// Find gives what the target has under a path; false where there is nothing. It may be nil.
	Find func(rel string) (mirror.Entry, bool, error)
	// Files reports that the target is on this machine: a receipt may know a file under another name than its object.
	Files bool
	// Only is the one name in a target that is one file or object; empty where it is a tree.
	Only string
	// Wants reports which paths are meant; nil means all.
	Wants func(rel string) bool

	// Stem is the path of the file that the manifest is beside, or is named after; empty where it is about many.
	Stem string
	// List is the manifest's own path or name: what it says of itself is passed over, and its lines that cannot be read are a
	// finding of that name.
	List string

	below string // the folder that the names are below
	guess error  // why nobody can say which file Stem is
}

const (
	// probes is how many names of a manifest are looked for in the target, to learn how its names lie to it, and deepest how many of
	// their last folders; a key has no more than 1024 bytes.
	probes, deepest = 16, 512
	// maxLooks bounds how often names of other depths are looked for, in the target of one manifest.
	maxLooks = 2048
	// maxNamed is how many lines that cannot be read are named.
	maxNamed = 3
)

// placing puts the lines of one manifest below the target.
type placing struct {
	Names
	add func(Item) error

	first []Line // until how is known
	how   *lie
	// depths are the lines whose names have so many folders, until it is known how these lie to the target.
	depths map[int]*depth
	looks  int
	added  int
	bad    []error // the first
	badN   int
}

// lie is how the names of a manifest lie to a target.
type lie struct {
	strip int          // so many leading folders are taken off
	gone  map[int]bool // groups of which the target has nothing, while it has something of another
	found bool         // the target has any
	depth int          // of the name that was found
	end   string       // that encrypted files have there
}

// depth is how names of so many folders lie to a target: an archive may have put a folder more between.
type depth struct {
	strip   int
	known   bool
	waiting []Line
}

// read gives the items of a manifest to add, and tells what it is.
func (n Names) read(r io.Reader, add func(Item) error) (what string, err error) {
	lines, what, err := readLines(r)
	if err != nil {
		return what, err
	}
	p := &placing{Names: n, add: add, depths: map[int]*depth{}}
	var torn error // what comes before it counts
	for l, err := range lines {
		bad := new(LineError)
		switch {
		case errors.As(err, &bad):
			err = p.unreadable(bad)
		case err != nil:
			torn, err = err, nil
		default:
			err = p.take(l)
		}
		if err != nil {
			return what, err
		}
	}
	if err := p.end(); err != nil {
		return what, err
	}
	return what, errors.Join(torn, p.blame())
}

// take places a line, when it is known how.
func (p *placing) take(l Line) error {
	if p.how != nil {
		return p.place(l)
	}
	if p.first = append(p.first, l); len(p.first) < probes {
		return nil
	}
	return p.learn()
}

// learn looks for the first lines, and places them.
func (p *placing) learn() (err error) {
	if p.how, err = p.probe(p.first); err != nil {
		return err
	}
	for _, l := range p.first {
		if err := p.place(l); err != nil {
			return err
		}
	}
	p.first = nil
	return nil
}

// end places what waits.
func (p *placing) end() error {
	if p.how == nil {
		if err := p.learn(); err != nil {
			return err
		}
	}
	for _, d := range p.depths {
		if err := p.settle(d); err != nil {
			return err
		}
	}
	return nil
}

// place places a line by the number of its folders.
func (p *placing) place(l Line) error {
	parts := p.split(l)
	if !p.how.found || l.Name == "" || p.Only != "" || len(parts) == p.how.depth {
		return p.put(l, p.how.strip)
	}
	d := p.depths[len(parts)]
	if d == nil {
		d = &depth{strip: p.how.strip}
		p.depths[len(parts)] = d
	}
	if d.known {
		return p.put(l, d.strip)
	}
	d.waiting = append(d.waiting, l)
	if p.looks++; p.looks < maxLooks {
		ok, err := p.has(strings.Join(parts[min(d.strip, len(parts)-1):], "/") + p.endOf(l))
		if err != nil {
			return err
		}
		if ok {
			d.known = true
		}
	}
	if d.known || len(d.waiting) == probes || p.looks >= maxLooks {
		return p.settle(d)
	}
	return nil
}

// settle places the lines of a depth. Where none is there as the others are, but one is with another number of folders taken off, all
// of them lie so.
func (p *placing) settle(d *depth) error {
	for _, l := range d.waiting {
		if d.known {
			break
		}
		parts := p.split(l)
		for k := max(0, len(parts)-deepest); k < len(parts) && !d.known && p.looks < maxLooks; k++ {
			p.looks++
			ok, err := p.has(strings.Join(parts[k:], "/") + p.endOf(l))
			if err != nil {
				return err
			}
			if ok {
				d.strip, d.known = k, true
			}
		}
	}
	d.known = true
	waiting := d.waiting
	d.waiting = nil
	for _, l := range waiting {
		if err := p.put(l, d.strip); err != nil {
			return err
		}
	}
	return nil
}

// endOf is what the name of an encrypted file has more.
func (p *placing) endOf(l Line) string {
	if l.sealed {
		return p.how.end
	}
	return ""
}

// digestFolder is a folder of the digests of the files in the folder above.
var digestFolder = regexp.MustCompile(`(?i)^(md5|sha1|sha256|sha512|checksum)(sum)?s?$`)

// probe looks for the first names in the target.
func (p *placing) probe(first []Line) (*lie, error) {
	for {
		l, err := p.probeBelow(first)
		if err != nil || l.found || p.below == "" || !digestFolder.MatchString(path.Base(p.below)) {
			return l, err
		}
		if p.below = path.Dir(p.below); p.below == "." {
			p.below = ""
		}
	}
}

func (p *placing) probeBelow(first []Line) (*lie, error) {
	l := &lie{gone: map[int]bool{}, end: digestlist.SealedEnds[0]}
	found := map[int]bool{}
	for _, line := range first {
		if found[line.group] {
			continue
		}
		l.gone[line.group] = true
		ends := []string{""}
		if line.sealed {
			ends = digestlist.SealedEnds
		}
		parts := p.split(line)
		for k := max(0, len(parts)-deepest); k < len(parts) && !found[line.group]; k++ {
			for _, end := range ends {
				ok, err := p.has(strings.Join(parts[k:], "/") + end)
				if err != nil {
					return nil, err
				}
				if !ok {
					continue
				}
				if len(found) == 0 {
					l.strip, l.depth = k, len(parts)
				}
				if found[line.group] = true; end != "" {
					l.end = end
				}
				break
			}
		}
	}
	l.found = len(found) > 0
	for group := range l.gone {
		if found[group] || group == 0 || len(found) == 0 {
			delete(l.gone, group)
		}
	}
	return l, nil
}

// split gives the names of the folders and the file that a line is about.
func (n Names) split(l Line) []string {
	if n.Files && l.Path != "" {
		return strings.Split(clean(filepath.ToSlash(l.Path)), "/")
	}
	return strings.Split(clean(l.Name), "/")
}

func (n Names) has(rel string) (bool, error) {
	switch {
	case n.Only != "":
		return rel == n.Only, nil
	case !filepath.IsLocal(filepath.FromSlash(rel)):
		return false, nil
	}
	return n.Exists(path.Join(n.below, rel))
}

var errOutside = errors.New("the manifest's name leads out of the target")

// put adds a line under its path in the target, with so many leading folders taken off.
func (p *placing) put(l Line, strip int) error {
	if p.how.gone[l.group] {
		return nil
	}
	i := Item{Size: l.Size, Claims: l.Claims, ETag: l.ETag, Parts: l.Parts, From: l.Name, List: p.List}
	parts := p.split(l)
	parts[len(parts)-1] += p.endOf(l)
	base := parts[len(parts)-1]
	i.Rel = path.Join(p.below, strings.Join(parts[min(strip, len(parts)-1):], "/"))
	switch {
	case p.Only != "" && l.Name == "":
		i.Rel = p.Only
	case p.Stem != "" && (l.Name == "" || base == path.Base(p.Stem) && !p.how.found):
		i.Rel, i.Why = p.Stem, p.guess
	case p.Only != "":
		if i.Rel = base; base != p.Only {
			return nil
		}
	case l.Name == "":
		return p.unreadable(errBare)
	case !filepath.IsLocal(filepath.FromSlash(i.Rel)):
		i.Why = errOutside
	}
	switch {
	case l.bad != nil:
		i.Why = l.bad
	case l.failed != "":
		i.Why = fmt.Errorf("the receipt says that it was not transferred: %s", l.failed)
	}
	p.added++
	if p.List != "" && i.Rel == p.List || p.Wants != nil && !p.Wants(i.Rel) {
		return nil
	}
	return p.add(i)
}

// errBare is a line without a name.
var errBare = errors.New("a digest without a name is about one file, and the target is a folder; name the file")

// unreadable notes a line that cannot be read. What is about a file leaves that open.
func (p *placing) unreadable(err error) error {
	if bad := new(LineError); errors.As(err, &bad) && bad.Name != "" {
		return p.take(Line{Name: bad.Name, Size: -1, bad: bad})
	}
	if p.badN++; len(p.bad) < maxNamed {
		p.bad = append(p.bad, err)
	}
	return nil
}

// blame adds what lines could not be read, as an item of the list's own name. Where none could, it is the error.
func (p *placing) blame() error {
	if p.badN == 0 {
		return nil
	}
	if p.added == 0 || p.List == "" {
		return fmt.Errorf("%w: %w", ErrManifest, p.bad[0])
	}
	var text []string
	for _, err := range p.bad {
		text = append(text, err.Error())
	}
	if n := p.badN - len(p.bad); n > 0 {
		text = append(text, fmt.Sprintf("and %d more", n))
	}
	return p.add(Item{Rel: p.List, Size: -1, Why: errors.New(strings.Join(text, "; "))})
}

// clean gives a name without scheme and host, drive, leading slashes and needless dots.
func clean(name string) string {
	scheme, rest, ok := strings.Cut(name, ":/")
	switch {
	case !ok || strings.ContainsAny(scheme, "/."):
	case len(scheme) == 1: // C:/data; above a drive there is nothing
		name = path.Clean("/" + rest)
	case strings.HasPrefix(rest, "/"), scheme == "ftp": // 1000 Genomes has ftp:/host
		_, name, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		if strings.HasPrefix(scheme, "http") {
			name, _, _ = strings.Cut(name, "?")
		}
	}
	return strings.TrimLeft(path.Clean(name), "/")
}
