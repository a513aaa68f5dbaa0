package haul

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/store"
)

// sendMissing sends the parts that are missing: each is fetched into memory, and sent from there, so that the lanes of the two stores
// work side by side. A part that is too large for the memory is sent as it comes. Sums that need the bytes in order follow; for them,
// parts that an earlier run has sent are fetched once more.
func (b *between) sendMissing(ctx context.Context) error {
	u := b.to
	g, gctx := errgroup.WithContext(ctx)
	queue := b.sumInOrder(g)
	var serr error
	for n := 1; n <= u.layout.Count && serr == nil; n++ {
		switch {
		case u.has(n) && queue == nil:
		case b.fits(u.layout.PartSize):
			serr = b.pass(gctx, g, n, queue)
		default:
			serr = b.pipePart(gctx, g, n)
		}
	}
	if queue != nil {
		close(queue)
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return serr
}

// sumInOrder starts the sums that need the bytes in order, and returns the queue for the parts in that order; nil if there are no
// such sums.
func (b *between) sumInOrder(g *errgroup.Group) chan<- *arrived {
	u := b.to
	b.running, b.digests = nil, nil
	if !b.fits(u.layout.PartSize) {
		b.unsummed = !b.free() && len(b.known.Claims) > 0
		if len(u.o.digests) > 0 {
			u.Note("its digests are not computed: the parts are too large for the memory (see --memory)")
		}
		return nil
	}
	b.digests = u.newChain(b.algorithm, g)
	if !b.free() {
		b.running = evidence.NewRunning(b.known.Claims)
	}
	if len(b.running) == 0 && (b.digests == nil || len(b.digests.links) == 0) {
		return nil
	}
	queue := make(chan *arrived, maxAhead)
	g.Go(func() error {
		defer b.digests.end()
		for a := range queue {
			if <-a.done; a.err == nil {
				_, _ = b.running.Write(a.mem)
				a.free = b.digests.pass(piece{mem: a.mem}, a.free)
			}
			a.free()
		}
		return nil
	})
	return queue
}

// pass fetches part n into memory, and sends it from there unless the store has it. Memory is taken in the order of the parts, so the
// one whose turn it is always has its own.
func (b *between) pass(ctx context.Context, g *errgroup.Group, n int, queue chan<- *arrived) error {
	r := b.to.layout.Part(n)
	lease, err := b.to.c.memory.Take(ctx, r.Length+sumBuffer)
	if err != nil {
		return err
	}
	mem, scratch := lease.Bytes()[:r.Length], lease.Bytes()[r.Length:]
	var users atomic.Int32
	free := func() {
		if users.Add(-1) == 0 {
			lease.Release()
		}
	}
	a := &arrived{Range: r, mem: mem, done: make(chan struct{}), free: free}
	users.Store(1)
	if queue != nil {
		users.Store(2)
		select {
		case queue <- a:
		case <-ctx.Done():
			lease.Release()
			return context.Cause(ctx)
		}
	}
	if err := b.c.dispatch.Enter(ctx, r.Length); err != nil {
		a.err = err
		close(a.done)
		free()
		return err
	}
	g.Go(func() error {
		defer free()
		a.sum, a.err = b.fetch(ctx, r, nil, inMemory(mem), nil)
		b.c.dispatch.Leave(r.Length)
		b.sums[n-1] = a.sum
		err := a.err
		close(a.done)
		if err != nil || b.to.has(n) {
			return err
		}
		if err := b.to.c.dispatch.Enter(ctx, r.Length); err != nil {
			return err
		}
		defer b.to.c.dispatch.Leave(r.Length)
		return b.sendPart(ctx, n, outgoing{
			content: readerAt{bytes.NewReader(mem), r.Length}, body: io.NewSectionReader(bytes.NewReader(mem), 0, r.Length), buf: scratch,
		})
	})
	return nil
}

// sendPart sends part n, and records that.
func (b *between) sendPart(ctx context.Context, n int, out outgoing) error {
	u := b.to
	if err := u.send(ctx, n, out); err != nil {
		return err
	}
	b.recordPart(n)
	return nil
}

// recordPart records part n, whose bytes have passed and are in the upload.
func (b *between) recordPart(n int) {
	u := b.to
	r := u.layout.Part(n)
	part, sent := u.part(n)
	u.append(u.log, entry{Offset: r.Offset, Length: r.Length, Sum: b.sums[n-1], ETag: part.ETag, Sent: sent})
	u.noteRate(u.log)
}

// pipePart sends part n as it comes.
func (b *between) pipePart(ctx context.Context, g *errgroup.Group, n int) error {
	r := b.to.layout.Part(n)
	lease, err := b.to.c.memory.Take(ctx, 2*sumBuffer)
	if err != nil {
		return err
	}
	if err := b.to.c.dispatch.Enter(ctx, r.Length); err != nil {
		lease.Release()
		return err
	}
	g.Go(func() error {
		defer lease.Release()
		defer b.to.c.dispatch.Leave(r.Length)
		if err := b.c.dispatch.Enter(ctx, r.Length); err != nil {
			return err
		}
		defer b.c.dispatch.Leave(r.Length)
		bufs := slices.Collect(slices.Chunk(lease.Bytes(), sumBuffer))
		p := b.pipe(ctx, r, bufs[0])
		defer p.close()
		if err := b.to.send(ctx, n, outgoing{content: p, body: io.NewSectionReader(p, 0, r.Length), buf: bufs[1]}); err != nil {
			return err
		}
		sum, err := p.whole()
		if err != nil {
			return err
		}
		b.sums[n-1] = sum
		b.recordPart(n)
		return nil
	})
	return nil
}

// piped is a range of the source that is read as it comes, from front to back; reading from another place starts there. A request that
// was given up may still read while the next one does: then each gets its own bytes, slowly.
type piped struct {
	mu    sync.Mutex
	open  func(offset int64) (io.ReadCloser, <-chan checksum.Sum)
	size  int64
	in    io.ReadCloser
	ended <-chan checksum.Sum
	at    int64
	sum   checksum.Sum // of the last time that all of it came
}

// pipe returns a range of the source as content. Buf is what it is read by.
func (b *between) pipe(ctx context.Context, r store.Range, buf []byte) *piped {
	return &piped{size: r.Length, open: func(offset int64) (io.ReadCloser, <-chan checksum.Sum) {
		in, out := io.Pipe()
		ended := make(chan checksum.Sum, 1)
		go func() {
			sum, err := b.fetch(ctx, store.Range{Offset: r.Offset + offset, Length: r.Length - offset}, nil, &pipeSink{out, buf}, nil)
			if offset > 0 || err != nil {
				sum = checksum.Sum{}
			}
			ended <- sum
			out.CloseWithError(err)
		}()
		return in, ended
	}}
}

// Size returns the size in bytes.
func (p *piped) Size() int64 { return p.size }

// Changed returns nil: each request is pinned to one state of the source.
func (p *piped) Changed() error { return nil }

// Touched returns false.
func (p *piped) Touched() bool { return false }

// ReadAt reads what comes next, or starts at another offset.
func (p *piped) ReadAt(buf []byte, offset int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in == nil || offset != p.at {
		p.end()
		p.in, p.ended = p.open(offset)
		p.at = offset
	}
	n, err := io.ReadFull(p.in, buf)
	p.at += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// close ends what is being read.
func (p *piped) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
}

func (p *piped) end() {
	if p.in == nil {
		return
	}
	if p.at < p.size {
		p.in.Close()
	}
	if sum := <-p.ended; !sum.IsZero() {
		p.sum = sum
	}
	p.in.Close()
	p.in = nil
}

// whole returns the sum of all bytes, which have been read; again, if never in one go.
func (p *piped) whole() (checksum.Sum, error) {
	if p.close(); p.sum.IsZero() {
		if _, err := io.Copy(io.Discard, io.NewSectionReader(p, 0, p.size)); err != nil {
			return checksum.Sum{}, err
		}
		p.close()
	}
	return p.sum, nil
}

// pipeSink is a pipe as a sink of a range.
type pipeSink struct {
	out *io.PipeWriter
	buf []byte
}

func (s *pipeSink) room(int64) []byte { return s.buf }

func (s *pipeSink) land(_ int64, p []byte) error {
	_, err := s.out.Write(p)
	return err
}
