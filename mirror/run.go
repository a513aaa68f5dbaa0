package mirror

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/pool"
	"haul.example/haul/store"
)

const (
	// ahead is how many objects are listed before their transfers start: a page, so that the next one is requested while this one
	// is transferred.
	ahead = 1000
	// maxNamed is how many failures a Summary names, and how many of the uploads and files that are left.
	maxNamed = 10
)

// job is one object to transfer or to delete.
type job struct {
	verb, why      string
	source, target string
	entry          Entry
	skip           error // why it is left out of the run
	err            error // why it cannot even start
	// decide reports whether to move it, and why, if that takes more than a listing; nil moves it.
	decide func(context.Context) (move bool, why string, err error)
	move   func(context.Context) (haul.Result, error)
	// onDone, if not nil, is called when it is done.
	onDone func(job, haul.Result)
	// verify, if not nil, verifies what is left as it is.
	verify verifyFunc
	// found is the entry that decide found, if it was not listed; or nil.
	found *Entry
	// deletes reports that move deletes source.
	deletes bool
	// companions are the indexes that follow it; or nil.
	companions *companions
}

// run is one Tree or Sync.
type run struct {
	// set once
	c       *haul.Client
	o       Options
	observe func(Event)
	summer  *evidence.Summer
	began   time.Time
	mixed   bool // jobs do not come in order of their names
	// afterJobs, if not nil, is called when all jobs are done and nothing ended the run early.
	afterJobs func(context.Context, context.CancelCauseFunc) error

	// root is the open target folder of a download; else nil.
	root *os.Root

	inOrder bool // jobs start as they are found

	// targetBelow is the target's path below the source, with a slash at its end, if it lies in the source; what is there stays.
	targetBelow string
	// withheld counts deletions that were not done, and withheldWhy is the reason; set by afterJobs.
	withheld    int
	withheldWhy string
	kept        int // sources of moves that were not the run's to delete; guarded by mu
	// oneByOne: one job is done at a time. Jobs read it; it is written while there are none.
	oneByOne bool

	mu      sync.Mutex
	summary Summary
	// refused counts jobs that the store answered with 5xx to the end, since one was last done.
	refused int
	// retryNoSpace are jobs that found no space on the disk while others took it; each is tried again alone. There are at most
	// ahead of them.
	retryNoSpace []job
}

func newRun(c *haul.Client, o Options) *run {
	return &run{c: c, o: o, observe: o.Observe, began: time.Now(), summer: evidence.NewSummer(nil, nil)}
}

