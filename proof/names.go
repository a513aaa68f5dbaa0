package proof

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"haul.example/haul/internal/digestlist"
	"haul.example/haul/mirror"
)

// Names describe how names in a manifest become paths relative to a target.
type Names struct {
	// Exists reports whether the target has a path.
	Exists func(rel string) (bool, error)
	// Find returns the target's entry with a path; false if there is none. It may be nil.
	Find func(rel string) (mirror.Entry, bool, error)
	// Files reports that the target is local: in a receipt, a file may have another name than its object.
	Files bool
	// Only is the one name in a target that is a single file or object; empty if it is a tree.
	Only string
	// Wants reports which paths are selected; nil selects all.
	Wants func(rel string) bool

	// Stem is the path of the file that the manifest is beside, or is named after; empty if it is about many.
	Stem string
	// List is the manifest's own path or name: a line about itself is ignored, and its unreadable lines become a finding with
	// that name.
	List string

	below string // the folder that the names are below
	guess error  // why it is not known which file Stem is
}

const (
	// probes is how many names of a manifest are looked up in the target, to find how they map to paths there, and deepest with how
	// many of their last folders; a key has at most 1024 bytes.
	probes, deepest = 16, 512
	// maxLooks bounds how often names of other depths are looked up, in the target of one manifest.
	maxLooks = 2048
	// maxNamed is how many unreadable lines are listed.
	maxNamed = 3
)

// placement maps the lines of one manifest to paths below the target.
type placement struct {
	Names
	add func(Item) error

	first    []Line // until how is known
	location *location
	// depths are the lines whose names have so many folders, until it is known how these lie to the target.
	depths map[int]*depth
	looks  int
	added  int
	bad    []error // the first
	badN   int
}

// location is how the names of a manifest map to paths in a target.
type location struct {
	strip int          // how many leading folders are removed
	gone  map[int]bool // groups of which the target has nothing, while it has files of another
	found bool         // the target has any
	depth int          // of the name that was found
	end   string       // extension of encrypted files there
}

// depth is how names of one depth map to paths in a target: an archive may have added a folder.
type depth struct {
	strip   int
	known   bool
	waiting []Line
}

// readItems passes the items of a manifest to add, and returns what it is.
func (n Names) readItems(r io.Reader, add func(Item) error) (what string, err error) {
	lines, what, err := readLines(r)
	if err != nil {
		return what, err
	}
	p := &placement{Names: n, add: add, depths: map[int]*depth{}}
	var torn error // the lines before it count
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
	return what, errors.Join(torn, p.reportUnreadable())
}

// take places a line, once it is known where.
func (p *placement) take(l Line) error {
	if p.location != nil {
		return p.place(l)
	}
	if p.first = append(p.first, l); len(p.first) < probes {
		return nil
	}
	return p.learn()
}

// learn looks up the first lines, and places them.
func (p *placement) learn() (err error) {
	if p.location, err = p.probe(p.first); err != nil {
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
func (p *placement) end() error {
	if p.location == nil {
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

// place places a line by its depth.
func (p *placement) place(l Line) error {
	parts := p.split(l)
	if !p.location.found || l.Name == "" || p.Only != "" || len(parts) == p.location.depth {
		return p.put(l, p.location.strip)
	}
	d := p.depths[len(parts)]
	if d == nil {
		d = &depth{strip: p.location.strip}
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

// settle places the lines of one depth. If none exists with the usual number of folders removed, but one does with another number, that
// number is used for all of them.
func (p *placement) settle(d *depth) error {
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

// endOf is the extension of an encrypted file.
func (p *placement) endOf(l Line) string {
	if l.sealed {
		return p.location.end
	}
	return ""
}

// digestFolder is a folder of the digests of the files in the folder above.
var digestFolder = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(md5|sha1|sha256|sha512|checksum)(sum)?s?$`)
})

// probe looks up the first names in the target.
func (p *placement) probe(first []Line) (*location, error) {
	for {
		l, err := p.probeBelow(first)
		if err != nil || l.found || p.below == "" || !digestFolder().MatchString(path.Base(p.below)) {
			return l, err
		}
		if p.below = path.Dir(p.below); p.below == "." {
			p.below = ""
		}
	}
}

func (p *placement) probeBelow(first []Line) (*location, error) {
	l := &location{gone: map[int]bool{}, end: digestlist.SealedEnds[0]}
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

// split returns the names of the folders and the file of a line.
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

var errOutside = errors.New("the manifest's name points outside the target")

// put adds a line under its path in the target, with that many leading folders removed.
func (p *placement) put(l Line, strip int) error {
	if p.location.gone[l.group] {
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
	case p.Stem != "" && (l.Name == "" || base == path.Base(p.Stem) && !p.location.found):
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
		i.Why = fmt.Errorf("the receipt records that it was not transferred: %s", l.failed)
	}
	p.added++
	if p.List != "" && i.Rel == p.List || p.Wants != nil && !p.Wants(i.Rel) {
		return nil
	}
	return p.add(i)
}

// errBare is a line without a name.
var errBare = errors.New("a digest without a name is for one file, and the target is a folder; name the file")

// unreadable records a line that cannot be read. If it is about a file, that is left open.
func (p *placement) unreadable(err error) error {
	if bad := new(LineError); errors.As(err, &bad) && bad.Name != "" {
		return p.take(Line{Name: bad.Name, Size: -1, bad: bad})
	}
	if p.badN++; len(p.bad) < maxNamed {
		p.bad = append(p.bad, err)
	}
	return nil
}

// reportUnreadable adds the unreadable lines, as an item of the list's own name. If no line could be read, they are the error.
func (p *placement) reportUnreadable() error {
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

// clean returns a name without scheme and host, drive, leading slashes and redundant dots.
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
