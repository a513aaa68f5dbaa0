package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul/store"
)

const deleteVerb = "delete"

// deletions are what targets without a source are deleted by: a sync, or the plan of one.
type deletions struct {
	wanted int
	empty  *EmptySourceError // why the source counts as not mounted, or nil
	unread bool              // a folder of the source or the target could not be read
	most   *int              // that of SyncOptions.MaxDelete
}

// mayDelete reports whether what has no source may be deleted. If not, the deletions are withheld, which is recorded, or the error
// says why there are none.
func (r *run) mayDelete(d deletions) (bool, error) {
	why := r.failedText()
	if d.unread {
		why = "a folder could not be read"
	}
	switch {
	case d.wanted == 0:
		return false, nil
	case d.empty != nil:
		return false, d.empty
	case why != "":
		r.withheld, r.withheldWhy = d.wanted, why
		return false, nil
	case d.most != nil && d.wanted > *d.most:
		return false, &DeletesError{Wanted: d.wanted, Max: *d.most}
	}
	return true, nil
}

// deleteAll deletes everything in toDelete.
func (s *syncing) deleteAll(ctx context.Context) error {
	if s.kind != Download {
		return s.deleteObjects(ctx, s.to.Ref.Bucket, whyExtra, func(yield func(Entry, error) bool) {
			for k, err := range s.toDelete.All() {
				e := k.entry()
				e.Object = store.Object{Ref: store.Ref{Bucket: s.to.Ref.Bucket, Key: s.to.Ref.Key + e.Rel}, Size: e.Size, ETag: e.Object.ETag, Modified: e.Modified}
				if !yield(e, err) {
					return
				}
			}
		})
	}
	for k, err := range s.toDelete.All() {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e := k.entry()
		e.Path = filepath.Join(s.places.root, filepath.FromSlash(e.Rel))
		ev := Event{Kind: Deleted, Verb: deleteVerb, Why: whyExtra, Source: e.Path, Entry: e}
		switch {
		case s.o.DryRun:
			ev.Kind = Planned
		default:
			if ev.Err = s.deleteFile(e); ev.Err != nil {
				ev.Kind = Failed
			}
		}
		s.emit(ev)
	}
	return nil
}

const whyExtra = "not in the source"

// deleteFile deletes a file that is still the one that the walk saw.
func (s *syncing) deleteFile(e Entry) error {
	if i := strings.LastIndexByte(e.Rel, '/'); i >= 0 {
		s.places.folder = ""
		if err := s.places.check(e.Rel[:i]); err != nil {
			return err
		}
	}
	fi, err := os.Stat(e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !fi.Mode().IsRegular() || fi.Size() != e.Size || !fi.ModTime().Equal(e.Modified):
		return fmt.Errorf("%s has changed since it was listed, and is kept", e.Path)
	}
	return s.places.dir.Remove(e.Path)
}

// deleteObjects deletes objects of one bucket. An error of the sequence ends it.
func (r *run) deleteObjects(ctx context.Context, bucket, why string, entries iter.Seq2[Entry, error]) error {
	if r.o.DryRun {
		for e, err := range entries {
			if err != nil {
				return err
			}
			r.emit(Event{Kind: Planned, Verb: deleteVerb, Why: why, Source: e.Object.Ref.String(), Entry: e})
		}
		return nil
	}
	keys := func(yield func(string, error) bool) {
		for e, err := range entries {
			if !yield(e.Object.Key, err) {
				return
			}
		}
	}
	for ref, err := range r.c.DeleteAll(ctx, bucket, keys, &r.o.Transfer.Attrs) {
		switch {
		case err != nil && ref.Key == "":
			return err
		case err != nil:
			r.emit(Event{Kind: Failed, Verb: deleteVerb, Why: why, Source: ref.String(), Err: err})
		default:
			r.emit(Event{Kind: Deleted, Verb: deleteVerb, Why: why, Source: ref.String(), Entry: Entry{Object: store.Object{Ref: ref}}})
		}
	}
	return nil
}

// kept is an entry in a spool, without what a run asks of entries that it has just found.
type kept struct {
	Entry      Entry
	To, Behind string
}

func keep(e Entry) kept {
	e.Why = nil
	return kept{e, e.to, e.behind}
}

func (k kept) entry() Entry {
	e := k.Entry
	e.to, e.behind = k.To, k.Behind
	return e
}
