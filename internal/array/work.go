package array

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/planfile"
	"haul.example/haul/internal/pool"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// WorkOptions are the options of Work.
type WorkOptions struct {
	Shard int
	// Host is the name of this machine, for progress and results.
	Host string
	// ContentType guesses the content type of a file, if the plan says so.
	ContentType func(name string) string
	// Observe gets the events, one after the other; it may be nil.
	Observe func(mirror.Event)
}

// progressEvery is how often a shard reports its progress.
const progressEvery = 10 * time.Second

// Work does a shard of a plan, and writes its results. A shard that was started before resumes: what is already there and verified is
// not transferred again. A failure is reported and does not stop the rest: the error is then a *mirror.IncompleteError.
func Work(ctx context.Context, c *haul.Client, d *PlanDir, o WorkOptions) (mirror.Summary, error) {
	h, err := Read(ctx, c, d)
	if err != nil {
		return mirror.Summary{}, err
	}
	if o.Shard < 0 || o.Shard >= len(h.Shards) {
		return mirror.Summary{}, fmt.Errorf("%w: there is no shard %d; the plan has %d, from 0 to %d", store.Invalid, o.Shard, len(h.Shards), len(h.Shards)-1)
	}
	w := newWork(c, d, h, o)
	if err := w.start(ctx); err != nil {
		return w.summary, err
	}
	err = w.run(ctx)
	w.summary.Elapsed = time.Since(w.progress.Began)
	return w.summary, err
}

func newWork(c *haul.Client, d *PlanDir, h Header, o WorkOptions) *work {
	if !h.Guess {
		o.ContentType = nil
	}
	w := &work{c: c, d: d, h: h, o: o}
	w.summary.Found, w.summary.All = h.load(o.Shard).tasks(), true
	return w
}

// work is one Work.
type work struct {
	// set once
	c       *haul.Client
	d       *PlanDir
	h       Header
	o       WorkOptions
	resumed bool // the shard was started before
	shared  map[int]haul.Distributed
	root    *os.Root // the open target folder of a download, so that nothing is written outside of it; or nil

	mu          sync.Mutex
	progress    Progress
	summary     mirror.Summary
	resultsFile io.Writer // of results
	outErr      error

	reporting sync.Mutex
	reported  []openUpload // which were in the latest report; guarded by reporting
}

// start finds out whether the shard was started before, and records that it is now.
func (w *work) start(ctx context.Context) error {
	before, err := readProgress(ctx, w.d, w.h, w.o.Shard)
	if err != nil {
		return err
	}
	w.resumed = before.Runs > 0
	w.progress = Progress{Plan: w.h.ID, Shard: w.o.Shard, Host: w.o.Host, PID: os.Getpid(), Runs: before.Runs + 1, Began: time.Now()}
	w.progress.Left = append(before.Left, before.Uploads...)
	if err := w.report(ctx); err != nil {
		return fmt.Errorf("write to the plan: %w", err)
	}
	if w.h.load(w.o.Shard).Ranges == 0 {
		return nil
	}
	wanted := map[int]bool{}
	err = eachTask(ctx, w.d, w.h, w.o.Shard, func(_ int, t task) error {
		wanted[t.Shared] = true
		return nil
	})
	if err != nil {
		return err
	}
	w.shared = map[int]haul.Distributed{}
	return eachShared(ctx, w.d, func(n int, s haul.Distributed) error {
		if wanted[n] {
			w.shared[n] = s
		}
		return nil
	})
}

// report writes the progress.
func (w *work) report(ctx context.Context) error {
	w.reporting.Lock()
	defer w.reporting.Unlock()
	return w.reportNow(ctx)
}

// reportNow is report; w.reporting is held.
func (w *work) reportNow(ctx context.Context) error {
	w.mu.Lock()
	p := w.progress
	p.Uploads = slices.Clone(p.Uploads)
	w.mu.Unlock()
	p.Updated = time.Now().UTC().Truncate(time.Millisecond)
	err := w.d.writeProgress(ctx, shardName(progressName, w.o.Shard), p)
	if err == nil {
		w.reported = p.Uploads
	}
	return err
}

// uploadOpened records an upload before its first part is sent, so that Finish can abort it if this process dies. One report covers
// all that are opened at the same time. A report that cannot be written is not an error.
func (w *work) uploadOpened(ctx context.Context, u store.Upload) {
	open := openUpload{name(u.Key), u.ID}
	w.mu.Lock()
	w.progress.Uploads = append(w.progress.Uploads, open)
	w.mu.Unlock()
	w.reporting.Lock()
	defer w.reporting.Unlock()
	if !slices.Contains(w.reported, open) {
		_ = w.reportNow(ctx)
	}
}

// uploadEnded records that no upload is open for a key any more.
func (w *work) uploadEnded(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.Uploads = slices.DeleteFunc(w.progress.Uploads, func(u openUpload) bool { return string(u.Key) == key })
}

