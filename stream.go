package haul

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"haul/checksum"
	"haul/internal/budget"
	"haul/internal/localfile"
	"haul/internal/meter"
	"haul/internal/plan"
	"haul/store"
)

// UploadStream stores all that r gives as object to. A short stream goes in one request, a longer one in parts that grow
// with it, up to the store's limit; parts too large for memory wait in a temporary file. The stream cannot be read twice,
// so a failure throws the upload away. When ctx ends while a Read of r is under way, UploadStream does not wait for it.
func (c *Client) UploadStream(ctx context.Context, r io.Reader, to store.Ref, o Transfer) (Result, error) {
	defer c.alive()()
	limits := c.store.Limits(to.Bucket)
	sizes, err := plan.NewStream(o.PartSize, o.ExpectedSize, limits)
	if err != nil {
		return Result{}, err
	}
	s := &intake{assembly: &assembly{transfer: c.begin("-", to.String(), o), up: store.Upload{Ref: to}}, r: waited{r, c.meter}, sizes: sizes, limits: limits}
	first, err := s.next(ctx, 1)
	if err != nil {
		return Result{}, err
	}
	if first.last && (limits.MaxPut == 0 || first.Size() <= limits.MaxPut) {
		defer first.release()
		return s.putWith(ctx, first, to, first.scratch)
	}
	s.started(-1, 0)
	if err := s.create(ctx); err != nil {
		first.release()
		return Result{}, err
	}
	obj, sum, err := s.move(ctx, first)
	if err != nil {
		return Result{}, s.abort(ctx, err)
	}
	obj, proof, err := s.prove(ctx, obj, sum)
	if err != nil {
		return Result{}, err
	}
	parts, size := s.count()
	return s.done(Result{Object: obj, Size: size, Parts: parts, Proof: proof}), nil
}

// waited is a reader whose time is counted.
type waited struct {
	io.Reader
	m *meter.Meter
}

// Read reads and counts.
func (w waited) Read(p []byte) (int, error) {
	defer w.m.Since(meter.Source, time.Now())
	return w.Reader.Read(p)
}

// intake is one upload of a stream.
type intake struct {
	*assembly
	r      io.Reader
	sizes  plan.Stream
	limits store.Limits
	read   int64
}

func (s *intake) create(ctx context.Context) error {
	if err := s.assembly.create(ctx, checksum.Scheme{Algorithm: s.want()}); err != nil {
		return err
	}
	if err := s.asked(s.up.Scheme); err != nil {
		return s.abort(ctx, err)
	}
	return nil
}

