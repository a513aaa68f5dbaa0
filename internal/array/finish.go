package array

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// Verdict is the result of Finish: finish.json.
type Verdict struct {
	Plan string    `json:"plan"`
	Time time.Time `json:"time"`
	// Proved reports that everything was transferred and verified, and is in the receipt.
	Proved bool `json:"proved"`
	// Objects and Bytes are those of the receipt.
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Last counts the manifests and markers among them, Withheld those that were not sent, since something failed or is not verified.
	Last     int `json:"last,omitempty"`
	Withheld int `json:"withheld,omitempty"`
	// Failed counts tasks that failed or were not done, Unproved objects that are not verified.
	Failed   int `json:"failed"`
	Unproved int `json:"unproved"`
	// Requeue are the shards to do again, in order.
	Requeue []int `json:"requeue,omitempty"`
	// Problems are the first MaxProblems, in words.
	Problems []string `json:"problems,omitempty"`
}

const (
	// MaxProblems is the most problems that a Verdict has in words.
	MaxProblems = 100
	// completions is how many shared transfers are completed at once: their parts are in memory, 100 bytes each.
	completions = 64
)

// FinishOptions are the options of Finish.
type FinishOptions struct {
	// Host and ContentType are as in WorkOptions, for manifests and markers.
	Host        string
	ContentType func(name string) string
	// Note gets messages for the user; it may be nil.
	Note func(string)
}

