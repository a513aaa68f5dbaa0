package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/planfile"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/store"
)

// Apply carries out the steps of a plan, many at once. It starts them in the plan's order, except that companion files follow
// their own order and deletions come last. A step fails if its source, or the file or object to delete, has changed since the
// plan was made. Nothing is deleted if a step failed, or if the source is empty now and was not when the plan was made: the error is
// then as for SyncOptions.Delete. Of the options, ContentType, Observe and Archived are used.
//
// Errors are those of Up; and ErrPlan, before anything was done, if the plan is not complete, was made for another store, or
// has a step outside the source and target that the plan names (see ReadPlan).
func Apply(ctx context.Context, c *haul.Client, plan io.ReadSeeker, o Options) (Summary, error) {
	h, sum, err := ReadPlan(plan)
	if err != nil {
		return Summary{}, err
	}
	if err := planfile.CheckStore(h.Store, store.Identity(c.Store())); err != nil {
		return Summary{}, err
	}
	o.Transfer, o.Move = h.Transfer, h.Move
	o.NoOverwrite, o.DryRun, o.Select, o.NoFamilies, o.Last = false, false, Select{}, h.NoFamilies, h.Last
	if !h.Guess {
		o.ContentType = nil
	}
	a := &applying{run: newRun(c, o), h: h, emptySource: sum.EmptySource, plan: plan}
	if err := a.openEnds(); err != nil {
		return Summary{}, err
	}
	defer a.closeEnds()
	a.inOrder = true
	a.mixed = true // as they were looked at
	a.afterJobs = func(ctx context.Context, end context.CancelCauseFunc) error {
		for _, turn := range []turn{manifestTurn, markerTurn, deleteTurn} {
			do := a.stepsOf(turn)
			if turn == deleteTurn {
				if ok, err := a.mayDeleteSteps(ctx, do); !ok {
					return err
				}
			}
			if err := a.each(ctx, end, do); err != nil || ctx.Err() != nil {
				return err
			}
		}
		return nil
	}
	return a.all(ctx, a.stepsOf(dataTurn))
}

// applying is one Apply.
type applying struct {
	*run
	h           PlanHeader
	emptySource bool // that of the PlanSummary
	plan        io.ReadSeeker
	// local is the open end on this machine, if something in it is written or deleted: nothing outside of it is.
	local localfile.Below
}

// openEnds opens the local end if something in it may be written or deleted; a target is made if it is missing.
func (a *applying) openEnds() (err error) {
	switch {
	case a.h.Way == Download:
		if err = localfile.MakeDirs(a.h.Target, 0o777); err == nil {
			a.local, err = localfile.OpenBelow(a.h.Target)
		}
		a.root = a.local.Root
	case a.h.Way == Upload && a.h.Move:
		a.local, err = localfile.OpenBelow(a.h.Source)
	}
	return err
}

func (a *applying) closeEnds() {
	if a.local.Root != nil {
		_ = a.local.Root.Close() // only names were looked up in it
	}
}

// mayDeleteSteps reports whether the deletions may be done.
func (a *applying) mayDeleteSteps(ctx context.Context, steps func(context.Context, func(job) bool) error) (bool, error) {
	var d deletions
	if err := steps(ctx, func(job) bool { d.wanted++; return true }); err != nil {
		return false, err
	}
	if d.wanted > 0 && !a.emptySource {
		from, to, err := a.h.ends()
		if err != nil {
			return false, err
		}
		there, err := a.anyFile(ctx, from, to)
		if err != nil {
			return false, fmt.Errorf("nothing was deleted, since the source cannot be read: %w", err)
		}
		if !there {
			d.empty = &EmptySourceError{Source: from, Target: to, Planned: true, Wanted: d.wanted}
		}
	}
	return a.mayDelete(d)
}

// anyFile reports whether there is a file or object in the source, outside of the target.
func (a *applying) anyFile(ctx context.Context, from, to End) (bool, error) {
	tree := walked(from.Path, walkOptions{})
	if from.Path == "" {
		below := ""
		if from.Ref.Bucket == to.Ref.Bucket && to.Ref.Key != from.Ref.Key && strings.HasPrefix(to.Ref.Key, from.Ref.Key) {
			below = to.Ref.Key[len(from.Ref.Key):]
		}
		tree = outside(below, a.listed(ctx, from, Select{EmptyOK: true}))
	}
	for e, err := range withoutFolderObjects(tree) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, err
		case e.Why == nil:
			return true, nil
		}
	}
	return false, nil
}