// all does the jobs that find yields. After the last of them, the error of find ends the run.
func (r *run) all(ctx context.Context, find func(ctx context.Context, yield func(job) bool) error) (Summary, error) {
	rctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := r.each(rctx, cancel, find)
	if err == nil && rctx.Err() == nil && r.afterJobs != nil {
		err = r.afterJobs(rctx, cancel)
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

// each does the jobs that find yields, and returns its error. The largest of those that wait starts first, so that no large one
// runs alone at the end; in a dry run, and if a plan has the order, the first one.
func (r *run) each(ctx context.Context, end context.CancelCauseFunc, find func(ctx context.Context, yield func(job) bool) error) error {
	jobs := make(chan job)
	line := &companionQueue{r: r, byData: map[string]*companions{}, mixed: r.mixed || r.o.Select.Pairs != nil, yield: func(j job) bool {
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
		line.releaseAll()
		r.allFound(lost == nil && ctx.Err() == nil)
	})
	waiting := queue{inOrder: r.inOrder || r.o.DryRun}
	under, ended := pool.New(func() int { return r.c.Progress().Lanes }), make(chan struct{}, 1)
	under.Ended = func() {
		select {
		case ended <- struct{}{}:
		default:
		}
	}
	for wait(ctx, &waiting, jobs, under.Room, ended) {
		j := waiting.take()
		if r.o.DryRun && j.decide == nil { // nothing to wait for, so that these are reported in order
			line.do(ctx, end, j)
			continue
		}
		if under.Go(ctx, func() { line.do(ctx, end, j) }) != nil {
			break
		}
	}
	under.Wait()
	finding.Wait()
	r.oneByOne = true
	for _, j := range r.retryNoSpace { // one by one, all that fit will succeed
		if ctx.Err() == nil {
			line.do(ctx, end, j)
		}
	}
	r.retryNoSpace, r.oneByOne = nil, false
	return lost
}

// announce reports a job that was found.
func (r *run) announce(j job) {
	if !j.deletes {
		r.emit(Event{Kind: Found, Verb: j.verb, Why: j.why, Source: j.source, Target: j.target, Entry: j.entry})
	}
}

// wait takes jobs into the queue until one of them may start; false if there are no more, or ctx has ended.
func wait(ctx context.Context, q *queue, jobs <-chan job, room func() bool, ended <-chan struct{}) bool {
	for {
		in := jobs
		if q.Len() >= ahead {
			in = nil
		}
		if q.Len() > 0 && room() {
			select { // one that has just arrived may be larger
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
		case <-ended:
		case <-ctx.Done():
			return false
		}
	}
}

// do does one job, and returns the kind of its result; none if that ended the run, as an error does that every job would meet.
func (r *run) do(ctx context.Context, end context.CancelCauseFunc, j job) EventKind {
	e := Event{Verb: j.verb, Why: j.why, Source: j.source, Target: j.target, Entry: j.entry, Err: j.err}
	if j.skip != nil {
		e.Kind, e.Err = Skipped, j.skip
		r.emit(e)
		return e.Kind
	}
	move := true
	if e.Err == nil && j.decide != nil {
		move, e.Why, e.Err = j.decide(ctx)
		if j.found != nil {
			e.Entry = *j.found
		}
	}
	if e.Err == nil && move && !r.o.DryRun {
		e.Result, e.Err = j.move(ctx)
		if r.o.NoOverwrite && j.verify != nil && exists(e.Err) {
			move, e.Why, e.Result, e.Err = false, whyExists, haul.Result{}, nil
		}
	}
	if e.Err == nil && !move && j.verify != nil {
		e.Result, e.Err = j.verify(ctx)
	}
	if r.postpone(ctx, j, e.Err) {
		return postponed
	}
	ok := r.classify(ctx, &e, move)
	if !ok && ctx.Err() == nil && r.refusedAlone(e.Err) {
		e.Kind, ok = Failed, true
	}
	if e.Kind == Done && j.onDone != nil {
		j.onDone(j, e.Result)
	}
	if e.Kind == Done && j.deletes {
		e.Kind = Deleted
	}
	if !ok {
		r.countLeft(e.Err)
		if ctx.Err() == nil {
			end(e.Err)
		}
		return ""
	}
	if e.Kind == Failed {
		r.countLeft(e.Err)
	}
	r.emit(e)
	return e.Kind
}

// postponed is the result of a job that is tried again when the others are done.
const postponed EventKind = ""

// postpone keeps a job that found no space on the disk for later; it reports whether it did.
func (r *run) postpone(ctx context.Context, j job, err error) bool {
	if r.oneByOne || ctx.Err() != nil || !errors.Is(err, localfile.ErrNoSpace) {
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

// classify finds the kind of a result; false if it ends the run, or if the end of the run cut the job off.
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
		e.Kind, e.Why, e.Err = Unchanged, whyExists, nil
	case errors.Is(e.Err, store.Archived) && r.o.Archived == SkipArchived:
		e.Kind = Skipped
	case errors.Is(e.Err, store.Archived) && r.o.Archived == IgnoreArchived:
		e.Kind, e.Why, e.Err = Unchanged, "is in an archive", nil
	default:
		e.Kind = Failed
	}
	return true
}

// manyRefused is how many jobs in a row may end with a 5xx before the store is taken to be down: one or two objects may be broken
// in the store, and the others are not.
const manyRefused = 3

// refusedAlone reports whether a job that ended with a 5xx may be the only one: then it fails like any other.
func (r *run) refusedAlone(err error) bool {
	if store.KindOf(err) != store.Unavailable {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused++
	return r.refused < manyRefused
}

// exists reports that the target already exists.
func exists(err error) bool { return errors.Is(err, store.Exists) || errors.Is(err, fs.ErrExist) }

// Hopeless reports whether an error would affect every object, not just one: an error of the bucket or the credentials, or
// one that the client returned after it had retried for all of Options.Patience without any success.
func Hopeless(err error) bool {
	if errors.Is(err, haul.ErrRetriesExhausted) {
		return false
	}
	switch store.KindOf(err) {
	case store.NoBucket, store.NoCredentials, store.Expired, store.ClockSkew, store.WrongRegion,
		store.Network, store.Stalled, store.Throttled, store.Unavailable:
		return true
	}
	return false
}

// skipError is why a file is skipped, if only its transfer shows that.
type skipError struct{ error }

// unreadable makes err a skipError if the local file may not be read.
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

// countLeft counts what remains of a transfer that failed or was cut off.
func (r *run) countLeft(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.summary.Left
	var left *haul.IncompleteUploadError
	var kept *haul.PartialFileError
	switch {
	case errors.As(err, &left):
		l.Uploads++
		l.Bytes += left.Bytes
		if len(l.Refs) < maxNamed {
			l.Refs = append(l.Refs, left.Upload.Ref)
		}
	case errors.As(err, &kept):
		l.Files++
		l.Bytes += kept.Bytes
		if len(l.Paths) < maxNamed {
			l.Paths = append(l.Paths, kept.Path)
		}
	}
}

// failedText is how many objects failed, in words; empty if none did.
func (r *run) failedText() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.summary.Failed == 0 {
		return ""
	}
	return number(r.summary.Failed, "object", "objects") + " failed"
}

func (r *run) allFound(all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.All = all
}

// emit counts an event and passes it to Observe.
func (r *run) emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.summary
	switch e.Kind {
	case Found:
		s.Found++
		s.FoundSize += max(0, e.Entry.Size)
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
		s.FoundSize -= max(0, e.Entry.Size)
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
		if len(s.Failures) < maxNamed {
			s.Failures = append(s.Failures, Failure{e.Source, e.Target, e.Err})
		}
	}
	if r.observe != nil {
		e.Now = s.Counts
		r.observe(e)
	}
}