// Finish checks that all of a plan was done, completes and verifies what is shared, transfers manifests and then markers, and writes
// the receipt. If the plan was finished before, it only returns the verdict.
func Finish(ctx context.Context, c *haul.Client, d *PlanDir, o FinishOptions) (Verdict, error) {
	h, err := Read(ctx, c, d)
	if err != nil {
		return Verdict{}, err
	}
	var before Verdict
	err = d.readJSON(ctx, verdictName, &before)
	if err == nil && before.Proved && before.Plan == h.ID {
		return before, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged) {
		return Verdict{}, fmt.Errorf("read an earlier verdict: %w", err)
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	f := &finish{c: c, d: d, h: h, o: o, ranges: map[int][]rangeTask{}}
	f.verdict.Plan, f.verdict.Withheld = h.ID, h.Manifests.tasks()+h.Markers.tasks()
	err = d.write(ctx, receiptName, func(w io.Writer) error {
		f.receipt = w
		for _, step := range []func(context.Context) error{f.shards, f.complete, f.freshenIndexes, f.manifestsAndMarkers} {
			if err := step(ctx); err != nil {
				return err
			}
			if f.verdict.Failed > 0 {
				return errNoReceipt
			}
		}
		if got := f.verdict.Objects + f.verdict.Withheld; got != h.Objects {
			return fmt.Errorf("%w: its shards have %d objects, and there should be %d", ErrPlan, got, h.Objects)
		}
		n := f.verdict.Objects
		return proof.RunRecord(proof.Record{Source: h.From.String(), Target: h.To.String(), Store: h.Store, Files: n, Covered: n, Complete: true}).Write(w)
	})
	if err != nil && !errors.Is(err, errNoReceipt) {
		return f.verdict, err
	}
	if f.verdict.Failed == 0 {
		if err := f.sweep(ctx); err != nil {
			return f.verdict, err
		}
	}
	f.verdict.Time = time.Now().UTC().Truncate(time.Second)
	f.verdict.Proved = f.verdict.Failed == 0 && f.verdict.Unproved == 0
	slices.Sort(f.verdict.Requeue)
	return f.verdict, d.writeJSON(ctx, verdictName, f.verdict)
}

// errNoReceipt prevents an incomplete receipt.
var errNoReceipt = errors.New("not everything was done")

// finish is one Finish.
type finish struct {
	// set once
	c       *haul.Client
	d       *PlanDir
	h       Header
	o       FinishOptions
	receipt io.Writer

	restarted []Progress          // of shards that were started more than once
	indexed   []int               // shards with indexes that came down
	ranges    map[int][]rangeTask // of all shards, by shared object

	mu      sync.Mutex
	verdict Verdict
}

// rangeTask is a range of a shared object, with the offset of its outcome in the results of a shard.
type rangeTask struct {
	first, last, shard int
	offset             int64
}

// problem records why so many tasks are not done; shard is -1 if it is not about one shard.
func (f *finish) problem(shard, tasks int, format string, args ...any) {
	f.verdict.Failed += tasks
	if len(f.verdict.Problems) < MaxProblems {
		f.verdict.Problems = append(f.verdict.Problems, fmt.Sprintf(format, args...))
	}
	if shard >= 0 && !slices.Contains(f.verdict.Requeue, shard) {
		f.verdict.Requeue = append(f.verdict.Requeue, shard)
	}
}

// record writes a line of the receipt.
func (f *finish) record(r proof.Record) error {
	f.verdict.Objects++
	f.verdict.Bytes += r.Size
	if !r.Proved {
		f.verdict.Unproved++
		if len(f.verdict.Problems) < MaxProblems {
			f.verdict.Problems = append(f.verdict.Problems, fmt.Sprintf("%s: not verified: %s", r.Source, r.Proof))
		}
	}
	return r.Write(f.receipt)
}

// shards checks the results of each shard, and adds its records to the receipt.
func (f *finish) shards(ctx context.Context) error {
	for i := range f.h.Shards {
		p, err := readProgress(ctx, f.d, f.h, i)
		if err != nil {
			return err
		}
		if p.Runs > 1 {
			f.restarted = append(f.restarted, p)
		}
		if err := f.shard(ctx, i, p); err != nil {
			return fmt.Errorf("check shard %d: %w", i, err)
		}
	}
	return nil
}

// shard checks that each task of a shard has an outcome, and succeeded.
func (f *finish) shard(ctx context.Context, shard int, p Progress) error {
	tasks, word := f.h.load(shard).tasks(), shardWord(shard)
	if tasks == 0 {
		return nil
	}
	good := make([]bool, tasks)
	bad := map[int]bool{}
	places := map[int]int64{} // of ranges, by task
	end, err := eachOutcome(ctx, f.d, f.h, shard, func(offset int64, o outcome) error {
		switch {
		case o.N < 0 || o.N >= tasks:
			return fmt.Errorf("there is no task %d", o.N)
		case o.Error != "":
			bad[o.N] = true
			f.problem(shard, 1, "%s: %s: %s", word, o.Source, o.Error)
		case good[o.N]:
		case o.Record != nil:
			good[o.N] = true
			return f.record(*o.Record)
		case o.Range:
			good[o.N], places[o.N] = true, offset
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errOther):
		f.problem(shard, tasks, "%s: no results: %s", word, f.lastReport(p))
		return nil
	case err != nil:
		return err
	case end.Stopped != "" && slices.Contains(good, false):
		f.problem(shard, 0, "%s: it ended early on %s: %s", word, end.Host, end.Stopped)
	}
	return eachTask(ctx, f.d, f.h, shard, func(n int, t task) error {
		switch {
		case n >= tasks: // eachTask reports that there are too many
		case good[n] && t.Shared != 0:
			f.ranges[t.Shared] = append(f.ranges[t.Shared], rangeTask{t.First, t.Last, shard, places[n]})
		case !good[n] && !bad[n] && t.Shared != 0:
			f.problem(shard, 1, "%s: not done: parts %d to %d of the shared object %d", word, t.First, t.Last, t.Shared)
		case !good[n] && !bad[n]:
			f.problem(shard, 1, "%s: not done: %s", word, f.h.From.child(t.Source))
		case f.h.Way == mirror.Download && seqfile.RoleOf(string(t.target())) == seqfile.Index &&
			(len(f.indexed) == 0 || f.indexed[len(f.indexed)-1] != shard):
			f.indexed = append(f.indexed, shard)
		}
		return nil
	})
}

// lastReport is what is known of a shard without results, in words.
func (f *finish) lastReport(p Progress) string {
	switch {
	case p.Runs == 0:
		return "it was never started"
	case p.Updated.IsZero():
		return "it was started, and its progress file is damaged"
	}
	return fmt.Sprintf("process %d on %s started it, and last reported at %s, with %d of %d done",
		p.PID, p.Host, p.Updated.Local().Format(time.DateTime), p.Done, f.h.load(p.Shard).tasks())
}

// complete completes what is shared.
func (f *finish) complete(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(completions)
	err := eachShared(ctx, f.d, func(n int, s haul.Distributed) error {
		g.Go(func() error { return f.completeOne(gctx, s, f.ranges[n]) })
		return gctx.Err()
	})
	if werr := g.Wait(); werr != nil {
		return werr
	}
	return err
}

// recordedParts reads the parts of an object from the results of the shards.
func (f *finish) recordedParts(ranges []rangeTask) ([]store.Part, error) {
	var parts []store.Part
	for _, r := range ranges {
		line, err := f.d.lineAt(shardName(resultsName, r.shard), r.offset)
		var o outcome
		if err == nil {
			err = json.Unmarshal(line, &o)
		}
		if err != nil {
			return nil, fmt.Errorf("read the results of shard %d again: %w", r.shard, err)
		}
		for i, p := range o.Parts {
			parts = append(parts, store.Part{Number: r.first + i, Size: p.Size, ETag: p.ETag, Sum: p.Sum})
		}
	}
	slices.SortFunc(parts, func(a, b store.Part) int { return a.Number - b.Number })
	return parts, nil
}

// completeOne completes one shared transfer. What cannot be completed is a problem of the shards whose parts are missing.
func (f *finish) completeOne(ctx context.Context, s haul.Distributed, ranges []rangeTask) error {
	recorded, err := f.recordedParts(ranges)
	if err != nil {
		return err
	}
	o := f.h.Transfer
	result, err := f.c.CompleteDistributed(ctx, s, recorded, haul.CompleteOptions{
		Checksum: o.Checksum, NoClobber: o.NoClobber, Times: o.Times, ReadTwice: o.ReadTwice, Attrs: o.Attrs, Root: o.Root,
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	source, target := endsOf(s)
	var parts *haul.PartsError
	switch {
	case errors.As(err, &parts):
		before := f.verdict.Failed
		for _, r := range ranges {
			if slices.ContainsFunc(parts.Missing, func(n int) bool { return n >= r.first && n <= r.last }) {
				f.problem(r.shard, 1, "shard %d: %s: the store does not have the parts %d to %d, which were sent", r.shard, source, r.first, r.last)
			}
		}
		if f.verdict.Failed == before { // no shard has these parts
			f.problem(-1, 1, "%s: %v", source, err)
		}
		return nil
	case err != nil:
		f.problem(-1, 1, "%s: %v", source, err)
		return nil
	}
	r := record(f.h, source, target, result)
	r.Modified, r.PartSize = s.Modified.UTC(), s.PartSize
	if len(recorded) == s.Parts() { // otherwise it was already complete, and verified as a whole
		for _, p := range recorded {
			r.Parts = append(r.Parts, proof.Part{Size: p.Size, Sum: p.Sum, ETag: p.ETag})
		}
	}
	return f.record(r)
}

// Abort removes a plan, so that none of its shards can start, aborts the uploads that the plan or its tasks opened and did not
// complete, and removes the plan's hidden files. It accepts a partial plan too. It returns how many transfers the plan had opened.
func Abort(ctx context.Context, c *haul.Client, d *PlanDir) (int, error) {
	h, err := Read(ctx, c, d)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	half, herr := d.has(ctx, sharedName)
	if herr != nil {
		return 0, herr
	}
	if err != nil && !half {
		return 0, err
	}
	if err := d.remove(ctx, headerName); err != nil { // first, so that no shard starts meanwhile
		return 0, err
	}
	var g errgroup.Group
	g.SetLimit(completions)
	if h.Way != mirror.Download {
		g.Go(func() error { return abortTasks(ctx, c, d, h) })
	}
	n := 0
	err = eachShared(ctx, d, func(_ int, s haul.Distributed) error {
		n++
		g.Go(func() error { return c.AbortDistributed(ctx, s) })
		return nil
	})
	if err := errors.Join(err, g.Wait()); err != nil {
		return n, err
	}
	return n, d.remove(ctx, sharedName)
}

// Watch returns the progress of all shards together. In a folder it is cheap; below a prefix it costs a request per shard.
func Watch(ctx context.Context, d *PlanDir, h Header) (Progress, error) {
	var sum Progress
	for i := firstShard; i < len(h.Shards); i++ {
		if h.load(i).tasks() == 0 {
			continue
		}
		p, err := readProgress(ctx, d, h, i)
		if err != nil {
			return sum, err
		}
		if p.Runs > 0 {
			sum.Runs++
		}
		sum.Done, sum.Failed, sum.Bytes = sum.Done+p.Done, sum.Failed+p.Failed, sum.Bytes+p.Bytes
	}
	return sum, nil
}

// ReadVerdict returns the result of Finish, or fs.ErrNotExist if it has not ended yet.
func ReadVerdict(ctx context.Context, d *PlanDir, h Header) (Verdict, error) {
	var v Verdict
	err := d.readJSON(ctx, verdictName, &v)
	if err == nil && v.Plan != h.ID {
		err = fs.ErrNotExist
	}
	return v, err
}

// Forget removes an earlier verdict, unless everything is verified, so that the next one is known to be new.
func Forget(ctx context.Context, d *PlanDir, h Header) error {
	v, err := ReadVerdict(ctx, d, h)
	if errors.Is(err, fs.ErrNotExist) || err == nil && v.Proved {
		return nil
	}
	return errors.Join(err, d.remove(ctx, verdictName))
}