// run does the tasks, and writes the results.
func (w *work) run(ctx context.Context) error {
	scratch, err := localfile.NewScratch("")
	if err != nil {
		return err
	}
	defer scratch.Close() // it is read again before
	w.resultsFile = scratch
	if w.h.Way == mirror.Download {
		if err := localfile.MakeDirs(string(w.h.To.Path), 0o777); err != nil {
			return err
		}
		below, err := localfile.OpenBelow(string(w.h.To.Path))
		if err != nil {
			return err
		}
		w.root = below.Root
		defer w.root.Close() // only names were looked up in it
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { w.keepReporting(ctx, stop) })
	w.write(outcome{Plan: w.h.ID})
	cause := w.tasks(ctx)
	close(stop)
	wg.Wait()
	if err := w.results(ctx, scratch, cause); err != nil {
		return errors.Join(cause, fmt.Errorf("write the results of %s: %w", shardWord(w.o.Shard), err))
	}
	if cause == nil && w.summary.Failed > 0 {
		return &mirror.IncompleteError{Failed: w.summary.Failed}
	}
	return cause
}

// keepReporting reports until it is stopped. A report that cannot be written is not an error: the next one may succeed.
func (w *work) keepReporting(ctx context.Context, stop <-chan struct{}) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = w.report(ctx)
		}
	}
}

// results completes the results, and makes them part of the plan. It also runs if ctx has ended.
func (w *work) results(ctx context.Context, scratch *localfile.Spool, cause error) error {
	ctx, cancel := cleanupContext(ctx)
	defer cancel()
	w.progress.Ended = true
	stats := w.c.Progress()
	e := ended{Progress: w.progress, Seconds: time.Since(w.progress.Began).Seconds(), Moved: stats.Moved, Kept: w.summary.Kept, Retries: stats.Retries}
	e.Updated = time.Now().UTC()
	if cause != nil {
		e.Stopped = cause.Error()
	}
	w.write(outcome{Ended: &e})
	if w.outErr != nil {
		return w.outErr
	}
	err := w.d.write(ctx, shardName(resultsName, w.o.Shard), func(to io.Writer) error {
		_, err := io.Copy(to, io.NewSectionReader(scratch, 0, scratch.Len()))
		return err
	})
	return errors.Join(err, w.report(ctx))
}

// write writes one line of results; w.mu is held, or no task is running.
func (w *work) write(o outcome) {
	if err := planfile.WriteLine(w.resultsFile, o); err != nil && w.outErr == nil {
		w.outErr = err
	}
}

