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

// SyncOptions are the choices for Sync. The zero value is the good default.
type SyncOptions struct {
	Options
	Rules Rules
	// Delete deletes from the target what is not in the source, and what Select means. It begins when both listings came to a good
	// end and all transfers are done. Nothing is deleted where one of them failed, or a part of a folder could not be read; and where
	// nothing was found in the source, which looks like a share that is not mounted: then the error is an *EmptySourceError.
	Delete bool
	// AllowEmptySource lets Delete empty the target where there is nothing in the source, with a warning, of which the error is an
	// *EmptySourceError.
	AllowEmptySource bool
	// MaxDelete is how many may be deleted at most: where there are more, none is, and the error is a *DeletesError. 0 is any
	// number, and below 0 none may.
	MaxDelete int
}

// Sync makes to equal to from: it moves what is missing there or differs, as the Rules say, and leaves the rest. Objects that stand
// for folders are no part of it. A prefix without objects is an error as a source, and none as a target; a folder to sync into is
// made. Select.Pairs and Options.Move have no meaning here.
//
// Errors are as those of Up. After any that is neither an *IncompleteError nor nil, nothing was deleted, unless the error is of the
// deleting.
func Sync(ctx context.Context, c *haul.Client, from, to End, o SyncOptions) (Summary, error) {
	if o.Move || o.Select.Pairs != nil || o.Select.Pattern != "" {
		return Summary{}, fmt.Errorf("%w: Sync takes whole trees, and moves none away", store.Invalid)
	}
	r := newRun(c, o.Options)
	w, err := r.way(from, to)
	if err != nil {
		return Summary{}, err
	}
	s := &syncing{jobBuilder: w, o: o, toDelete: &spool.Spool[kept]{}}
	defer s.toDelete.Close() // nothing is read again
	defer w.close()
	w.warnBeneath()
	r.after = s.finish
	return r.all(ctx, s.find)
}

// syncing is one Sync.
type syncing struct {
	*jobBuilder
	o        SyncOptions
	partial  bool
	found    bool               // the source has something that can move
	toDelete *spool.Spool[kept] // targets to delete
	// unseen are links to nothing so far that are the beginning of the last name, each of the next: what once lay behind them stays.
	unseen []string
	// later are moves onto names that are in use for something that is to be deleted.
	later []Entry
	// unblocked: nothing is in the way any more.
	unblocked bool
}

// find yields what is to move, and notes what is to be deleted.
func (s *syncing) find(ctx context.Context, yield func(job) bool) error {
	source := early(ctx, func(ctx context.Context) iter.Seq2[Entry, error] { return unmarked(s.chosen(ctx, s.from)) })
	target := early(ctx, func(ctx context.Context) iter.Seq2[Entry, error] { return unmarked(s.there(ctx)) })
	for a, err := range Compare(s.kind, source, target, s.o.Rules) {
		if err != nil {
			return err
		}
		s.partial = s.partial || a.Source.Partial || a.Target.Partial
		s.found = s.found || a.Source.Address() != "" && a.Source.Why == nil
		s.lookBehind(a.Source)
		if a.Do == Delete {
			if s.o.Delete && !s.spared(a.Target) {
				if err := s.toDelete.Add(keep(a.Target)); err != nil {
					return fmt.Errorf("note what is to be deleted: %w", err)
				}
			}
			continue
		}
		put, err := s.putOff(a)
		if err != nil {
			return err
		}
		if !put && !s.act(a, yield) {
			return nil
		}
	}
	return nil
}

// lookBehind takes note of a link to nothing.
func (s *syncing) lookBehind(e Entry) {
	if errors.Is(e.Why, ErrNowhere) {
		s.unseen = append(s.behindOf(e.Rel), e.Rel+"/")
	}
}

// behindOf gives those of the links to nothing that a path begins with. Paths come in order.
func (s *syncing) behindOf(rel string) []string {
	for len(s.unseen) > 0 && !strings.HasPrefix(rel, strings.TrimSuffix(s.unseen[len(s.unseen)-1], "/")) {
		s.unseen = s.unseen[:len(s.unseen)-1]
	}
	return s.unseen
}

// spared reports whether a target stays although it has no source: it is itself a part of the source, or lies below the name of a link
// that leads to nothing now, such as a share that is not mounted.
func (s *syncing) spared(to Entry) bool {
	from, target := s.from.Ref, s.to.Ref
	if s.kind == Copying && from.Bucket == target.Bucket && len(from.Key) > len(target.Key) && strings.HasPrefix(target.Key+to.Rel, from.Key) {
		return true
	}
	return slices.ContainsFunc(s.behindOf(to.Rel), func(link string) bool { return strings.HasPrefix(to.Rel, link) })
}

