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
	// Entry is the file or object with the right bytes, if there is one.
	Entry mirror.Entry
	// Size is in bytes; -1 if it is not known.
	Size int64
	// Claims are the checksums that a manifest or receipt lists; ETag and Parts come from a receipt.
	Claims []Claim
	ETag   string
	Parts  []store.Part
	// Why is the reason it cannot be verified.
	Why error
	// From is its name as written in the manifest List.
	From, List string
}

// Name returns Rel.
func (i Item) Name() string { return i.Rel }

// Expected is the set of files that should be in the target.
type Expected struct {
	// Items are in order of the bytes of Rel.
	Items iter.Seq2[Item, error]
	// What it is, in a word: tree, manifest, receipt.
	What string
	// Sidecars reports that the digests are in files beside the files that they describe.
	Sidecars bool
	// Beside reports whether an entry of the target belongs to the manifest or the digests, and so is not EXTRA.
	Beside func(mirror.Entry) bool
	// Self reports whether an entry of the target is the manifest itself, which cannot verify itself. It may be nil.
	Self func(mirror.Entry) bool
	// Close releases its resources; it may be nil.
	Close func() error

	// find is that of Names. own are encrypted files that have a digest of their own.
	find func(rel string) (mirror.Entry, bool, error)
	own  map[string]bool
}

// The words for What.
const (
	treeWord     = "tree"
	manifestWord = "manifest"
	receiptWord  = "receipt"
)

// Exact reports that the target should have no other files: t is a whole tree, not a list of required files.
func (t Expected) Exact() bool { return t.What == treeWord }

// IsReceipt reports that it is a receipt, which covers only the files that it names.
func (t Expected) IsReceipt() bool { return t.What == receiptWord }

func (t Expected) extra() string {
	if t.Exact() {
		return "it is in the target only"
	}
	if t.Sidecars {
		return "it has no digest"
	}
	return "the " + t.What + " does not name it"
}

// Tree expects the files of a folder, or the objects under a prefix.
func Tree(entries iter.Seq2[mirror.Entry, error]) Expected {
	return Expected{What: treeWord, Items: func(yield func(Item, error) bool) {
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

// Manifest expects the files that a manifest or receipt lists. It reads and sorts the whole list, in temporary files if it is
// long.
//
// Its names may start above the target, if it was written in another folder, on another machine or by an archive: leading
// folders are removed until the target has the first name, or one of the first few; names of another depth are tried
// individually. A name that then leads outside the target, through .. or otherwise, is never read. If two names have the same
// path, that file is UNPROVABLE.
func Manifest(r io.Reader, n Names) (Expected, error) {
	s := &sortFile{}
	if err := n.stem(n.Stem); err != nil {
		return Expected{}, err
	}
	what, err := n.readItems(r, s.add)
	if err != nil {
		return Expected{}, errors.Join(err, s.Close())
	}
	s.latest = what == receiptWord
	return Expected{Items: s.sorted(), What: what, Close: s.Close, find: n.Find}, nil
}

// Open returns a reader of the whole object.
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

// opened is an object that is being read; Close stops that, and waits for it.
type opened struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

// Close stops reading.
func (o *opened) Close() error {
	o.cancel()
	err := o.PipeReader.Close()
	<-o.done
	return err
}
