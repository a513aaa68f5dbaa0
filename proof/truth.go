package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"path/filepath"
	"strings"

	"haul"
	"haul/mirror"
	"haul/store"
)

// Item is one file that should be there.
type Item struct {
	// Rel is its path below the target, with slashes.
	Rel string
	// Entry is the file or object that has the right bytes, where there is one.
	Entry mirror.Entry
	// Size is in bytes; -1 where it is not known.
	Size int64
	// Claims are what a manifest or receipt says of the bytes; ETag and Parts what a receipt says of the object.
	Claims []Claim
	ETag   string
	Parts  []store.Part
	// Why tells that nothing can be known of it.
	Why error
}

// Name is Rel.
func (i Item) Name() string { return i.Rel }

// Truth says what should be there.
type Truth struct {
	// Items are in order of the bytes of Rel.
	Items iter.Seq2[Item, error]
	// What it is, in a word: tree, manifest, receipt.
	What string
	// Sidecars tells that its digests lie beside the files that they are about.
	Sidecars bool
	// Beside tells what in a target is there because of the truth, such as the manifest itself, and so is not EXTRA.
	Beside func(mirror.Entry) bool
	// Close frees what it holds; it may be nil.
	Close func() error
}

// The words for What.
const (
	treeTruth     = "tree"
	manifestTruth = "manifest"
	receiptTruth  = "receipt"
)

// Exact tells that what is not in the truth has no place in the target: it is a whole tree, and not a list of what must be there.
func (t Truth) Exact() bool { return t.What == treeTruth }

func (t Truth) extra() string {
	if t.Exact() {
		return "it is in the target only"
	}
	if t.Sidecars {
		return "it has no digest"
	}
	return "the " + t.What + " does not name it"
}

// Tree is the truth that is a folder, or what is stored below a prefix.
func Tree(entries iter.Seq2[mirror.Entry, error]) Truth {
	return Truth{What: treeTruth, Items: func(yield func(Item, error) bool) {
		for e, err := range entries {
			size := e.Size
			if e.Why != nil {
				size = -1
			}
			if !yield(Item{Rel: e.Rel, Entry: e, Size: size, Why: e.Why}, err) || err != nil {
				return
			}
		}
	}}
}

// Names are how the names in a manifest become paths below a target.
type Names struct {
	// Exists tells whether the target has a path.
	Exists func(rel string) (bool, error)
	// Files tells that the target is on this machine: a receipt may know a file under another name than its object.
	Files bool
	// Only is the one name in a target that is one file or object; empty where it is a tree.
	Only string
	// Wants tells which paths are meant; nil means all.
	Wants func(rel string) bool

	// Stem is the path of the file that the manifest is beside, or is named after; empty where it is about many.
	Stem string

	below string // the folder that the names are below
}

// probes is how many names of a manifest are looked for in the target, to learn how its names lie to it, and deepest how many of
// their last folders; a key has no more than 1024 bytes.
const probes, deepest = 16, 512

// Manifest is the truth that a manifest or receipt tells. It is read whole, and sorted, in temporary files where it is long.
//
// Its names may begin above the target, as those do that were written in another folder, on another machine or by an archive:
// leading folders are taken off until the target has the first name, or one of the first. What then lies outside of the
// target, by .. or otherwise, is never looked at.
func Manifest(r io.Reader, n Names) (Truth, error) {
	s := &sorter{}
	what, err := n.read(r, s.add)
	if err != nil {
		return Truth{}, errors.Join(err, s.Close())
	}
	s.latest = what == receiptTruth
	return Truth{Items: s.sorted(), What: what, Close: s.Close}, nil
}

// read gives the items of a manifest to add, and tells what it is.
func (n Names) read(r io.Reader, add func(Item) error) (what string, err error) {
	lines, what, err := readLines(r)
	if err != nil {
		return what, err
	}
	var first []Line
	var lie *lie
	flush := func() error {
		if lie, err = n.probe(first); err != nil {
			return err
		}
		for _, l := range first {
			if err := n.put(l, lie, add); err != nil {
				return err
			}
		}
		return nil
	}
	var torn error // what comes before it counts
	for l, err := range lines {
		switch {
		case err != nil:
			torn, err = err, nil
		case lie != nil:
			err = n.put(l, lie, add)
		default:
			if first = append(first, l); len(first) == probes {
				err = flush()
			}
		}
		if err != nil {
			return what, err
		}
	}
	if lie == nil {
		err = flush()
	}
	return what, errors.Join(torn, err)
}

// lie is how the names of a manifest lie to a target.
type lie struct {
	strip int          // so many leading folders are taken off
	gone  map[int]bool // groups of which the target has nothing, while it has something of another
	found bool         // the target has any
}

// probe looks for the first names in the target.
func (n Names) probe(first []Line) (*lie, error) {
	l := &lie{gone: map[int]bool{}}
	found := map[int]bool{}
	for _, line := range first {
		if found[line.group] {
			continue
		}
		l.gone[line.group] = true
		parts := n.split(line)
		for k := max(0, len(parts)-deepest); k < len(parts); k++ {
			ok, err := n.has(strings.Join(parts[k:], "/"))
			if err != nil {
				return nil, err
			}
			if ok {
				if len(found) == 0 {
					l.strip = k
				}
				found[line.group] = true
				break
			}
		}
	}
	l.found = len(found) > 0
	for group := range l.gone {
		if found[group] || len(found) == 0 {
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

// put adds a line under its path in the target.
func (n Names) put(l Line, how *lie, add func(Item) error) error {
	if how.gone[l.group] {
		return nil
	}
	i := Item{Size: l.Size, Claims: l.Claims, ETag: l.ETag, Parts: l.Parts}
	parts := n.split(l)
	base := parts[len(parts)-1]
	i.Rel = path.Join(n.below, strings.Join(parts[min(how.strip, len(parts)-1):], "/"))
	switch {
	case n.Only != "" && l.Name == "":
		i.Rel = n.Only
	case n.Stem != "" && (l.Name == "" || base == path.Base(n.Stem) && !how.found):
		i.Rel = n.Stem
	case n.Only != "":
		if i.Rel = base; base != n.Only {
			return nil
		}
	case l.Name == "":
		return fmt.Errorf("%w: a digest without a name is about one file, and the target is a folder; name the file", ErrManifest)
	case !filepath.IsLocal(filepath.FromSlash(i.Rel)):
		i.Why = errOutside
	}
	if n.Wants != nil && !n.Wants(i.Rel) {
		return nil
	}
	return add(i)
}

// clean gives a name without scheme and host, leading slashes and needless dots.
func clean(name string) string {
	if scheme, rest, ok := strings.Cut(name, "://"); ok && !strings.ContainsAny(scheme, "/.") {
		_, name, _ = strings.Cut(rest, "/")
	}
	return strings.TrimLeft(path.Clean(name), "/")
}

// Open reads an object from its beginning to its end.
func Open(ctx context.Context, c *haul.Client, ref store.Ref, a *store.Attrs) io.ReadCloser {
	r, w := io.Pipe()
	var t haul.Transfer
	if a != nil {
		t.Attrs = *a
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := c.DownloadStream(ctx, ref, w, t)
		w.CloseWithError(err)
	}()
	return &opened{r, cancel, done}
}

// opened is an object that is read; closing it ends that, and waits for it.
type opened struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

// Close ends reading.
func (o *opened) Close() error {
	o.cancel()
	err := o.PipeReader.Close()
	<-o.done
	return err
}
