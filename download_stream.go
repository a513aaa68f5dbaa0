package haul

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/budget"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// DownloadStream writes the object from to w, sequentially. It downloads ranges in parallel and buffers them in memory until
// they can be written. All streams of a Client share half of its memory for this, so a w that blocks holds up the others.
// Data written before an error stays written; ErrMismatch is detected only at the end.
func (c *Client) DownloadStream(ctx context.Context, from store.Ref, w io.Writer, o DownloadOptions) (Result, error) {
	defer c.alive()()
	t := c.begin(from.String(), "-", o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	part := min(layout.RangeSize(0, t.o.partSize), c.memory.Limit()/4) // ranges wait in memory for their turn
	obj, first, err := t.discover(ctx, from, part)
	if err != nil {
		return Result{}, err
	}
	f := &streamDownload{remote: t.newSource(ctx, from, obj), w: w, part: part}
	f.known.Claims = evidence.Streamed(f.known.Claims) // what has passed cannot be read again
	t.started(obj.Size, int(max(1, (obj.Size+part-1)/part)))
	if err := f.move(ctx, first); err != nil {
		return Result{}, err
	}
	proof, doubt, err := f.verifyPassed()
	if err == nil && !proof.Verified && (doubt.Kind != "" || t.o.readTwice) {
		if err = f.fetchAgain(ctx); err == nil {
			proof = f.cameTwice(proof, doubt)
		}
	}
	if err != nil {
		return Result{}, err
	}
	r := Result{Object: obj, Size: obj.Size, Parts: max(len(f.segments), 1), Proof: proof}
	if f.digests != nil {
		known, err := combine(f.segments)
		if err != nil {
			return Result{}, err
		}
		r.Digests = f.digests.sums(known)
		if err := sameMD5(obj, r.Digests); err != nil {
			return Result{}, err
		}
	}
	return t.done(r), nil
}

// maxAhead bounds the ranges that are fetched before their turn; memory and lanes end it sooner.
const maxAhead = 1024

// streamDownload is one download into a stream.
type streamDownload struct {
	*remote
	w        io.Writer
	part     int64
	segments []segment
	running  evidence.Running // sums the bytes in order, if the sums of the ranges are not enough
	digests  *digestChain
	again    bool // it was all fetched before
}

// arrived is a range that waits for its turn.
type arrived struct {
	store.Range
	mem  []byte
	sum  checksum.Sum
	err  error
	done chan struct{}
	free func()
}

// move fetches ranges ahead, as memory and lanes allow, and writes them in order. Memory is taken in the order of the
// ranges, so the one whose turn it is always has its own.
func (f *streamDownload) move(ctx context.Context, first *response) error {
	if !f.free() && !f.again {
		f.running = evidence.NewRunning(f.known.Claims)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g, gctx := errgroup.WithContext(ctx)
	queue := make(chan *arrived, maxAhead)
	if !f.again {
		f.digests = f.newChain(f.algorithm, g)
	}
	g.Go(func() error { return f.write(queue, stop) })
	var serr error
	gaps := []store.Range{{Length: f.obj.Size}}
	if first != nil {
		gaps = layout.Gaps(f.obj.Size, []store.Range{first.Body.Range})
		if serr = f.ahead(gctx, g, first.Body.Range, first, queue); serr != nil {
			first.close()
		}
	}
	ranges := layout.NewRanges(gaps, f.part, true)
	for serr == nil {
		r, ok := ranges.Next(f.c.dispatch.Pace.Lanes())
		if !ok {
			break
		}
		serr = f.ahead(gctx, g, r, nil, queue)
	}
	close(queue)
	if err := g.Wait(); err != nil {
		return err
	}
	return serr
}

// ahead starts the rangeFetch of a range and appends it to the queue.
func (f *streamDownload) ahead(ctx context.Context, g *errgroup.Group, r store.Range, body *response, queue chan<- *arrived) error {
	lease, err := f.memory(ctx, r.Length)
	if err != nil {
		return err
	}
	free := func() {
		lease.Release()
		f.c.ahead.Release(r.Length)
	}
	if err := f.c.dispatch.Enter(ctx, r.Length); err != nil {
		free()
		return err
	}
	a := &arrived{Range: r, mem: lease.Bytes(), done: make(chan struct{}), free: free}
	select {
	case queue <- a:
	case <-ctx.Done():
		f.c.dispatch.Leave(r.Length)
		free()
		return context.Cause(ctx)
	}
	g.Go(func() error {
		defer f.c.dispatch.Leave(r.Length)
		defer close(a.done)
		a.sum, a.err = f.fetch(ctx, r, body, inMemory(a.mem), nil)
		return a.err
	})
	return nil
}

// memory takes what a range needs while it waits for its turn; its release returns it to both.
func (f *streamDownload) memory(ctx context.Context, size int64) (*budget.Lease, error) {
	defer f.c.meter.Since(meter.Memory, time.Now())
	if err := f.c.ahead.Acquire(ctx, size); err != nil {
		return nil, context.Cause(ctx)
	}
	lease, err := f.c.memory.Take(ctx, size)
	if err != nil {
		f.c.ahead.Release(size)
	}
	return lease, err
}

// write writes the ranges in order as they arrive. After a failure it stops the others, and frees what they had taken.
func (f *streamDownload) write(queue <-chan *arrived, stop context.CancelCauseFunc) error {
	defer f.digests.end()
	var failed error
	for a := range queue {
		<-a.done
		if failed == nil {
			if failed = f.writeOne(a); failed != nil {
				stop(failed)
			}
		}
		a.free()
	}
	return failed
}

func (f *streamDownload) writeOne(a *arrived) error {
	if a.err != nil {
		return a.err
	}
	_, _ = f.running.Write(a.mem)
	a.free = f.digests.pass(piece{mem: a.mem}, a.free)
	f.segments = append(f.segments, segment{a.Range, a.sum})
	began := time.Now()
	_, err := f.w.Write(a.mem)
	f.c.meter.Since(meter.Target, began)
	if err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	return nil
}

// verifyPassed compares what passed with what the store records.
func (f *streamDownload) verifyPassed() (Proof, evidence.Claim, error) {
	sums, err := f.sums()
	if err != nil {
		return Proof{}, evidence.Claim{}, err
	}
	a := evidence.Decide(f.known.Claims[:len(sums)], sums)
	if a.Verdict == evidence.Match {
		f.c.etags.Fit(a.Claim)
	}
	return proofOf(f.known, a)
}

// sums returns those of what passed, for the first claims.
func (f *streamDownload) sums() ([]checksum.Sum, error) {
	switch {
	case !f.free():
		return f.running.Sums()
	case f.obj.Size == 0:
		return []checksum.Sum{checksum.Bytes(f.algorithm, nil)}, nil
	}
	sum, err := combine(f.segments)
	return []checksum.Sum{sum}, err
}

// fetchAgain fetches everything once more, and discards it, if nothing else verifies what passed: other bytes than the first
// time are an ErrMismatch.
func (f *streamDownload) fetchAgain(ctx context.Context) error {
	f.Note("the data does not match the checksum that the store recorded; downloading it again to compare")
	again := &streamDownload{remote: f.remote, w: io.Discard, part: f.part, again: true}
	f.arrive(-f.obj.Size)
	if err := again.move(ctx, nil); err != nil {
		return err
	}
	if differing(f.segments, again.segments) > 0 {
		return fmt.Errorf("%s: %w: it came differently twice", f.obj.Ref, ErrMismatch)
	}
	return nil
}

// inMemory stores bytes in memory that room has already returned.
type inMemory []byte

func (m inMemory) room(offset int64) []byte { return m[offset:] }

func (m inMemory) land(int64, []byte) error { return nil }
