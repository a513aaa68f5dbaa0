package mirror

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/pool"
	"haul.example/haul/store"
)

const (
	// ahead is how many objects are listed before their transfers begin: a page of a listing, so that the next one is on its
	// way while the transfers of this one go on.
	ahead       = 1000
	maxFailures = 10
)

// job is one object to move.
type job struct {
	verb, why      string
	source, target string
	entry          Entry
	skip           error // why it can be no part of the run
	err            error // why it cannot even begin
	// look reports whether to move it, and why, where that takes more than a listing; nil moves it.
	look func(context.Context) (move bool, why string, err error)
	move func(context.Context) (haul.Result, error)
	// finish notes that it is done; nil does not.
	finish func(job, haul.Result)
	// stands verifies what is left as it is; nil does not.
	stands standing
	// seen is the entry as look has found it, where nobody had listed it; or nil.
	seen *Entry
	// deletes reports that move deletes source.
	deletes bool
	// kin is what goes behind it; nil is nothing.
	kin *companions
}

// run is one Tree or Sync.
type run struct {
	// set once
	c       *haul.Client
	o       Options
	observe func(Event)
	began   time.Time
	mixed   bool // jobs come in no order of their names
	// after is what is left to do when all jobs are done and nothing ended the run early; nil is nothing.
	after func(context.Context, context.CancelCauseFunc) error

	// root is the target folder of a run down, open; nil where there is none.
	root *os.Root

	inOrder bool // jobs begin as they are found

	// beneath is the target's path below the source, with a slash at its end, where it lies in the source; what is there stays.
	beneath string
	// withheld are deletions that were not done, and why; set by after.
	withheld    int
	withheldWhy string
	kept        int // sources of moves that were not the run's to delete; guarded by mu
	// alone reports that one job is done at a time; read by jobs, written while there are none.
	alone bool

	mu      sync.Mutex
	summary Summary
	// refused counts jobs that the store answered with 5xx to the end, since one was last done.
	refused int
	// retryNoSpace are jobs that found no room on the disk while others were taking it; they are done again alone. Not more than
	// ahead: then there is none.
	retryNoSpace []job
}

func newRun(c *haul.Client, o Options) *run {
	return &run{c: c, o: o, observe: o.Observe, began: time.Now()}
}

// all does the jobs that find yields. When find returns, there are no more; its error ends the run after those.
func (r *run) all(ctx context.Context, find func(ctx context.Context, yield func(job) bool) error) (Summary, error) {
	rctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := r.each(rctx, cancel, find)
	if err == nil && rctx.Err() == nil && r.after != nil {
		err = r.after(rctx, cancel)
	}
	s := r.summary
	s.Elapsed = time.Since(r.began)
	switch {
	case rctx.Err() != nil:
		return s, context.Cause(rctx)
	case err != nil:
		return s, err
	case s.Failed > 0 || s.Skipped > 0 || r.withheld > 0 || r.kept > 0:
		return s, &IncompleteError{Failed: s.Failed, Skipped: s.Skipped, Kept: r.kept, Withheld: r.withheld, Why: r.withheldWhy}
	}
	return s, nil
}

// each does the jobs that find yields, and gives its error. Of those that wait, the largest begins first, so that no large one
// is left to run alone at the end; in a dry run, and where a plan tells the order, the first.
func (r *run) each(ctx context.Context, end context.CancelCauseFunc, find func(ctx context.Context, yield func(job) bool) error) error {
	jobs := make(chan job)
	line := &companionQueue{r: r, kin: map[string]*companions{}, mixed: r.mixed || r.o.Select.Pairs != nil, yield: func(j job) bool {
		r.announce(j)
		select {
		case jobs <- j:
			return true
		case <-ctx.Done():
			return false
		}
	}}
	var finding sync.WaitGroup
	var lost error // what find missed
	finding.Go(func() {
		defer close(jobs)
		lost = find(ctx, line.add)
		line.end()
		r.found(lost == nil && ctx.Err() == nil)
	})
	waiting := queue{inOrder: r.inOrder || r.o.DryRun}
	under := pool.New(r.c.Lanes)
	for wait(ctx, &waiting, jobs, under) {
		j := waiting.take()
		if r.o.DryRun && j.look == nil { // nothing to wait for: so these are told in order
			line.do(ctx, end, j)
			continue
		}
		if under.Go(ctx, func() { line.do(ctx, end, j) }) != nil {
			break
		}
	}
	under.Wait()
	finding.Wait()
	r.alone = true
	for _, j := range r.retryNoSpace { // one by one, what fits does come
		if ctx.Err() == nil {
			line.do(ctx, end, j)
		}
	}
	r.retryNoSpace, r.alone = nil, false
	return lost
}

