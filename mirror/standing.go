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

// Standing is a source and a target that a run leaves as they are.
type Standing struct {
	// Source and Target are as in Events.
	Source, Target string
	From, To       Entry
}

// standing is what a job does about what it leaves as it is, where that is asked for: nil is nothing.
type standing func(ctx context.Context) (haul.Result, error)

// stands gives what verifies an unchanged pair, by what is recorded of it. A target that need not be equal may differ.
func (w *jobBuilder) stands(j job, to Entry, equal bool) standing {
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

// verify finds out whether a pair is equal. The file is read, and nothing is moved.
func (w *jobBuilder) verify(ctx context.Context, pair Standing, equal bool) (haul.Result, error) {
	var same haul.Comparison
	var err error
	var r haul.Result
	attrs := &w.o.Transfer.Attrs
	path := ""
	switch w.kind {
	case Upload:
		path = pair.From.Path
		same, err = w.c.SameFile(ctx, path, w.targetRef(pair.From), attrs)
		r.Object, err = same.Target, unreadable(path, err)
	case Download:
		path = pair.Target
		same, err = w.c.SameFile(ctx, path, pair.From.Object.Ref, attrs)
		r.Object = same.Target
	default:
		same, err = w.c.SameObject(ctx, pair.From.Object.Ref, w.targetRef(pair.From), attrs)
		r.Object, r.Modified = same.Target, pair.From.Modified
	}
	switch {
	case err != nil:
		return haul.Result{}, err
	case same.Verdict == haul.Different && equal:
		return haul.Result{}, fmt.Errorf("%w: it is taken for unchanged, but its content differs: %s; to move it: haul sync --checksum", haul.ErrMismatch, same.Text)
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

// digest computes the digests that are asked for, and takes the time of the file.
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
