package haul

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// UploadStream uploads everything it reads from r as the object to. A short stream is sent in one request, a longer one in
// parts whose size grows with the stream, up to the store's limit; parts too large for memory are buffered in a temporary
// file. The stream cannot be read twice, so after a failure the upload is aborted. If ctx ends during a Read of r,
// UploadStream does not wait for that Read.
func (c *Client) UploadStream(ctx context.Context, r io.Reader, to store.Ref, o UploadOptions) (Result, error) {
	defer c.alive()()
	t := c.begin("-", to.String(), o.all())
	defer t.report()()
	return t.stream(ctx, r, to)
}

// stream stores what it reads from r.
func (t *transfer) stream(ctx context.Context, r io.Reader, to store.Ref) (Result, error) {
	c := t.c
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	if t.o.digestFirst {
		return Result{}, fmt.Errorf("%w: a stream cannot be read before, for DigestFirst", store.Invalid)
	}
	limits := c.store.Limits(to.Bucket)
	sizes, err := layout.NewStream(t.o.partSize, t.o.expectedSize, limits)
	if err != nil {
		return Result{}, err
	}
	s := &streamUpload{multipart: &multipart{transfer: t, up: store.Upload{Ref: to}}, r: meteredReader{r, c.meter}, sizes: sizes, limits: limits}
	first, err := s.next(ctx, 1)
	if err != nil {
		return Result{}, err
	}
	if first.last && (limits.MaxPut == 0 || first.Size() <= limits.MaxPut) {
		defer first.release()
		return s.putWith(ctx, first, to, first.scratch)
	}
	s.fleeting = true
	s.started(-1, 0)
	c.sweepDead(ctx, s.transfer)
	l := s.remember(ctx, streamed)
	if err := s.openUpload(ctx, l.write); err != nil {
		l.end(ctx, err)
		first.release()
		return Result{}, err
	}
	l.write()
	obj, sum, err := s.move(ctx, first)
	if err != nil {
		err = s.abort(ctx, err)
	}
	if l.end(ctx, err); err != nil {
		return Result{}, err
	}
	obj, proof, err := s.verifyObject(ctx, obj, sum)
	if err != nil {
		return Result{}, err
	}
	parts, size := s.count()
	full, err := s.full()
	if err != nil {
		return Result{}, err
	}
	return s.done(s.describe(Result{Object: obj, Size: size, Parts: parts, Proof: proof, Digests: s.digests.sums(full)})), nil
}

// meteredReader is a reader whose time is counted.
type meteredReader struct {
	io.Reader
	m *meter.Meter
}

// Read reads and counts.
func (w meteredReader) Read(p []byte) (int, error) {
	defer w.m.Since(meter.Source, time.Now())
	return w.Reader.Read(p)
}

// streamUpload is one upload of a stream.
type streamUpload struct {
	*multipart
	r      io.Reader
	sizes  layout.Stream
	limits store.Limits
	read   int64

	digests *digestChain
}

func (s *streamUpload) openUpload(ctx context.Context, note func()) error {
	if err := s.multipart.create(ctx, checksum.Scheme{Algorithm: s.want()}, &s.o.attrs, note); err != nil {
		return err
	}
	if err := s.asked(s.up.Scheme); err != nil {
		return s.abort(ctx, err)
	}
	return nil
}

// move sends the parts as they fill, and completes.
func (s *streamUpload) move(ctx context.Context, first *held) (store.Object, checksum.Sum, error) {
	g, gctx := errgroup.WithContext(ctx)
	s.digests = s.newChain(s.up.Scheme.Algorithm, g)
	next := first
	var rerr error
	for n := 1; ; n++ {
		part := next
		s.c.meter.Begin(0, 1)
		if rerr = s.c.dispatch.Enter(gctx, part.Size()); rerr != nil {
			part.release()
			break
		}
		part.release = s.digests.pass(part.piece(), part.release)
		g.Go(func() error {
			defer part.release()
			defer s.c.dispatch.Leave(part.Size())
			return s.sendPart(gctx, n, part)
		})
		if part.last {
			break
		}
		if next, rerr = s.next(gctx, n+1); rerr != nil {
			break
		}
		if next.Size() == 0 { // the stream ended just at the part's end
			next.release()
			break
		}
	}
	s.digests.end()
	if err := g.Wait(); err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	if rerr != nil {
		return store.Object{}, checksum.Sum{}, rerr
	}
	if ctx.Err() != nil {
		return store.Object{}, checksum.Sum{}, context.Cause(ctx)
	}
	sum, err := s.whole()
	if err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	obj, err := s.complete(ctx, sum)
	return obj, sum, err
}

func (s *streamUpload) sendPart(ctx context.Context, n int, part *held) error {
	return s.send(ctx, n, outgoing{content: part, body: io.NewSectionReader(part, 0, part.Size()), buf: part.scratch})
}