// move sends the parts as they fill, and completes.
func (s *intake) move(ctx context.Context, first *held) (store.Object, checksum.Sum, error) {
	g, gctx := errgroup.WithContext(ctx)
	next := first
	var rerr error
	for n := 1; ; n++ {
		part := next
		s.c.meter.Begin(0, 1)
		if rerr = s.c.lanes.enter(gctx); rerr != nil {
			part.release()
			break
		}
		g.Go(func() error {
			defer part.release()
			defer s.c.lanes.leave()
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

func (s *intake) sendPart(ctx context.Context, n int, part *held) error {
	return s.send(ctx, n, outgoing{content: part, body: io.NewSectionReader(part, 0, part.Size()), buf: part.scratch})
}

// next reads the stream until part n is full or the stream has ended.
func (s *intake) next(ctx context.Context, n int) (*held, error) {
	beyond := s.limits.MaxParts > 0 && n > s.limits.MaxParts
	want := int64(1) // beyond the last part only the end of the stream may come
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
		// The Read may go on for as long as it likes; its memory is lent to nobody else until it ends.
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

// hold takes room for one part: memory, or a temporary file where a few of them would not fit into memory.
func (s *intake) hold(ctx context.Context, size int64) (*held, error) {
	defer s.c.meter.Since(meter.Memory, time.Now())
	if size <= s.c.memory.Limit()/4 {
		lease, err := s.c.memory.Take(ctx, size+sumBuffer)
		if err != nil {
			return nil, err
		}
		mem := lease.Bytes()
		return &held{release: lease.Release, mem: mem[:size], scratch: mem[size:]}, nil
	}
	lease, err := s.c.memory.Take(ctx, sumBuffer)
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
	return &held{spool: spool, m: s.c.meter, mem: lease.Bytes(), scratch: lease.Bytes(), release: func() {
		spool.Close() // it has no name any more; nothing is lost
		s.c.spools.Release(1)
		lease.Release()
	}}, nil
}

// held is one part of a stream while it is here, in memory or in a temporary file.
type held struct {
	release func()
	mem     []byte           // the part, or what the spool is written with
	scratch []byte           // for reading it again
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
		case err == io.EOF: // bare: a wrapped one, or an unexpected one, tells of a reader that broke
			h.last = true
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// readFull fills buf, as far as r gives bytes. Unlike io.ReadFull it passes on the reader's own error.
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
		err = nil // it will say so again
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

// Size is the part's, in bytes.
func (h *held) Size() int64 { return h.n }

// Changed is nil: nobody else can reach the part.
func (h *held) Changed() error { return nil }

// DownloadStream writes object from to w, in order, fetched by ranges in parallel that wait in memory for their turn; all
// streams of a Client share half of its memory for that, so one whose w takes nothing holds up the others. What was
// written before an error stays written; ErrMismatch is known only at the end.
func (c *Client) DownloadStream(ctx context.Context, from store.Ref, w io.Writer, o Transfer) (Result, error) {
	defer c.alive()()
	t := c.begin(from.String(), "-", o)
	part := min(plan.RangeSize(0, o.PartSize), c.memory.Limit()/4) // ranges wait in memory for their turn
	obj, first, err := t.discover(ctx, from, part)
	if err != nil {
		return Result{}, err
	}
	f := &outflow{source: t.newSource(ctx, from, obj), w: w, part: part}
	t.started(obj.Size, int(max(1, (obj.Size+part-1)/part)))
	if err := f.move(ctx, first); err != nil {
		return Result{}, err
	}
	proof, err := f.prove()
	if err == nil && !proof.Proved && f.why == "" {
		err = f.compare(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	return t.done(Result{Object: obj, Size: obj.Size, Parts: max(len(f.segments), 1), Proof: proof}), nil
}

// maxAhead bounds the ranges that are fetched before their turn; memory and lanes end it sooner.
const maxAhead = 1024

// outflow is one download into a stream.
type outflow struct {
	*source
	w        io.Writer
	part     int64
	segments []segment
	running  *checksum.Running // sums the bytes in order, where the sums of the ranges do not do
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
func (f *outflow) move(ctx context.Context, first *opened) error {
	if f.why == "" && !f.vouched.free() {
		f.running = checksum.NewRunning(f.vouched.sum.Algorithm, f.vouched.sizes)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g, gctx := errgroup.WithContext(ctx)
	queue := make(chan *arrived, maxAhead)
	g.Go(func() error { return f.write(queue, stop) })
	var serr error
	gaps := []store.Range{{Length: f.obj.Size}}
	if first != nil {
		gaps = plan.Gaps(f.obj.Size, []store.Range{first.Body.Range})
		if serr = f.ahead(gctx, g, first.Body.Range, first, queue); serr != nil {
			first.close()
		}
	}
	ranges := plan.NewRanges(gaps, f.part, true)
	for serr == nil {
		r, ok := ranges.Next(f.c.pace.Lanes())
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

// ahead starts the fetching of a range and puts it into the queue.
func (f *outflow) ahead(ctx context.Context, g *errgroup.Group, r store.Range, body *opened, queue chan<- *arrived) error {
	lease, err := f.memory(ctx, r.Length)
	if err != nil {
		return err
	}
	free := func() {
		lease.Release()
		f.c.ahead.Release(r.Length)
	}
	if err := f.c.lanes.enter(ctx); err != nil {
		free()
		return err
	}
	a := &arrived{Range: r, mem: lease.Bytes(), done: make(chan struct{}), free: free}
	select {
	case queue <- a:
	case <-ctx.Done():
		f.c.lanes.leave()
		free()
		return context.Cause(ctx)
	}
	g.Go(func() error {
		defer f.c.lanes.leave()
		defer close(a.done)
		a.sum, a.err = f.fetch(ctx, r, body, inMemory(a.mem))
		return a.err
	})
	return nil
}

// memory takes what a range needs while it waits for its turn; it is given back to both.
func (f *outflow) memory(ctx context.Context, size int64) (*budget.Lease, error) {
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

// write writes the ranges in order as they arrive. After a failure it stops the others, and frees what they had begun.
func (f *outflow) write(queue <-chan *arrived, stop context.CancelCauseFunc) error {
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

func (f *outflow) writeOne(a *arrived) error {
	if a.err != nil {
		return a.err
	}
	if f.running != nil {
		_, _ = f.running.Write(a.mem)
	}
	f.segments = append(f.segments, segment{a.Range, a.sum})
	began := time.Now()
	_, err := f.w.Write(a.mem)
	f.c.meter.Since(meter.Target, began)
	if err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	return nil
}

// prove compares what passed with what the store vouches for.
func (f *outflow) prove() (Proof, error) {
	if f.why != "" {
		return Proof{Text: f.why}, nil
	}
	if f.obj.Size == 0 {
		return f.vouched.judge(f.obj, checksum.Bytes(f.vouched.sum.Algorithm, nil))
	}
	var sum checksum.Sum
	var err error
	if f.running != nil {
		sum, err = f.running.Sum()
	} else {
		sum, err = combine(f.segments)
	}
	if err != nil {
		return Proof{}, err
	}
	return f.vouched.judge(f.obj, sum)
}

// compare fetches everything once more, to nowhere, where an ETag that looks like an MD5 does not fit what passed: other
// bytes than the first time are an ErrMismatch, the same ones say that the ETag is no MD5.
func (f *outflow) compare(ctx context.Context) error {
	f.note("the bytes do not fit the store's ETag; fetching them again to compare")
	again := &outflow{source: f.source, w: io.Discard, part: f.part}
	f.c.meter.Done(-f.obj.Size)
	if err := again.move(ctx, nil); err != nil {
		return err
	}
	if differing(f.segments, again.segments) > 0 {
		return fmt.Errorf("%s: %w: it came differently twice", f.obj.Ref, ErrMismatch)
	}
	return nil
}

// inMemory lands bytes in memory, of which room already gave the right place.
type inMemory []byte

func (m inMemory) room(offset int64) []byte { return m[offset:] }

func (m inMemory) land(int64, []byte) error { return nil }
