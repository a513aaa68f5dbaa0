package proof

import (
	"context"
	"errors"
	"io"
	"iter"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
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
	// Why reports that nothing can be known of it.
	Why error
	// From is its name as the manifest List has it.
	From, List string
}

// Name is Rel.
func (i Item) Name() string { return i.Rel }

// Expected says what should be there.
type Expected struct {
	// Items are in order of the bytes of Rel.
	Items iter.Seq2[Item, error]
	// What it is, in a word: tree, manifest, receipt.
	What string
	// Sidecars reports that its digests lie beside the files that they are about.
	Sidecars bool
	// Beside tells what in a target is there because of the truth, such as the manifest itself, and so is not EXTRA.
	Beside func(mirror.Entry) bool
	// Self tells what in a target is the manifest itself, of which nothing is known by its own word. It may be nil.
	Self func(mirror.Entry) bool
	// Close frees what it holds; it may be nil.
	Close func() error

	// find is that of Names. own are encrypted files that have a digest of their own.
	find func(rel string) (mirror.Entry, bool, error)
	own  map[string]bool
}

// The words for What.
const (
	treeTruth     = "tree"
	manifestTruth = "manifest"
	receiptTruth  = "receipt"
)

// Exact reports that what is not in the truth has no place in the target: it is a whole tree, and not a list of what must be there.
func (t Expected) Exact() bool { return t.What == treeTruth }

// IsReceipt reports that it is a receipt: what it does not name is not covered by it.
func (t Expected) IsReceipt() bool { return t.What == receiptTruth }

func (t Expected) extra() string {
	if t.Exact() {
		return "it is in the target only"
	}
	if t.Sidecars {
		return "it has no digest"
	}
	return "the " + t.What + " does not name it"
}

// Tree is the truth that is a folder, or what is stored below a prefix.
func Tree(entries iter.Seq2[mirror.Entry, error]) Expected {
	return Expected{What: treeTruth, Items: func(yield func(Item, error) bool) {
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

// Manifest is the truth that a manifest or receipt tells. It is read whole, and sorted, in temporary files where it is long.
//
// Its names may begin above the target, as those do that were written in another folder, on another machine or by an archive:
// leading folders are taken off until the target has the first name, or one of the first; and where names of another depth lie
// otherwise, as many as these need. What then lies outside of the target, by .. or otherwise, is never looked at. Two names that
// come to one path leave it open.
func Manifest(r io.Reader, n Names) (Expected, error) {
	s := &sortFile{}
	if err := n.stem(n.Stem); err != nil {
		return Expected{}, err
	}
	what, err := n.read(r, s.add)
	if err != nil {
		return Expected{}, errors.Join(err, s.Close())
	}
	s.latest = what == receiptTruth
	return Expected{Items: s.sorted(), What: what, Close: s.Close, find: n.Find}, nil
}

// Open reads an object from its beginning to its end.
func Open(ctx context.Context, c *haul.Client, ref store.Ref, a *store.Attrs) io.ReadCloser {
	r, w := io.Pipe()
	var o haul.DownloadOptions
	if a != nil {
		o.Attrs = *a
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := c.DownloadStream(ctx, ref, w, o)
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