var errStop = errors.New("the run has ended")

// turn is when a step is done.
type turn int

const (
	dataTurn turn = iota
	manifestTurn
	markerTurn
	deleteTurn
)

// turnOf returns when a step is done.
func (a *applying) turnOf(s Step) turn {
	switch role := a.o.role(filepath.ToSlash(s.Target)); {
	case s.Action == deleteVerb:
		return deleteTurn
	case a.o.NoFamilies:
	case role == seqfile.Manifest:
		return manifestTurn
	case role == seqfile.Marker:
		return markerTurn
	}
	return dataTurn
}

// stepsOf yields the steps of a turn.
func (a *applying) stepsOf(now turn) func(context.Context, func(job) bool) error {
	return func(_ context.Context, yield func(job) bool) error {
		why := a.whyNoMarker(now == markerTurn)
		err := eachLine(a.plan, func(n int, line []byte) error {
			var s Step
			if err := json.Unmarshal(line, &s); n == 1 || err != nil || s.Action == "" {
				return err
			}
			s.Source, s.Target = s.names()
			if a.turnOf(s) != now {
				return nil
			}
			if !yield(a.job(s).failIf(why)) {
				return errStop
			}
			return nil
		})
		if errors.Is(err, errStop) {
			return nil
		}
		return err
	}
}

// job does a step.
func (a *applying) job(s Step) job {
	j := job{verb: s.Action, why: s.Why, source: s.Source, target: s.Target, entry: Entry{Size: s.Bytes}}
	t := a.o.Transfer
	t.IfMatch, t.Root = s.ETag, a.local.Root
	from, to := a.end(s.Source, a.h.FromBucket), a.end(s.Target, a.h.ToBucket)
	if s.Action == deleteVerb {
		j.deletes = true
		from = a.end(s.Source, a.h.ToBucket)
		j.move = func(ctx context.Context) (haul.Result, error) { return haul.Result{}, a.remove(ctx, s, from) }
		return j
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		if from.Path != "" {
			if err := s.unchanged(from.Path); err != nil {
				return haul.Result{}, err
			}
		}
		if name := typeName(from, to); a.o.ContentType != nil && t.Attrs.Headers.ContentType == "" && (from.Path != "" || t.ReplaceMetadata) {
			t.Attrs.Headers.ContentType = a.o.ContentType(name)
		}
		if s.Action == moveVerb {
			return mover{c: a.c, t: t}.move(ctx, from, store.Object{Ref: from.Ref}, to)
		}
		return One{Client: a.c, From: from, To: to}.Transfer(ctx, t)
	}
	return j
}

// typeName is the name that a content type is guessed from.
func typeName(from, to End) string {
	if from.Path != "" {
		return from.Path
	}
	return to.Ref.Key
}

func (a *applying) end(name, bucket string) End {
	if bucket == "" {
		return Local(name)
	}
	return Remote(store.Ref{Bucket: bucket, Key: strings.TrimPrefix(name, scheme+bucket+"/")})
}

// unchanged refuses a file that has changed since the plan was made.
func (s Step) unchanged(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.Size() != s.Bytes || localfile.Nanoseconds(fi.ModTime()) != s.Modified {
		return fmt.Errorf("%w: %s has changed since the plan was made", haul.ErrSourceChanged, path)
	}
	return nil
}

// remove deletes what a step names, if it has not changed since the plan was made.
func (a *applying) remove(ctx context.Context, s Step, at End) error {
	if at.Path != "" {
		err := s.unchanged(at.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		return a.local.Remove(at.Path)
	}
	now, err := a.c.Store().Head(ctx, store.GetRequest{Ref: at.Ref, Attrs: &a.o.Transfer.Attrs})
	switch {
	case errors.Is(err, store.NotFound):
		return nil
	case err != nil:
		return err
	case now.ETag != s.ETag:
		return &store.Error{Kind: store.Changed, Op: "DeleteObject", Ref: at.Ref, Hint: "it has changed since the plan was made; make a new plan"}
	}
	return a.c.Store().Delete(ctx, at.Ref, &a.o.Transfer.Attrs)
}
