package haul

import (
	"context"
	"encoding"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

const (
	// digestStep is the number of bytes after which the state of a digest is recorded: an interrupted run sums that much
	// again at most.
	digestStep = 1 << 30
	// digestTurn is how many bytes are summed with one buffer before it is returned for others that wait.
	digestTurn = 16 << 20
	// worthSaying is the number of bytes from which people want to know why nothing moves.
	worthSaying = 1 << 30
	// digestLead is how many bytes the parts of an upload may be ahead of its slowest digest. The transfer waits for the
	// digests in the end, so to run further ahead gains nothing: it would take the core from the digest, and the bytes out
	// of the page cache.
	digestLead = 256 << 20
)

// checkDigests refuses algorithms that are not digests.
func (o transferOptions) checkDigests() error {
	for i, a := range o.digests {
		if a.Size() == 0 || slices.Contains(o.digests[:i], a) {
			return fmt.Errorf("%w: Digests names %q twice, or it is none", store.Invalid, string(a))
		}
	}
	if o.digestFirst && !slices.Contains(o.digests, checksum.MD5) {
		return fmt.Errorf("%w: DigestFirst is about an MD5, and Digests has none", store.Invalid)
	}
	return nil
}

// digest is one running digest.
type digest struct {
	algorithm checksum.Algorithm
	h         hash.Hash
	at        int64 // so many bytes are summed
	kept      int64 // at, when the state was last recorded

	summed atomic.Int64 // at, for others to look at
	passed reach        // likewise, for goroutines that wait
}

// digests sum a file from front to back during its transfer, which need not be in order. Each has its own goroutine, which
// reads behind the parts: bytes that are in the page cache, or that a part will find there.
type digests struct {
	*transfer
	size   int64
	all    []*digest
	reach  reach
	append func(entry) // records a state; nil: nowhere
}

// newDigests returns the requested digests; nil if none was requested. One algorithm, free, costs nothing: the transfer
// combines its sum.
func (t *transfer) newDigests(size int64, free checksum.Algorithm, write func(entry)) *digests {
	if len(t.o.digests) == 0 {
		return nil
	}
	d := &digests{transfer: t, size: size, append: write}
	d.reach.reset()
	for _, a := range t.o.digests {
		if a != free || !a.CanCombine() || size == 0 {
			one := &digest{algorithm: a, h: a.New()}
			one.passed.reset()
			d.all = append(d.all, one)
		}
	}
	return d
}

// restore restores the states that an earlier run recorded: of each algorithm the last that lies within the first end bytes,
// which are verified to be the ones that were summed. If a state does not parse (another version of Go wrote it), that
// digest starts over.
func (d *digests) restore(entries []entry, end int64) {
	if d == nil {
		return
	}
	for _, one := range d.all {
		for _, e := range slices.Backward(entries) {
			if e.Digest != one.algorithm || e.Offset > end {
				continue
			}
			h := one.algorithm.New()
			if u, ok := h.(encoding.BinaryUnmarshaler); ok && e.Offset > 0 && u.UnmarshalBinary(e.State) == nil {
				one.h, one.at, one.kept = h, e.Offset, e.Offset
				one.summed.Store(one.at)
			}
			break
		}
	}
}

// restart discards all states, also for a later run.
func (d *digests) restart() {
	if d == nil {
		return
	}
	d.reach.reset()
	for _, one := range d.all {
		one.h.Reset()
		one.at, one.kept = 0, 0
		one.summed.Store(0)
		one.passed.reset()
		if d.append != nil {
			d.append(entry{Digest: one.algorithm})
		}
	}
}

// follow sums from, as far as reach goes, to the end of the file, each digest in a goroutine of g.
func (d *digests) follow(ctx context.Context, g *errgroup.Group, from io.ReaderAt) {
	if d == nil {
		return
	}
	for _, one := range d.all {
		one.passed.grow(one.at)
		g.Go(func() error {
			defer d.record(one)
			for one.at < d.size {
				end, err := d.reach.beyond(ctx, one.at)
				if err != nil {
					return err
				}
				if err := d.sum(ctx, one, from, min(end, one.at+digestTurn)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// near waits until all digests are near an offset. May must have been called for what lies before it.
func (d *digests) near(ctx context.Context, offset int64) error {
	if d == nil || offset <= digestLead {
		return nil
	}
	for _, one := range d.all {
		if _, err := one.passed.beyond(ctx, offset-digestLead-1); err != nil {
			return err
		}
	}
	return nil
}

// may allows summing up to end.
func (d *digests) may(end int64) {
	if d != nil {
		d.reach.grow(end)
	}
}

// wait waits for g after the last byte has moved and only summing is left; it notes that if it takes a while.
func (d *digests) wait(g *errgroup.Group) error {
	if d == nil {
		return g.Wait()
	}
	defer d.c.meter.Since(meter.Proving, time.Now())
	for _, one := range d.all {
		if left := d.size - one.summed.Load(); left >= worthSaying {
			d.Note(fmt.Sprintf("all bytes are transferred; computing the %s of the last %s", one.algorithm, amount.Bytes(left)))
		}
	}
	return g.Wait()
}

// sum sums up to end. It waits only for the disk while it holds memory: waiting for parts with memory could deadlock.
func (d *digests) sum(ctx context.Context, one *digest, from io.ReaderAt, end int64) error {
	lease, err := d.c.memory.Take(ctx, sumBuffer)
	if err != nil {
		return err
	}
	defer lease.Release()
	buf := lease.Bytes()
	for one.at < end && ctx.Err() == nil {
		p := buf[:min(int64(len(buf)), end-one.at)]
		if n, err := from.ReadAt(p, one.at); n < len(p) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read for the %s: %w", one.algorithm, err)
		}
		one.h.Write(p)
		one.at += int64(len(p))
	}
	one.summed.Store(one.at)
	one.passed.grow(one.at)
	if one.at-one.kept >= digestStep {
		d.record(one)
	}
	return context.Cause(ctx)
}

// record writes the state to the journal.
func (d *digests) record(one *digest) {
	m, ok := one.h.(encoding.BinaryMarshaler)
	if d.append == nil || !ok || one.at == one.kept {
		return
	}
	if state, err := m.MarshalBinary(); err == nil { // else an interrupted run starts the digest over
		d.append(entry{Offset: one.at, Digest: one.algorithm, State: state})
		one.kept = one.at
	}
}

// whole sums a file that is completely here.
func (d *digests) whole(ctx context.Context, from io.ReaderAt) error {
	if d == nil {
		return nil
	}
	d.reach.grow(d.size)
	defer d.c.meter.Since(meter.Proving, time.Now())
	g, gctx := errgroup.WithContext(ctx)
	d.follow(gctx, g, from)
	return g.Wait()
}

// sums returns the requested sums, in that order; known is the sum that was free.
func (d *digests) sums(known checksum.Sum) []checksum.Sum {
	if d == nil {
		return nil
	}
	sums := make([]checksum.Sum, len(d.o.digests))
	for i, a := range d.o.digests {
		sums[i] = known // free
		for _, one := range d.all {
			if one.algorithm == a {
				sums[i] = checksum.Of(a, one.h)
			}
		}
	}
	return sums
}

// reach is how far a file may be read from its start.
type reach struct {
	mu    sync.Mutex
	end   int64
	later map[int64]int64 // ranges behind a gap: from their offset to their end
	grown chan struct{}   // closed when end grows
}

func (r *reach) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end, r.later, r.grown = 0, map[int64]int64{}, make(chan struct{})
}

// beyond waits until the file may be read beyond at, and returns how far.
func (r *reach) beyond(ctx context.Context, at int64) (int64, error) {
	for {
		r.mu.Lock()
		end, grown := r.end, r.grown
		r.mu.Unlock()
		if end > at {
			return end, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// grow allows reading up to end.
func (r *reach) grow(end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.growTo(end)
}

// growTo is grow while mu is held.
func (r *reach) growTo(end int64) {
	if end <= r.end {
		return
	}
	r.end = end
	close(r.grown)
	r.grown = make(chan struct{})
}

// arrived allows reading a range as soon as all before it may be read.
func (r *reach) arrived(x store.Range) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.later[x.Offset] = x.End()
	end := r.end
	for next, ok := r.later[end]; ok; next, ok = r.later[end] {
		delete(r.later, end)
		end = next
	}
	r.growTo(end)
}