// next reads the stream until part n is full or the stream has ended.
func (s *streamUpload) next(ctx context.Context, n int) (*held, error) {
	beyond := s.limits.MaxParts > 0 && n > s.limits.MaxParts
	want := int64(1) // after the last part only the end of the stream may come
	if !beyond {
		want = s.sizes.PartSize(n)
	}
	part, err := s.hold(ctx, want)
	if err != nil {
		return nil, err
	}
	filled := make(chan error, 1)
	go func() { filled <- part.fill(s.r, want) }()
	select {
	case err = <-filled:
	case <-ctx.Done():
		// The Read may continue for as long as it likes; its memory is not reused until it ends.
		go func() {
			<-filled
			part.release()
		}()
		return nil, context.Cause(ctx)
	}
	s.read += part.Size()
	switch {
	case err != nil:
		err = fmt.Errorf("read the stream after %d bytes: %w", s.read, err)
	case beyond && part.Size() > 0:
		err = fmt.Errorf("%w: the stream is longer than the %d bytes that were planned for; say its size with ExpectedSize",
			store.TooLarge, s.sizes.Reach())
	case s.limits.MaxObject > 0 && s.read > s.limits.MaxObject:
		err = fmt.Errorf("%w: the stream is longer than an object can be here (%d bytes)", store.TooLarge, s.limits.MaxObject)
	}
	if err != nil {
		part.release()
		return nil, err
	}
	return part, nil
}

// hold takes space for one part: memory, or a temporary file if a few parts of that size would not fit into memory.
func (s *streamUpload) hold(ctx context.Context, size int64) (*held, error) {
	defer s.c.meter.Since(meter.Memory, time.Now())
	if size <= s.c.memory.Limit()/4 {
		lease, err := s.c.memory.Take(ctx, size+sumBuffer)
		if err != nil {
			return nil, err
		}
		mem := lease.Bytes()
		return &held{release: lease.Release, mem: mem[:size], scratch: mem[size:]}, nil
	}
	users := 1 + int64(len(s.o.digests)) // each reads with a buffer of its own: waiting for one could deadlock
	lease, err := s.c.memory.Take(ctx, users*sumBuffer)
	if err != nil {
		return nil, err
	}
	if err := s.c.spools.Acquire(ctx, 1); err != nil {
		lease.Release()
		return nil, context.Cause(ctx)
	}
	spool, err := localfile.NewSpool(s.c.opts.SpoolDir, size)
	if err != nil {
		s.c.spools.Release(1)
		lease.Release()
		return nil, fmt.Errorf("make a temporary file for a part of the stream: %w", err)
	}
	bufs := slices.Collect(slices.Chunk(lease.Bytes(), sumBuffer))
	return &held{spool: spool, m: s.c.meter, mem: bufs[0], scratch: bufs[0], more: bufs[1:], release: func() {
		spool.Close() // its name is removed already; nothing is lost
		s.c.spools.Release(1)
		lease.Release()
	}}, nil
}

// held is one part of a stream while it is here, in memory or in a temporary file.
type held struct {
	release func()
	mem     []byte           // the part, or what the spool is written with
	scratch []byte           // for reading it again
	more    [][]byte         // for its digests, likewise
	spool   *localfile.Spool // nil: it is all in mem
	m       *meter.Meter     // of the spool
	n       int64
	last    bool // the stream ended with it
}

// fill reads up to size bytes from r.
func (h *held) fill(r io.Reader, size int64) error {
	for h.n < size {
		buf := h.mem
		if h.spool == nil {
			buf = buf[h.n:]
		}
		buf = buf[:min(int64(len(buf)), size-h.n)]
		n, err := readFull(r, buf)
		if h.spool != nil && n > 0 {
			began := time.Now()
			_, werr := h.spool.Write(buf[:n])
			if h.m.Since(meter.Writing, began); werr != nil {
				return werr
			}
		}
		h.n += int64(n)
		switch {
		case err == io.EOF: // bare: a wrapped one, or an unexpected one, means that the reader failed
			h.last = true
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// readFull fills buf, as far as r has bytes. Unlike io.ReadFull it passes on the reader's own error.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	idle := 0
	for n < len(buf) && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		if n += k; k > 0 {
			idle = 0
		} else if idle++; idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	if n == len(buf) && err != io.EOF {
		err = nil // r will return it again
	}
	return n, err
}

// ReadAt reads the part.
func (h *held) ReadAt(p []byte, off int64) (int, error) {
	if h.spool != nil {
		defer h.m.Since(meter.Reading, time.Now())
		return h.spool.ReadAt(p, off)
	}
	return bytes.NewReader(h.mem[:h.n]).ReadAt(p, off)
}

// Size returns the part's size, in bytes.
func (h *held) Size() int64 { return h.n }

// piece returns the part for its digests.
func (h *held) piece() piece {
	if h.spool != nil {
		return piece{from: h, size: h.n, bufs: h.more}
	}
	return piece{mem: h.mem[:h.n]}
}

// Changed returns nil: nobody else can reach the part.
func (h *held) Changed() error { return nil }

// Touched returns false.
func (h *held) Touched() bool { return false }
