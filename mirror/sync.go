package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/spool"
	"haul.example/haul/store"
)

// SyncOptions are the options of Sync. The zero value is a good default.
type SyncOptions struct {
	Options
	Rules Rules
	// Delete deletes files and objects from the target that Select chooses and the source does not have. Deletion starts once
	// both listings are complete and all transfers are done. Nothing is deleted if a listing or a transfer failed, or if a
	// folder could not be read: the error is then an *IncompleteError with the number of withheld deletions. Nothing is
	// deleted either if the source is empty, as an unmounted share would be: the error is then an *EmptySourceError.
	Delete bool
	// AllowEmptySource allows Delete to empty the target if the source is empty. An *EmptySourceError is then a warning.
	AllowEmptySource bool
	// Keep reports that a file or object of the target stays, although the source does not have it; nil keeps none.
	Keep func(Entry) bool
	// MaxDelete limits the number of deletions: if more files or objects would be deleted, nothing is deleted, and the error
	// is a *DeletesError. A pointer to 0 allows no deletion; nil is no limit; a negative number is refused.
	MaxDelete *int
}

// Sync transfers files and objects that are missing in to, or that differ according to the Rules, and leaves the rest. It
// deletes nothing unless SyncOptions.Delete is set. It ignores objects that stand for folders. An empty prefix is an error as
// a source, but not as a target; a missing target folder is created. Select.Pairs, Select.Pattern and Options.Move are
// refused.
//
// Errors are those of Up. If the error is neither nil nor an *IncompleteError, nothing was deleted, unless a deletion failed.
func Sync(ctx context.Context, c *haul.Client, from, to End, o SyncOptions) (Summary, error) {
	if o.Move || o.Select.Pairs != nil || o.Select.Pattern != "" {
		return Summary{}, fmt.Errorf("%w: Sync takes whole trees, and moves none away", store.Invalid)
	}
	if o.MaxDelete != nil && *o.MaxDelete < 0 {
		return Summary{}, fmt.Errorf("%w: MaxDelete must be at least 0 (got %d)", store.Invalid, *o.MaxDelete)
	}
	r := newRun(c, o.Options)
	w, err := r.newJobBuilder(from, to)
	if err != nil {
		return Summary{}, err
	}
	s := &syncing{jobBuilder: w, o: o, toDelete: &spool.Spool[kept]{}}
	defer s.toDelete.Close() // nothing is read again
	defer w.close()
	w.warnBeneath()
	s.yieldAction = s.yieldJob
	r.afterJobs = s.afterTransfers
	return r.all(ctx, s.find)
}

// syncing is one Sync.
type syncing struct {
	*jobBuilder
	o              SyncOptions
	unread         bool               // a folder of the source or the target could not be read
	sourceHasFiles bool               // it has something to transfer
	toDelete       *spool.Spool[kept] // targets without a source
	// brokenLinks are those that the last path starts with, each of them the start of the next: what was behind them stays.
	brokenLinks []string
	// blocked are transfers to names that something has which is to be deleted.
	blocked []Entry
	// unblocked: the deletions are done.
	unblocked bool
}

// find yields what is to be transferred, and keeps what is to be deleted for later.
func (s *syncing) find(ctx context.Context, yield func(job) bool) error {
	source := readAhead(ctx, func(ctx context.Context) iter.Seq2[Entry, error] {
		return withoutFolderObjects(s.selected(ctx, s.from))
	})
	target := readAhead(ctx, func(ctx context.Context) iter.Seq2[Entry, error] { return withoutFolderObjects(s.target(ctx)) })
	for a, err := range Compare(s.kind, source, target, s.o.Rules) {
		if err != nil {
			return err
		}
		s.unread = s.unread || a.Source.Partial || a.Target.Partial
		s.sourceHasFiles = s.sourceHasFiles || a.Source.Address() != "" && a.Source.Why == nil
		s.noteBrokenLink(a.Source)
		if a.Do == Delete {
			if s.o.Delete && !s.mustStay(a.Target) && (s.o.Keep == nil || !s.o.Keep(a.Target)) {
				if err := s.toDelete.Add(keep(a.Target)); err != nil {
					return fmt.Errorf("note what is to be deleted: %w", err)
				}
			}
			continue
		}
		put, err := s.deferLast(a)
		if err != nil {
			return err
		}
		if !put && !s.yieldJob(a, yield) {
			return nil
		}
	}
	return nil
}

