package command

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
)

// RemoveRequest deletes objects.
type RemoveRequest struct {
	// Where is the object, or with Recursive a prefix as its Key.
	Where     store.Ref
	Recursive bool
	DryRun    bool
	// RefuseWildcards refuses a key with * or ? that does not exist; not with Recursive.
	RefuseWildcards bool
	// Only reports by the key whether an object is to be deleted; nil is all.
	Only  func(key string) bool
	Attrs store.Attrs
}

// RemoveReport receives what became of each object, from one goroutine.
type RemoveReport interface {
	Deleted(store.Ref)
	NotDeleted(store.Ref, error)
}

// removeSummary counts what became of the objects. Uncertain are those of requests that were in progress when the run was stopped:
// they are not reported one by one, since one error stopped them all.
type removeSummary struct{ deleted, failed, uncertain int }

func (s *removeSummary) add(to RemoveReport, ref store.Ref, err error) {
	switch unsure := new(haul.UncertainDeleteError); {
	case err == nil:
		s.deleted++
		to.Deleted(ref)
	case errors.As(err, &unsure):
		s.uncertain++
	default:
		s.failed++
		to.NotDeleted(ref, err)
	}
}

// ListingError reports how far a deletion came whose listing failed.
type ListingError struct {
	summary removeSummary
	Err     error
}

// Error names the cause, and counts what was deleted before.
func (e *ListingError) Error() string {
	return fmt.Sprintf("%v; the %d objects listed before that were deleted", e.Err, e.summary.deleted)
}

// Unwrap returns the error of the listing.
func (e *ListingError) Unwrap() error { return e.Err }

// PartialError reports that some objects were not deleted.
type PartialError struct {
	summary removeSummary
	first   error
}

// Error counts them.
func (e *PartialError) Error() string {
	if e.summary.failed == 1 && e.summary.deleted == 0 {
		return e.first.Error()
	}
	return fmt.Sprintf("%d of %d objects were not deleted; listed above", e.summary.failed, e.summary.failed+e.summary.deleted)
}

// firstReport keeps the first error.
type firstReport struct {
	to    RemoveReport
	first error
}

func (r *firstReport) Deleted(ref store.Ref) { r.to.Deleted(ref) }

func (r *firstReport) NotDeleted(ref store.Ref, err error) {
	if r.first == nil {
		r.first = err
	}
	r.to.NotDeleted(ref, err)
}

// Run deletes, and reports each object to report. The error is a *ListingError, a *PartialError, or the one that stopped it.
func (r RemoveRequest) Run(ctx context.Context, c *haul.Client, report RemoveReport) error {
	_, err := r.run(ctx, c, report)
	return err
}

func (r RemoveRequest) run(ctx context.Context, c *haul.Client, report RemoveReport) (s removeSummary, err error) {
	to := &firstReport{to: report}
	if r.Recursive {
		err = r.all(ctx, c, to, &s)
	} else if r.Only == nil || r.Only(r.Where.Key) {
		if err = r.refuseWildcards(ctx, c); err == nil && !r.DryRun {
			err = c.Store().Delete(ctx, r.Where, &r.Attrs)
		}
		if err != nil && ctx.Err() != nil {
			return s, err
		}
		s.add(to, r.Where, err)
		err = nil
	}
	if err == nil && s.failed > 0 {
		err = &PartialError{s, to.first}
	}
	return s, err
}

// refuseWildcards refuses a key that looks like a pattern and does not exist: a store would report it as deleted.
func (r RemoveRequest) refuseWildcards(ctx context.Context, c *haul.Client) error {
	if !r.RefuseWildcards || !strings.ContainsAny(r.Where.Key, "*?") {
		return nil
	}
	_, err := c.Store().Head(ctx, store.GetRequest{Ref: r.Where, Attrs: &r.Attrs})
	var e *store.Error
	if errors.Is(err, store.NotFound) && errors.As(err, &e) {
		e.Hint = "rm treats * and ? as ordinary characters; to use a pattern: haul rm --recursive --exclude '*' --include 'PATTERN' s3://BUCKET/FOLDER"
	}
	return err
}

// all deletes what a listing returns.
func (r RemoveRequest) all(ctx context.Context, c *haul.Client, to RemoveReport, s *removeSummary) error {
	var broke error // the listing; written by the goroutine that lists, and read after it
	keys := r.keys(ctx, c, &broke)
	if r.DryRun {
		for key, err := range keys {
			if err != nil {
				return err
			}
			s.add(to, store.Ref{Bucket: r.Where.Bucket, Key: key}, nil)
		}
		return nil
	}
	var end error
	for ref, err := range c.DeleteAll(ctx, r.Where.Bucket, keys, &r.Attrs) {
		if ref.Key == "" {
			end = err
			continue
		}
		s.add(to, ref, err)
	}
	if end != nil && end == broke && ctx.Err() == nil {
		return &ListingError{*s, end}
	}
	return end
}

// keys lists the keys to delete.
func (r RemoveRequest) keys(ctx context.Context, c *haul.Client, broke *error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o, err := range c.List(ctx, r.Where.Bucket, r.Where.Key, &r.Attrs) {
			if err != nil {
				*broke = err
				yield("", err)
				return
			}
			if (r.Only == nil || r.Only(o.Key)) && !yield(o.Key, nil) {
				return
			}
		}
	}
}

// Remove runs req.
func (s *Session) Remove(ctx context.Context, req RemoveRequest) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	began := time.Now()
	out := s.Screen().Deletions(req.DryRun)
	if !req.Recursive {
		_, err := req.run(ctx, c, single{out})
		if part := new(PartialError); errors.As(err, &part) {
			return part.first
		}
		return err
	}
	n, err := req.run(ctx, c, out)
	if n == (removeSummary{}) && err == nil {
		s.Screen().Note("there is nothing under " + req.Where.String())
		return nil
	}
	out.Total(n.deleted, n.failed, time.Since(began))
	if n.uncertain > 0 {
		s.Screen().Note(fmt.Sprintf("%d more deletions were in progress when it stopped; those objects may be gone", n.uncertain))
	}
	return err
}

// single receives the report on one object, whose error is that of the run.
type single struct{ to RemoveReport }

// Deleted prints the key.
func (s single) Deleted(ref store.Ref) { s.to.Deleted(ref) }

// NotDeleted prints nothing.
func (single) NotDeleted(store.Ref, error) {}