// unmarked leaves out objects that stand for folders.
func unmarked(tree iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range tree {
			if err == nil && e.isMark() {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// there gives what is in the target.
func (s *syncing) there(ctx context.Context) iter.Seq2[Entry, error] {
	sel := Select{Filter: s.o.Select.Filter, EmptyOK: true}
	if s.to.Path == "" {
		return picked(s.to, sel, s.listed(ctx, s.to.Ref, sel))
	}
	if _, err := os.Stat(s.to.Path); errors.Is(err, fs.ErrNotExist) && s.o.DryRun {
		return func(func(Entry, error) bool) {}
	}
	return picked(s.to, sel, walked(s.to.Path, sight{info: true, target: true}))
}

// act yields the job for an action, where there is one; it reports whether to go on.
func (s *syncing) act(a Action, yield func(job) bool) bool {
	e := a.Source
	if e.Address() == "" && e.Why == nil { // a target that can be no part
		return true
	}
	if a.Do == Move && s.ours(a) {
		a.Do, a.Why = Skip, whyOurs
	}
	if a.Do == Skip && e.Why == nil {
		if s.places != nil {
			s.places.note(e.Rel)
		}
		left := job{verb: s.verb, why: a.Why, source: e.Address(), target: s.targetName(e), entry: e}
		if left.stands = s.stands(left, a.Target, !s.o.Rules.NoOverwrite); left.stands != nil {
			left.look = func(context.Context) (bool, string, error) { return false, a.Why, nil }
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
	if s.o.Delete && !s.unblocked && s.blocked(j) {
		s.later = append(s.later, e)
		return true
	}
	j.why = a.Why
	if a.Do == Check && j.err == nil && j.skip == nil {
		j.look = s.closer(a, j.target)
		j.stands = s.stands(j, a.Target, true)
	}
	return yield(j)
}

// targetName is the target as events have it.
func (s *syncing) targetName(e Entry) string {
	if s.to.Path != "" {
		return filepath.Join(s.places.root, filepath.FromSlash(e.Rel))
	}
	return s.targetRef(e).String()
}

// blocked reports whether something is in the way of a download that may be deleted later.
func (s *syncing) blocked(j job) bool {
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

// closer looks at a pair of equal sizes: at the content, or at the times kept with the objects.
func (s *syncing) closer(a Action, target string) func(context.Context) (bool, string, error) {
	return func(ctx context.Context) (bool, string, error) {
		if s.o.Rules.Checksum {
			return s.content(ctx, a, target)
		}
		from, to := a.Source.Modified, a.Target.Modified
		kept := true
		for _, side := range []struct {
			e  Entry
			at *time.Time
		}{{a.Source, &from}, {a.Target, &to}} {
			if side.e.Path != "" {
				continue
			}
			obj, err := s.c.Stat(ctx, side.e.Object.Ref, &s.o.Transfer.Attrs)
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
			if s.ours(Action{Source: Entry{Size: a.Source.Size, Modified: from}, Target: a.Target}) {
				return false, whyOurs, nil
			}
			return true, "the time kept with the object differs", nil
		}
		do, why := s.o.Rules.times(s.kind, a.Source.Modified, a.Target.Modified)
		return do == Move, why + " (no time is kept with the object)", nil
	}
}

// sameTime compares to the second where one of the times has no more: as s3cmd keeps them, and some file systems.
func sameTime(a, b time.Time) bool {
	if a.Nanosecond() == 0 || b.Nanosecond() == 0 {
		return a.Unix() == b.Unix()
	}
	return a.Equal(b)
}

// content looks whether the bytes are equal. Where nobody can tell, they move.
func (s *syncing) content(ctx context.Context, a Action, target string) (bool, string, error) {
	var same haul.Comparison
	var err error
	attrs := &s.o.Transfer.Attrs
	switch s.kind {
	case Upload:
		same, err = s.c.SameFile(ctx, a.Source.Path, a.Target.Object.Ref, attrs)
		err = unreadable(a.Source.Path, err)
	case Download:
		same, err = s.c.SameFile(ctx, target, a.Source.Object.Ref, attrs)
	default:
		same, err = s.c.SameObject(ctx, a.Source.Object.Ref, a.Target.Object.Ref, attrs)
	}
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

// finish does what goes last, deletes, and moves what had to wait for that; what goes last then waits for it too.
func (s *syncing) finish(ctx context.Context, end context.CancelCauseFunc) error {
	if len(s.later) > 0 {
		err := s.clear(ctx, end)
		if s.unblocked = true; err != nil || ctx.Err() != nil {
			return err
		}
		return s.goLast(ctx, end, s.act)
	}
	if err := s.goLast(ctx, end, s.act); err != nil || ctx.Err() != nil {
		return err
	}
	return s.clear(ctx, end)
}

// withhold is why nothing may be deleted; empty where it may.
func (s *syncing) withhold() string {
	if s.partial {
		return "a folder could not be read"
	}
	return s.failed()
}

// clear deletes, and moves what had to wait for that.
func (s *syncing) clear(ctx context.Context, end context.CancelCauseFunc) error {
	n := s.toDelete.Len()
	empty := &EmptySourceError{Source: s.from, Target: s.to, Filtered: !s.o.Select.all(), Allowed: s.o.AllowEmptySource, Wanted: n}
	switch why := s.withhold(); {
	case n == 0:
	case !s.found && !s.o.AllowEmptySource:
		return empty
	case why != "":
		s.withheld, s.withheldWhy = n, why
	case s.o.MaxDelete != 0 && n > max(s.o.MaxDelete, 0):
		return &DeletesError{Wanted: n, Max: max(s.o.MaxDelete, 0)}
	default:
		if !s.found {
			s.emit(Event{Kind: Warned, Verb: deleteVerb, Source: s.from.String(), Target: s.to.String(), Err: empty})
		}
		if err := s.deleteAll(ctx); err != nil {
			return err
		}
	}
	if len(s.later) == 0 {
		return nil
	}
	s.places.close()
	p, err := placesFor(s.to.Path, s.o.Options)
	if err != nil {
		s.places = nil
		return err
	}
	s.places, s.root = p, p.below.Root
	return s.each(ctx, end, func(ctx context.Context, yield func(job) bool) error {
		for _, e := range s.later {
			j, ok := s.job(e)
			if !ok {
				continue
			}
			j.why = "missing"
			if s.o.DryRun { // what is in the way would be gone
				j.err = nil
			} else if j.err == nil {
				clearWay(s.places.below, j.target)
			}
			if !yield(j) {
				return nil
			}
		}
		return nil
	})
}