// announce tells of a job that was found.
func (r *run) announce(j job) {
	if !j.deletes {
		r.emit(Event{Kind: Found, Verb: j.verb, Why: j.why, Source: j.source, Target: j.target, Entry: j.entry})
	}
}

// wait takes jobs into the queue until one of them may begin; false when there are no more, or ctx ended.
func wait(ctx context.Context, q *queue, jobs <-chan job, under *pool.Pool) bool {
	for {
		in := jobs
		if q.Len() >= ahead {
			in = nil
		}
		if q.Len() > 0 && under.Room() {
			select { // what is told just now may be larger
			case j, ok := <-in:
				q.put(j, ok)
			default:
			}
			return ctx.Err() == nil
		}
		if q.over && q.Len() == 0 {
			return false
		}
		if q.over {
			in = nil
		}
		select {
		case j, ok := <-in:
			q.put(j, ok)
		case <-under.Ended():
		case <-ctx.Done():
			return false
		}
	}
}

// do does one job, and gives the kind of what came of it; none where that ended the run, as does what would let every other job
// fail as well.
func (r *run) do(ctx context.Context, end context.CancelCauseFunc, j job) EventKind {
	e := Event{Verb: j.verb, Why: j.why, Source: j.source, Target: j.target, Entry: j.entry, Err: j.err}
	if j.skip != nil {
		e.Kind, e.Err = Skipped, j.skip
		r.emit(e)
		return e.Kind
	}
	move := true
	if e.Err == nil && j.look != nil {
		move, e.Why, e.Err = j.look(ctx)
		if j.seen != nil {
			e.Entry = *j.seen
		}
	}
	if e.Err == nil && move && !r.o.DryRun {
		e.Result, e.Err = j.move(ctx)
		if r.o.NoOverwrite && j.stands != nil && exists(e.Err) {
			move, e.Why, e.Result, e.Err = false, there, haul.Result{}, nil
		}
	}
	if e.Err == nil && !move && j.stands != nil {
		e.Result, e.Err = j.stands(ctx)
	}
	if r.postpone(ctx, j, e.Err) {
		return postponed
	}
	ok := r.classify(ctx, &e, move)
	if !ok && ctx.Err() == nil && r.refusedAlone(e.Err) {
		e.Kind, ok = Failed, true
	}
	if e.Kind == Done && j.finish != nil {
		j.finish(j, e.Result)
	}
	if e.Kind == Done && j.deletes {
		e.Kind = Deleted
	}
	if !ok {
		r.leftBy(e.Err)
		if ctx.Err() == nil {
			end(e.Err)
		}
		return ""
	}
	if e.Kind == Failed {
		r.leftBy(e.Err)
	}
	r.emit(e)
	return e.Kind
}

// postponed is what came of a job that is done again when the others are done.
const postponed EventKind = ""

// postpone keeps a job for later that found no room on the disk; it reports whether it did.
func (r *run) postpone(ctx context.Context, j job, err error) bool {
	if r.alone || ctx.Err() != nil || !errors.Is(err, localfile.ErrNoSpace) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.retryNoSpace) >= ahead {
		return false
	}
	r.retryNoSpace = append(r.retryNoSpace, j)
	return true
}