// noteBrokenLink keeps a link to nothing.
func (s *syncing) noteBrokenLink(e Entry) {
	if errors.Is(e.Why, ErrNowhere) {
		s.brokenLinks = append(s.brokenLinksOf(e.Rel), e.Rel+"/")
	}
}

// brokenLinksOf returns the broken links that a path starts with. Paths come in order.
func (s *syncing) brokenLinksOf(rel string) []string {
	for len(s.brokenLinks) > 0 && !strings.HasPrefix(rel, strings.TrimSuffix(s.brokenLinks[len(s.brokenLinks)-1], "/")) {
		s.brokenLinks = s.brokenLinks[:len(s.brokenLinks)-1]
	}
	return s.brokenLinks
}

// mustStay reports whether a target stays although it has no source: it is itself a part of the source, or is below the name of a
// link that leads to nothing now, such as a share that is not mounted.
func (s *syncing) mustStay(to Entry) bool {
	from, target := s.from.Ref, s.to.Ref
	if s.kind == Copying && s.from.Client == nil && from.Bucket == target.Bucket && len(from.Key) > len(target.Key) && strings.HasPrefix(target.Key+to.Rel, from.Key) {
		return true
	}
	return slices.ContainsFunc(s.brokenLinksOf(to.Rel), func(link string) bool { return strings.HasPrefix(to.Rel, link) })
}

