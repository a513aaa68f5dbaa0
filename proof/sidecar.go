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
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/digestlist"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// IsSidecar reports whether name looks like that of a file with digests of other files, such as x.bam.md5 or md5sum.txt.
func IsSidecar(name string) bool { return seqfile.IsDigestList(name) }

// Beside returns the path of the file that a digest file belongs to: x.bam for x.bam.md5; empty for lists of many files.
func Beside(name string) string { return seqfile.DigestOf(name) }

// bareEnds are extensions of files whose digest may be in S1.md5 instead of S1.bam.md5.
var bareEnds = []string{".bam", ".cram", ".fastq.gz", ".fq.gz", ".fastq", ".fq", ".vcf.gz", ".vcf", ".bcf", ".gvcf.gz", ".fa.gz", ".fasta.gz", ".fa", ".fasta",
	".tar.gz", ".tar", ".tgz", ".zip", ".pod5", ".fast5", ".sra", ".ora", ".gz", ".c4gh", ".gpg"}

// stem finds the file that a digest is beside: it may be in the folder above one for digests, or be S1.bam if the digest is in S1.md5.
func (n *Names) stem(stem string) error {
	n.Stem = stem
	folder := path.Base(path.Dir(stem))
	if stem == "" || n.Only != "" || n.Exists == nil || seqfile.KindOf(stem) != seqfile.Other && !digestFolder().MatchString(folder) {
		return nil
	}
	places := []string{stem}
	if digestFolder().MatchString(folder) {
		places = append(places, path.Join(path.Dir(path.Dir(stem)), path.Base(stem)))
	}
	for _, at := range places {
		if ok, err := n.Exists(at); ok || err != nil {
			n.Stem = at
			return err
		}
	}
	if seqfile.KindOf(stem) != seqfile.Other {
		return nil
	}
	var all []string
	for _, at := range places {
		for _, end := range bareEnds {
			ok, err := n.Exists(at + end)
			if err != nil {
				return err
			}
			if ok {
				all = append(all, at+end)
			}
		}
	}
	if len(all) > 0 {
		n.Stem = all[0]
	}
	if len(all) > 1 {
		n.guess = fmt.Errorf("the digest of %s may be of %s: call it after its file", path.Base(stem), strings.Join(all, " or of "))
	}
	return nil
}

// sidecarsAtOnce is how many are read at once.
const sidecarsAtOnce = 32

// Sidecars expects the files that the digest files in a tree list: digest files beside each file (x.bam.md5, x.bam.md5sum),
// and lists such as md5sum.txt, whose names are relative to their folder. If there are none, the error is of kind
// store.NotFound.
func Sidecars(ctx context.Context, c *haul.Client, tree iter.Seq2[mirror.Entry, error], n Names, a *store.Attrs) (Expected, error) {
	s := &sortFile{}
	var mu sync.Mutex
	found := 0
	own := map[string]bool{}
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
		if stem, ok := digestlist.Unsealed(Beside(e.Rel)); ok {
			own[stem] = true
		}
		g.Go(func() error { return n.sidecar(gctx, c, e, a, add) })
	}
	err := errors.Join(g.Wait(), listed)
	if err == nil && found == 0 {
		err = errNoSidecars{}
	}
	if err != nil {
		return Expected{}, errors.Join(err, s.Close())
	}
	beside := func(e mirror.Entry) bool { return IsSidecar(e.Rel) }
	return Expected{Items: s.sorted(), What: manifestWord, Sidecars: true, Beside: beside, Close: s.Close, find: n.Find, own: own}, nil
}

// errNoSidecars is of kind store.NotFound.
type errNoSidecars struct{}

// Error has what to do.
func (errNoSidecars) Error() string {
	return "no digest file was found, such as x.bam.md5 or md5sum.txt; give a list of digests, or a second path to compare it with"
}

// Unwrap returns the kind.
func (errNoSidecars) Unwrap() error { return store.NotFound }

// sidecar reads one. What turns out not to be a list is ignored. One that cannot be read to its end leaves the file open that it is
// beside, or itself: a lost line must not look as if there were none.
func (n Names) sidecar(ctx context.Context, c *haul.Client, e mirror.Entry, a *store.Attrs, add func(Item) error) error {
	n.below, n.List = path.Dir(e.Rel), e.Rel
	if n.below == "." {
		n.below = ""
	}
	what := ""
	err := n.stem(Beside(e.Rel))
	if err == nil {
		what, err = n.inside(ctx, c, e, a, add)
	}
	switch {
	case err == nil, ctx.Err() != nil, mirror.Hopeless(err):
		return err
	case what == "" && (n.Stem == "" || path.Ext(e.Rel) == ".txt") && errors.Is(err, ErrManifest) && !mentionsDigests(err):
		return nil
	}
	return add(Item{Rel: cmp.Or(n.Stem, e.Rel), Size: -1, Why: fmt.Errorf("%s: %w", path.Base(e.Rel), err)})
}

// inside passes the items of a file with digests to add, and returns what it is; empty if it is not a list.
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
	return n.readItems(r, add)
}