// classify finds the kind of what came of a job; false where that ends the run, or the end of the run broke it off.
func (r *run) classify(ctx context.Context, e *Event, move bool) bool {
	var skip skipError
	var ends endError
	switch {
	case e.Err == nil && !move:
		e.Kind = Unchanged
	case e.Err == nil && r.o.DryRun:
		e.Kind = Planned
	case e.Err == nil:
		e.Kind = Done
	case ctx.Err() != nil, Hopeless(e.Err), errors.As(e.Err, &ends):
		return false
	case errors.As(e.Err, &skip):
		e.Kind, e.Err = Skipped, skip.error
	case r.o.NoOverwrite && exists(e.Err):
		e.Kind, e.Why, e.Err = Unchanged, there, nil
	case errors.Is(e.Err, store.Archived) && r.o.Archived == SkipArchived:
		e.Kind = Skipped
	case errors.Is(e.Err, store.Archived) && r.o.Archived == IgnoreArchived:
		e.Kind, e.Why, e.Err = Unchanged, "is in an archive", nil
	default:
		e.Kind = Failed
	}
	return true
}

// manyRefused is how many jobs in a row the store refuses by 5xx before it is taken to be down: one or two may be ill
// objects, and the run has other work.
const manyRefused = 3

// refusedAlone reports whether a job that ended with a 5xx may be the only one: then it fails like any other, and is named.
func (r *run) refusedAlone(err error) bool {
	if store.KindOf(err) != store.Unavailable {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused++
	return r.refused < manyRefused
}

// exists reports that a target was there already.
func exists(err error) bool { return errors.Is(err, store.Exists) || errors.Is(err, fs.ErrExist) }

// Hopeless tells errors that are not of one object: those of the bucket and of who asks, and those after which the client
// has tried again until nothing had got through for as long as its patience lasts.
func Hopeless(err error) bool {
	if errors.Is(err, haul.ErrTriedOut) {
		return false
	}
	switch store.KindOf(err) {
	case store.NoBucket, store.NoCredentials, store.Expired, store.ClockSkew, store.WrongRegion,
		store.Network, store.Stalled, store.Throttled, store.Unavailable:
		return true
	}
	return false
}

// skipError is why a file is skipped, where that shows only at its transfer.
type skipError struct{ error }

// unreadable makes err a skipError where the reason is that the local file may not be read.
func unreadable(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	f, again := os.Open(path)
	if again == nil {
		return errors.Join(err, f.Close())
	}
	return skipError{ErrNoAccess}
}

// leftBy counts what stays of a transfer that failed or was broken off.
func (r *run) leftBy(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.summary.Left
	var left *haul.IncompleteUploadError
	var kept *haul.PartialFileError
	switch {
	case errors.As(err, &left):
		l.Uploads++
		l.Bytes += left.Bytes
	case errors.As(err, &kept):
		l.Files++
		l.Bytes += kept.Bytes
	}
}

// failed says how many objects failed; empty where none did.
func (r *run) failed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.summary.Failed == 0 {
		return ""
	}
	return number(r.summary.Failed, "object", "objects") + " failed"
}

func (r *run) found(all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.All = all
}

// emit counts an event and gives it to who observes.
func (r *run) emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.summary
	switch e.Kind {
	case Found:
		s.Found++
	case Done:
		r.refused = 0
		s.Done++
		s.Size += e.Result.Size
		s.Kept += e.Result.Kept
		if !e.Result.Proof.Verified {
			s.Unverified++
		}
	case Skipped:
		s.Skipped++
	case Unchanged:
		s.Unchanged++
	case Incomplete:
		s.Incomplete++
	case Deleted:
		s.Deleted++
	case Planned:
		s.Planned++
		if e.Verb == deleteVerb {
			s.PlannedDeletes++
		} else {
			s.PlannedSize += e.Entry.Size
		}
	case Failed:
		s.Failed++
		if len(s.Failures) < maxFailures {
			s.Failures = append(s.Failures, Failure{e.Source, e.Target, e.Err})
		}
	}
	if r.observe != nil {
		e.Now = s.Counts
		r.observe(e)
	}
}