// withoutFolderObjects leaves out objects that stand for folders.
func withoutFolderObjects(tree iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range tree {
			if err == nil && e.isFolderObject() {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// target yields what is in the target.
func (s *syncing) target(ctx context.Context) iter.Seq2[Entry, error] {
	sel := Select{Filter: s.o.Select.Filter, EmptyOK: true}
	if s.to.Path == "" {
		return filtered(s.to, sel, s.listed(ctx, s.to, sel))
	}
	if _, err := os.Stat(s.to.Path); errors.Is(err, fs.ErrNotExist) && s.o.DryRun {
		return func(func(Entry, error) bool) {}
	}
	return filtered(s.to, sel, walked(s.to.Path, walkOptions{info: true, target: true}))
}

// yieldJob yields the job for an action, if there is one; it reports whether to continue.
func (s *syncing) yieldJob(a Action, yield func(job) bool) bool {
	e := a.Source
	if e.Address() == "" && e.Why == nil { // a target that is left out
		return true
	}
	if a.Do == Move && s.madeNewer(a) {
		a.Do, a.Why = Skip, whyMadeNewer
	}
	if a.Do == Skip && e.Why == nil {
		if s.places != nil {
			s.places.noteExisting(e.Rel)
		}
		left := job{verb: s.verb, why: a.Why, source: e.Address(), target: s.targetName(e), entry: e}
		if left.verify = s.verifyUnchanged(left, a.Target, !s.o.Rules.NoOverwrite); left.verify != nil {
			left.decide = func(context.Context) (bool, string, error) { return false, a.Why, nil }
			return yield(left)
		}
		s.emit(Event{Kind: Found, Verb: s.verb, Source: e.Address(), Entry: e})
		s.emit(Event{Kind: Unchanged, Verb: s.verb, Why: a.Why, Source: e.Address(), Target: s.targetName(e), Entry: e})
		return true
	}
	j, ok := s.job(e)
	if !ok {
		return true
	}
	if s.o.Delete && !s.unblocked && s.isBlocked(j) {
		s.blocked = append(s.blocked, e)
		return true
	}
	j.why = a.Why
	if a.Do == Check && j.err == nil && j.skip == nil {
		j.decide = s.compareCloser(a, j.target)
		j.verify = s.verifyUnchanged(j, a.Target, true)
	}
	return yield(j)
}

// targetName is the target in events.
func (s *syncing) targetName(e Entry) string {
	if s.to.Path != "" {
		return filepath.Join(s.places.root, filepath.FromSlash(e.Rel))
	}
	return s.targetRef(e).String()
}

// isBlocked reports whether the target of a download is something that may be deleted later.
func (s *syncing) isBlocked(j job) bool {
	if s.kind != Download {
		return false
	}
	if errors.Is(j.err, errFileThere) {
		return true
	}
	if j.err != nil || j.skip != nil {
		return false
	}
	fi, err := os.Lstat(j.target)
	return err == nil && fi.IsDir()
}

// compareCloser compares a pair of equal sizes: by content, or by the times in the metadata of objects.
func (s *syncing) compareCloser(a Action, target string) func(context.Context) (bool, string, error) {
	return func(ctx context.Context) (bool, string, error) {
		if s.o.Rules.Checksum {
			return s.content(ctx, a, target)
		}
		from, to := a.Source.Modified, a.Target.Modified
		kept := true
		for _, side := range []struct {
			e   Entry
			at  *time.Time
			end End
		}{{a.Source, &from, s.from}, {a.Target, &to, s.to}} {
			if side.e.Path != "" {
				continue
			}
			obj, err := side.end.in(s.c).Store().Head(ctx, store.GetRequest{Ref: side.e.Object.Ref, Attrs: &s.o.Transfer.Attrs})
			if err != nil {
				return false, "", err
			}
			t, ok := haul.FileTime(obj)
			if !ok {
				kept = false
				continue
			}
			*side.at = t
		}
		if kept {
			if sameTime(from, to) {
				return false, "size and kept time are equal", nil
			}
			if s.madeNewer(Action{Source: Entry{Size: a.Source.Size, Modified: from}, Target: a.Target}) {
				return false, whyMadeNewer, nil
			}
			return true, "the time saved in the object's metadata differs", nil
		}
		do, why := s.o.Rules.times(s.kind, a.Source.Modified, a.Target.Modified)
		return do == Move, why + " (no time is kept with the object)", nil
	}
}

// sameTime compares to the second if one of the times has no more, as those of s3cmd and some file systems.
func sameTime(a, b time.Time) bool {
	if a.Nanosecond() == 0 || b.Nanosecond() == 0 {
		return a.Unix() == b.Unix()
	}
	return a.Equal(b)
}

// content compares the bytes, as far as both ends have checksums of them. If they cannot be compared, the file is transferred.
func (s *syncing) content(ctx context.Context, a Action, target string) (bool, string, error) {
	same, err := s.compareContent(ctx, a.Source, target)
	if err != nil {
		return false, "", err
	}
	switch same.Verdict {
	case haul.Equal:
		return false, "content is equal: " + same.Text, nil
	case haul.Different:
		return true, "content differs: " + same.Text, nil
	}
	return true, "the content cannot be compared: " + same.Text, nil
}

// afterTransfers does what comes last: manifests and markers, then deletions. If transfers are blocked by what is to be deleted,
// the deletions come first, then these transfers, then manifests and markers.
func (s *syncing) afterTransfers(ctx context.Context, end context.CancelCauseFunc) error {
	steps := []func(context.Context, context.CancelCauseFunc) error{s.sendDeferred, s.deleteExtra}
	if len(s.blocked) > 0 {
		steps = []func(context.Context, context.CancelCauseFunc) error{s.deleteExtra, s.moveBlocked, s.sendDeferred}
	}
	for _, step := range steps {
		if err := step(ctx, end); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// deleteExtra deletes what has no source, if that is allowed.
func (s *syncing) deleteExtra(ctx context.Context, _ context.CancelCauseFunc) error {
	d := deletions{wanted: s.toDelete.Len(), unread: s.unread, most: s.o.MaxDelete}
	empty := &EmptySourceError{Source: s.from, Target: s.to, Filtered: !s.o.Select.all(), Allowed: s.o.AllowEmptySource, Wanted: d.wanted}
	if !s.sourceHasFiles && !empty.Allowed {
		d.empty = empty
	}
	ok, err := s.mayDelete(d)
	if !ok {
		return err
	}
	if !s.sourceHasFiles {
		s.emit(Event{Kind: Warned, Verb: deleteVerb, Source: s.from.String(), Target: s.to.String(), Err: empty})
	}
	return s.deleteAll(ctx)
}

// moveBlocked transfers what deletions have made room for.
func (s *syncing) moveBlocked(ctx context.Context, end context.CancelCauseFunc) error {
	s.unblocked = true
	s.places.close()
	p, err := placesFor(s.to.Path, s.o.Options)
	if err != nil {
		s.places = nil
		return err
	}
	s.places, s.root = p, p.dir.Root
	return s.each(ctx, end, func(ctx context.Context, yield func(job) bool) error {
		for _, e := range s.blocked {
			j, ok := s.job(e)
			if !ok {
				continue
			}
			j.why = "missing"
			if s.o.DryRun { // the file in the way would be gone
				j.err = nil
			} else if j.err == nil {
				removeEmptyFolders(s.places.dir, j.target)
			}
			if !yield(j) {
				return nil
			}
		}
		return nil
	})
}