// tasks does the tasks of the shard, and returns the error that ended it early. They are in the order of the listing, so that keys with
// one prefix are neighbors, and stores have limits by prefix: so each shard starts at a different place.
func (w *work) tasks(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	under := pool.New(func() int { return w.c.Progress().Lanes })
	start := w.summary.Found * max(w.o.Shard, 0) / len(w.h.Shards)
	var err error
	for _, late := range []bool{true, false} {
		if err == nil {
			err = eachTask(ctx, w.d, w.h, w.o.Shard, func(n int, t task) error {
				if n >= start != late {
					return nil
				}
				return under.Go(ctx, func() { w.do(ctx, end, n, t) })
			})
		}
	}
	under.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// do does one task. An error that every other task would meet ends the shard.
func (w *work) do(ctx context.Context, end context.CancelCauseFunc, n int, t task) {
	e := mirror.Event{Kind: mirror.Done, Verb: string(w.h.Way)}
	out := outcome{N: n}
	if t.Shared != 0 {
		w.moveRange(ctx, t, &e, &out)
	} else {
		w.moveWhole(ctx, t, &e, &out)
	}
	if e.Err != nil {
		if ctx.Err() == nil && mirror.Hopeless(e.Err) {
			end(e.Err)
		}
		if ctx.Err() != nil { // the end of the shard cut it off
			return
		}
		e.Kind = mirror.Failed
		out.Source, out.Error = e.Source, e.Err.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write(out)
	w.count(&e, t.Size)
	if w.o.Observe != nil {
		e.Now = w.summary.Counts
		w.o.Observe(e)
	}
}

// count counts the result of a task; w.mu is held.
func (w *work) count(e *mirror.Event, size int64) {
	s := &w.summary
	if e.Kind == mirror.Failed {
		s.Failed++
		w.progress.Failed++
		if len(s.Failures) < 10 {
			s.Failures = append(s.Failures, mirror.Failure{Source: e.Source, Target: e.Target, Err: e.Err})
		}
		return
	}
	w.progress.Done++
	w.progress.Bytes += size
	s.Size += size
	s.Kept += e.Result.Kept
	s.Done++
	if !e.Result.Proof.Verified {
		s.Unverified++
	}
}

// transferOptions are those of one task. Nothing is kept of an interrupted one: the next run compares both ends.
func (w *work) transferOptions(t task) mirror.TransferOptions {
	o := w.h.Transfer
	o.Resume, o.IfMatch, o.Root = haul.ResumeNever, t.ETag, w.root
	return o
}

// moveRange transfers some parts of a shared object.
func (w *work) moveRange(ctx context.Context, t task, e *mirror.Event, out *outcome) {
	s, ok := w.shared[t.Shared]
	if !ok || t.First < 1 || t.Last < t.First || t.Last > s.Parts() {
		e.Source, e.Err = w.h.From.String(), fmt.Errorf("%w: the shared object %d does not have the parts %d to %d", ErrPlan, t.Shared, t.First, t.Last)
		return
	}
	e.Source, e.Target = endsOf(s)
	if e.Err = w.h.checkEnds(e.Source, e.Target); e.Err != nil {
		return
	}
	what := fmt.Sprintf(" (parts %d to %d of %d)", t.First, t.Last, s.Parts())
	e.Source += what
	o := w.transferOptions(t)
	began := time.Now()
	parts, err := w.c.MoveParts(ctx, s, t.First, t.Last, haul.MovePartsOptions{Fresh: !w.resumed, Attrs: o.Attrs, Root: o.Root})
	e.Err = err
	out.Range = true
	for _, p := range parts {
		out.Parts = append(out.Parts, proof.Part{Size: p.Size, Sum: p.Sum, ETag: p.ETag})
	}
	e.Result = haul.Result{
		Size: t.Size, Parts: t.Last - t.First + 1, Elapsed: time.Since(began),
		Proof: haul.Proof{Verified: true, Text: "each part in transit; the whole by haul array finish"},
	}
}

// endsOf names both ends of a shared transfer.
func endsOf(s haul.Distributed) (source, target string) {
	switch {
	case s.Temp != "":
		return s.From.String(), s.Path
	case s.Path != "":
		return s.Path, s.Upload.Ref.String()
	}
	return s.From.String(), s.Upload.Ref.String()
}

// moveWhole transfers one object.
func (w *work) moveWhole(ctx context.Context, t task, e *mirror.Event, out *outcome) {
	one := mirror.One{Client: w.c, From: w.h.From.child(t.Source), To: w.h.To.child(t.target())}
	one.Listed = store.Object{Ref: one.From.Ref, Size: t.Size, ETag: t.ETag}
	e.Source, e.Target = one.From.String(), one.To.String()
	e.Err = w.h.checkEnds(e.Source, e.Target)
	o := w.transferOptions(t)
	o.OnOpen = func(u store.Upload) { w.uploadOpened(ctx, u) }
	var modified time.Time
	if t.Modified != 0 {
		modified = time.Unix(0, t.Modified)
	}
	if path := one.From.Path; path != "" && e.Err == nil {
		modified, e.Err = unchanged(path, t)
		if w.o.ContentType != nil && o.Attrs.Headers.ContentType == "" {
			o.Attrs.Headers.ContentType = w.o.ContentType(path)
		}
	}
	if e.Err == nil {
		e.Result, e.Err = w.moveUnlessEqual(ctx, t, one, o)
	}
	if e.Err == nil {
		r := record(w.h, e.Source, e.Target, e.Result)
		r.Modified = modified.UTC()
		out.Record = &r
		w.uploadEnded(e.Result.Object.Key)
	}
}

// moveUnlessEqual transfers an object, unless the shard was started before and the target is verified to be equal.
func (w *work) moveUnlessEqual(ctx context.Context, t task, one mirror.One, o mirror.TransferOptions) (haul.Result, error) {
	if w.resumed {
		s, err := one.Compare(ctx, &o.Attrs)
		if err == nil && s.Verdict == haul.Equal && w.isPlanned(s, t) {
			r := haul.Result{Object: s.Target, Size: t.Size, Kept: t.Size, Parts: 1, Proof: haul.Proof{Verified: true, Text: s.Text}}
			for _, sum := range s.Target.Sums {
				r.Proof.Sum = sum
			}
			return r, nil
		}
		if err != nil && mirror.Hopeless(err) || ctx.Err() != nil {
			return haul.Result{}, errors.Join(err, context.Cause(ctx))
		}
	}
	return one.Transfer(ctx, o)
}

// isPlanned reports whether the source of a comparison is in the state that the plan saw.
func (w *work) isPlanned(s haul.Comparison, t task) bool {
	switch w.h.Way {
	case mirror.Download:
		return s.Target.ETag == t.ETag
	case mirror.Copying:
		return s.Source.ETag == t.ETag
	}
	return true
}

// unchanged returns the modification time of a file, and refuses a file that has changed since the plan was made.
func unchanged(path string, t task) (time.Time, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	if fi.Size() != t.Size || localfile.Nanoseconds(fi.ModTime()) != t.Modified {
		return time.Time{}, fmt.Errorf("%w: %s has changed since the plan was made; make a new plan, or leave it out", haul.ErrSourceChanged, path)
	}
	return fi.ModTime(), nil
}

// record returns the line of a receipt for an object.
func record(h Header, source, target string, r haul.Result) proof.Record {
	return proof.Record{
		Format: proof.Format, Verb: string(h.Way), Source: source, Target: target, Store: h.Store, Object: r.Object.Ref, ETag: r.Object.ETag,
		Size: r.Size, Sum: r.Proof.Sum, Time: time.Now().UTC(), Proved: r.Proof.Verified, Proof: r.Proof.Text,
	}
}
