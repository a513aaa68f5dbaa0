package mirror

import (
	"context"
	"fmt"
	"os"

	"haul.example/haul"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// Standing is a pair of source and target that a run leaves as it is.
type Standing struct {
	// Source and Target are as in Events.
	Source, Target string
	From, To       Entry
}

// verifyFunc verifies what a job leaves as it is.
type verifyFunc func(ctx context.Context) (haul.Result, error)

// verifyUnchanged returns what verifies an unchanged pair, by recorded checksums; nil if that was not asked for. Only if equal is
// true is a difference an error.
func (w *jobBuilder) verifyUnchanged(j job, to Entry, equal bool) verifyFunc {
	if w.o.Verify == nil || w.o.DryRun || j.entry.Why != nil || j.skip != nil {
		return nil
	}
	pair := Standing{Source: j.source, Target: j.target, From: j.entry, To: to}
	return func(ctx context.Context) (haul.Result, error) {
		if !w.o.Verify(pair) {
			return haul.Result{}, nil
		}
		return w.verify(ctx, pair, equal)
	}
}

// compareContent compares the checksums of an entry with those of its target, which is the file of that name in a download.
func (w *jobBuilder) compareContent(ctx context.Context, from Entry, target string) (haul.Comparison, error) {
	one := One{Client: w.c, From: End{Path: from.Path, Ref: from.Object.Ref, Client: w.from.Client}, To: Remote(w.targetRef(from))}
	if w.kind == Download {
		one.To = Local(target)
	}
	same, err := one.Compare(ctx, &w.o.Transfer.Attrs)
	if w.kind == Upload {
		err = unreadable(from.Path, err)
	}
	return same, err
}

// verify compares a pair. The file is read, and nothing is moved.
func (w *jobBuilder) verify(ctx context.Context, pair Standing, equal bool) (haul.Result, error) {
	same, err := w.compareContent(ctx, pair.From, pair.Target)
	r := haul.Result{Object: same.Target}
	path := ""
	switch w.kind {
	case Upload:
		path = pair.From.Path
	case Download:
		path = pair.Target
	default:
		r.Modified = pair.From.Modified
	}
	switch {
	case err != nil:
		return haul.Result{}, err
	case same.Verdict == haul.Different && equal:
		return haul.Result{}, fmt.Errorf("%w: it seems unchanged, but its content differs: %s; to transfer it: haul sync --checksum", haul.ErrMismatch, same.Text)
	}
	r.Size = r.Object.Size
	r.Proof = haul.Proof{Verified: same.Verdict == haul.Equal, Text: "it was there already: " + same.Text}
	if same.Verdict == haul.Equal {
		r.Proof.Sum = r.Object.FullSum()
	}
	if size := evidence.PartSize(r.Object); size > 0 && size < r.Size {
		r.PartSize = size
	}
	if path == "" {
		return r, nil
	}
	return r, w.digest(ctx, path, &r)
}

// digest computes the digests that were asked for, and reads the time of the file.
func (w *jobBuilder) digest(ctx context.Context, path string, r *haul.Result) error {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return err
	}
	defer src.Close() // only read from
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	r.Modified = fi.ModTime()
	for _, a := range w.o.Transfer.Digests {
		sums, err := w.summer.Parts(ctx, a, src, []int64{src.Size()})
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		r.Digests = append(r.Digests, sums[0])
	}
	if changed := src.Changed(); changed != nil {
		return fmt.Errorf("%w: %w", haul.ErrSourceChanged, changed)
	}
	return nil
}

// standingEntry is the target of a run that does not list its target.
func (w *jobBuilder) standingEntry(j job) Entry {
	if w.kind == Download {
		return Entry{Path: j.target}
	}
	return Entry{Object: store.Object{Ref: w.targetRef(j.entry)}}
}
