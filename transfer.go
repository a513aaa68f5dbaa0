package haul

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/dispatch"
	"haul.example/haul/store"
)

// transfer is one running transfer, in any direction.
type transfer struct {
	// set once, before the first request
	c              *Client
	o              transferOptions
	source, target string
	began          time.Time

	moved, kept atomic.Int64 // bytes
	safe        atomic.Int64 // bytes that are stored for good, including kept ones
	arrived     atomic.Int64 // bytes that are at the other end, safe or not
	total       atomic.Int64 // bytes; -1 is not known
	retries     atomic.Int64
	cuts        atomic.Int64 // of them, those of requests that were slower than others
	rate        atomic.Int64 // of the link, as it was written down last
	mute        atomic.Bool  // the record failed, and the user knows
	fleeting    bool         // nothing of it is kept if it fails; set before the first part is sent

	// of a copy
	sourceParts []int64 // sizes of the source's own parts; nil before the store was asked, and empty if they cannot be used
	unsummed    bool    // the store does not sum copied parts
	begun       bool    // the start event was sent
}

// begin starts a transfer.
func (c *Client) begin(source, target string, o transferOptions) *transfer {
	t := &transfer{c: c, o: o, source: source, target: target, began: time.Now()}
	t.total.Store(-1)
	return t
}

// started reports what is about to move: its size is -1 if that is not known, parts is 1 for a small object, 0 if it is not known.
func (t *transfer) started(size int64, parts int) {
	if t.begun { // a copy that continues in another way
		return
	}
	t.begun = true
	t.total.Store(size)
	t.c.meter.Begin(size, parts)
	t.event(Event{Kind: EventStart, Size: size})
}

func (t *transfer) event(e Event) {
	if t.c.opts.Observe == nil {
		return
	}
	t.c.observing.Lock()
	defer t.c.observing.Unlock()
	e.Time, e.Source, e.Target = time.Now(), t.source, t.target
	t.c.opts.Observe(e)
}

// Note reports what the user should know.
func (t *transfer) Note(text string) { t.event(Event{Kind: EventNote, Text: text}) }

// Retried reports a failed request that is made again.
func (t *transfer) Retried(err error, wait time.Duration) {
	t.retries.Add(1)
	if errors.Is(err, dispatch.ErrSlow) {
		t.cuts.Add(1)
	}
	t.c.meter.Retry()
	t.event(Event{Kind: EventRetry, Err: err, Wait: wait})
}

// Fleeting reports that nothing of the transfer is kept if it fails.
func (t *transfer) Fleeting() bool { return t.fleeting }

// try makes a request again until it succeeds or is given up.
func (t *transfer) try(ctx context.Context, f func(context.Context) error) error {
	return t.c.dispatch.Try(ctx, t, f)
}

// tryWatched is try for a request that sends bytes.
func (t *transfer) tryWatched(ctx context.Context, r dispatch.Send, f func(context.Context, *dispatch.Attempt) error) error {
	return t.c.dispatch.TryWatched(ctx, t, r, f)
}

// do is try for a request that moves no payload.
func (t *transfer) do(ctx context.Context, f func(context.Context) error) error {
	return t.c.dispatch.Ask(ctx, t, f)
}

// ask is do for a request with an answer.
func ask[T any](ctx context.Context, t *transfer, f func(context.Context) (T, error)) (answer T, err error) {
	err = t.do(ctx, func(ctx context.Context) (err error) {
		answer, err = f(ctx)
		return err
	})
	return answer, err
}

// cleanupTime is how long an abort may take after the transfer's own context has ended.
const cleanupTime = 30 * time.Second

// cleanup returns a context for cleaning up that does not end with ctx.
func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}

// keep counts bytes and parts of an earlier run that this one verified again.
func (t *transfer) keep(bytes int64, parts int) {
	if parts == 0 {
		return
	}
	t.kept.Add(bytes)
	t.safe.Add(bytes)
	t.arrived.Add(bytes)
	t.c.meter.Kept(bytes, parts)
	t.event(Event{Kind: EventKept, Bytes: bytes})
}

// secured counts bytes that need not move again if the transfer is interrupted now.
func (t *transfer) secured(bytes int64) {
	t.safe.Add(bytes)
	t.c.meter.Safe(bytes)
}

// discarded takes back what was secured, if it is lost with the transfer.
func (t *transfer) discarded() { t.c.meter.Safe(-t.safe.Swap(0)) }

// done ends the transfer successfully.
func (t *transfer) done(r Result) Result {
	t.total.Store(r.Size)
	t.secured(r.Size - t.safe.Load())
	r.Kept, r.Moved = t.kept.Load(), t.moved.Load()
	r.Retries = int(t.retries.Load())
	r.Elapsed = time.Since(t.began)
	t.event(Event{Kind: EventDone, Size: r.Size, Result: &r})
	return r
}

// attrsKey returns a text that is equal for equal Attrs. It shows no secrets.
func attrsKey(a *store.Attrs) string {
	b, err := json.Marshal(a)
	if err != nil {
		panic("haul: internal error: attrs do not marshal: " + err.Error())
	}
	return string(b)
}

// tally counts bytes as they are read for sending, from front to back, and sums them if they have no sum yet. Its bytes are
// subtracted from the progress if the request fails.
type tally struct {
	io.ReaderAt
	t         *transfer
	f         *dispatch.Attempt // nil: not watched
	algorithm checksum.Algorithm
	h         hash.Hash       // of algorithm; nil: not summed
	done      <-chan struct{} // closed when the request ends early
	n         atomic.Int64
	// last is when bytes were last asked for, in nanoseconds after the transfer began; 0 is never.
	last atomic.Int64
}

// ReadAt reads and counts. Reading from the front again starts over.
func (y *tally) ReadAt(p []byte, off int64) (int, error) {
	n, err := y.ReaderAt.ReadAt(p, off)
	if y.h != nil {
		if off == 0 {
			y.h.Reset()
		}
		y.h.Write(p[:n])
	}
	y.t.c.moved(n, y.done)
	y.n.Add(int64(n))
	y.last.Store(int64(time.Since(y.t.began)) + 1)
	y.f.Moved(int64(n))
	y.t.moved.Add(int64(n))
	y.t.arrive(int64(n))
	return n, err
}

// sum returns the sum of all that was read.
func (y *tally) sum() checksum.Sum { return checksum.Of(y.algorithm, y.h) }

// whole returns sum if all of size was read, as the caller that took it says.
func (y *tally) whole(size int64) (checksum.Sum, error) {
	if n := y.n.Load(); n < size {
		return checksum.Sum{}, &store.Error{Kind: store.Corrupt, Op: "UploadPart", Message: fmt.Sprintf("only %d of %d bytes were taken", n, size)}
	}
	return y.sum(), nil
}

// answer returns the time since the last bytes were handed over: the time the store took to answer, and sockets to empty.
func (y *tally) answer() time.Duration {
	last := time.Duration(y.last.Load())
	if last == 0 { // there was no byte
		return 0
	}
	return time.Since(y.t.began) + 1 - last
}

// settle makes the request's share of the progress equal to size: 0 after a failure, the part's size after success.
func (y *tally) settle(size int64) { y.t.arrive(size - y.n.Swap(size)) }
