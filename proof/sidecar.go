package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"regexp"
	"sync"

	"golang.org/x/sync/errgroup"

	"haul"
	"haul/mirror"
	"haul/store"
)

var (
	// sidecarName is that of a file with the digest of the one that it is beside, as x.bam.md5sum is of x.bam.
	sidecarName = regexp.MustCompile(`(?is)^(.*[^/])\.(md5|md5sum|md5sums|sha1|sha1sum|sha1sums|sha256|sha256sum|sha256sums)$`)
	// folderName is that of a list of the digests of many files.
	folderName = regexp.MustCompile(`(?i)^((md5|sha1|sha256)(sums?)?([._-].*)?|.*[._-](md5|sha1|sha256)(sums?)?\.txt|checksums?\.txt|manifest\.(md5|sha256))$`)
)

// IsSidecar tells whether a name is one that a file with digests of others has, such as x.bam.md5 or md5sum.txt.
func IsSidecar(name string) bool {
	base := path.Base(name)
	return sidecarName.MatchString(base) || folderName.MatchString(base)
}

// Beside gives the path of the file that one with a digest is beside: x.bam for x.bam.md5; empty for lists of many.
func Beside(name string) string {
	m := sidecarName.FindStringSubmatch(name)
	if m == nil || folderName.MatchString(path.Base(name)) {
		return ""
	}
	return m[1]
}

// sidecarsAtOnce are read side by side.
const sidecarsAtOnce = 32

// Sidecars is the truth that lies in a tree itself: in files with a digest beside each file (x.bam.md5, x.bam.md5sum), and in
// lists such as md5sum.txt, whose names are below their folder. Without any, it is an error of kind store.NotFound.
func Sidecars(ctx context.Context, c *haul.Client, tree iter.Seq2[mirror.Entry, error], n Names, a *store.Attrs) (Truth, error) {
	s := &sorter{}
	var mu sync.Mutex
	found := 0
	add := func(i Item) error {
		mu.Lock()
		defer mu.Unlock()
		return s.add(i)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(sidecarsAtOnce)
	var listed error
	for e, err := range tree {
		if listed = err; err != nil || gctx.Err() != nil {
			break
		}
		if !IsSidecar(e.Rel) {
			continue
		}
		found++
		g.Go(func() error { return n.sidecar(gctx, c, e, a, add) })
	}
	err := errors.Join(g.Wait(), listed)
	if err == nil && found == 0 {
		err = errNoSidecars{}
	}
	if err != nil {
		return Truth{}, errors.Join(err, s.Close())
	}
	beside := func(e mirror.Entry) bool { return IsSidecar(e.Rel) }
	return Truth{Items: s.sorted(), What: manifestTruth, Sidecars: true, Beside: beside, Close: s.Close}, nil
}

// errNoSidecars is of kind store.NotFound.
type errNoSidecars struct{}

// Error says what to do.
func (errNoSidecars) Error() string {
	return "there is no file with digests in it, such as x.bam.md5 or md5sum.txt; name a list of digests, or what to compare it with"
}

// Unwrap gives the kind.
func (errNoSidecars) Unwrap() error { return store.NotFound }

// sidecar reads one. A list that turns out to be none says nothing. One that cannot be read to its end leaves open the file that it
// is beside, or itself: what it does not tell must not look as if nobody had anything to tell.
func (n Names) sidecar(ctx context.Context, c *haul.Client, e mirror.Entry, a *store.Attrs, add func(Item) error) error {
	n.below, n.Stem = path.Dir(e.Rel), Beside(e.Rel)
	if n.below == "." {
		n.below = ""
	}
	what, err := n.inside(ctx, c, e, a, add)
	switch {
	case err == nil, ctx.Err() != nil, mirror.Hopeless(err):
		return err
	case what == "" && n.Stem == "" && errors.Is(err, ErrManifest):
		return nil
	}
	return add(Item{Rel: cmp.Or(n.Stem, e.Rel), Size: -1, Why: fmt.Errorf("%s: %w", path.Base(e.Rel), err)})
}

// inside gives the items of a file with digests to add, and tells what it is; empty where it is none.
func (n Names) inside(ctx context.Context, c *haul.Client, e mirror.Entry, a *store.Attrs, add func(Item) error) (what string, err error) {
	if e.Why != nil {
		return "", e.Why
	}
	var r io.ReadCloser
	if e.Path == "" {
		r = Open(ctx, c, e.Object.Ref, a)
	} else {
		f, err := os.Open(e.Path)
		if err != nil {
			return "", err
		}
		r = f
	}
	defer r.Close() // only read from
	return n.read(r, add)
}
