package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/dispatch"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/meter"
	"haul.example/haul/internal/pace"
	"haul.example/haul/store"
)

// remote is an object that is read by ranges, each pinned to the state that was found at the start.
type remote struct {
	*transfer
	// ref is what the caller named. If-Match pins the state; to ask for a version by its ID would need a permission of its
	// own.
	ref store.Ref
	obj store.Object
	// algorithm sums the ranges as they come in: the store's own if it combines, so that no byte is read twice.
	algorithm checksum.Algorithm
	known     *evidence.Record // what the store records
}

// free reports whether the recorded checksum follows from those of the ranges.
func (s *remote) free() bool {
	return len(s.known.Claims) > 0 && s.known.Claims[0].Free() && s.known.Claims[0].Sum.Algorithm == s.algorithm
}

// whyNotFree says why there is no such checksum.
func (s *remote) whyNotFree() string {
	if len(s.known.Claims) == 0 {
		return s.known.Why()
	}
	return "the " + s.known.Claims[0].Text() + " cannot be combined from ranges"
}

// segment is a range that is here, with its sum.
type segment struct {
	store.Range
	sum checksum.Sum
}

// combine returns the sum of the whole from those of its segments.
func combine(segments []segment) (checksum.Sum, error) {
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.Offset, b.Offset) })
	sized := make([]checksum.Sized, len(segments))
	for i, s := range segments {
		sized[i] = checksum.Sized{Sum: s.sum, Size: s.Length}
	}
	return checksum.Combine(sized)
}

// discover asks for the object's first range, whose answer describes the object, and at the same time for its checksums,
// which only Head returns. The body is that of the first range; nil for an empty object. If the object is not the one that
// the caller asked for, that is an error.
func (t *transfer) discover(ctx context.Context, from store.Ref, first int64) (store.Object, *response, error) {
	var odd error
	for range 3 {
		type answer struct {
			obj store.Object
			err error
		}
		head := make(chan answer, 1)
		hctx, cancel := context.WithCancel(ctx)
		go func() {
			obj, err := t.head(hctx, from)
			head <- answer{obj, err}
		}()
		body, err := t.getFirst(ctx, from, first)
		if err != nil && !errors.Is(err, store.BadRange) {
			cancel() // the answer to GET has the better error
			<-head
			return store.Object{}, nil, err
		}
		seen := <-head
		cancel()
		if body == nil { // an empty object has no range
			if seen.err == nil && seen.obj.Size != 0 {
				continue
			}
			if seen.err == nil {
				seen.err = t.expected(seen.obj)
			}
			return seen.obj, nil, seen.err
		}
		obj := body.Object
		switch {
		case seen.err != nil && errors.Is(seen.err, store.Denied):
		case seen.err != nil:
			body.close()
			return store.Object{}, nil, seen.err
		case seen.obj.ETag == body.Object.ETag && seen.obj.Size == body.Object.Size:
			if obj = seen.obj; obj.Version == "" {
				obj.Version = body.Object.Version
			}
		default: // it changed between the two
			body.close()
			if seen.obj.ETag == body.Object.ETag {
				err = fmt.Errorf("HeadObject reports %d bytes and GetObject %d, both with the ETag %q", seen.obj.Size, body.Object.Size, seen.obj.ETag)
				odd = &store.Error{Kind: store.BadAnswer, Op: "HeadObject", Ref: from, Err: err, Hint: "a proxy that modifies responses may be the cause"}
			}
			continue
		}
		if err := t.expected(obj); err != nil {
			body.close()
			return store.Object{}, nil, err
		}
		return obj, body, nil
	}
	if odd != nil {
		return store.Object{}, nil, odd
	}
	return store.Object{}, nil, &store.Error{Kind: store.Changed, Op: "GetObject", Ref: from, Hint: "it is being overwritten repeatedly; wait until that has ended"}
}

func (t *transfer) head(ctx context.Context, ref store.Ref) (store.Object, error) {
	return t.headAs(ctx, store.GetRequest{Ref: ref, Attrs: &t.o.attrs})
}

func (t *transfer) headAs(ctx context.Context, r store.GetRequest) (store.Object, error) {
	return ask(ctx, t, func(ctx context.Context) (store.Object, error) { return t.c.store.Head(ctx, r) })
}

func (t *transfer) tags(ctx context.Context, ref store.Ref) (map[string]string, error) {
	return ask(ctx, t, func(ctx context.Context) (map[string]string, error) { return t.c.store.Tags(ctx, ref, &t.o.attrs) })
}

// stored returns the parts that the store has of an open upload.
func (t *transfer) stored(ctx context.Context, up store.Upload) ([]store.Part, error) {
	return ask(ctx, t, func(ctx context.Context) ([]store.Part, error) {
		_, parts, err := t.c.store.Parts(ctx, up, &t.o.attrs)
		return parts, err
	})
}

func (t *transfer) getFirst(ctx context.Context, from store.Ref, n int64) (first *response, err error) {
	err = t.try(ctx, func(ctx context.Context) error {
		ctx, o := t.cuttable(ctx)
		b, err := t.c.store.Get(ctx, store.GetRequest{Ref: from, Range: store.Range{Length: n}, Attrs: &t.o.attrs})
		if err != nil {
			o.cut(nil)
			return err
		}
		o.answered(b)
		first = o
		return nil
	})
	return first, err
}

// newSource finds out what the store records, and so how the bytes are to be summed.
func (t *transfer) newSource(ctx context.Context, ref store.Ref, obj store.Object) *remote {
	s := &remote{transfer: t, ref: ref, obj: obj, algorithm: checksum.CRC64NVME}
	s.known = t.evidence(ctx, &s.obj, &t.o.attrs)
	if c := s.known.Claims; len(c) > 0 && c[0].Free() {
		s.algorithm = c[0].Sum.Algorithm
	}
	return s
}

// cut splits the gaps into ranges.
func (t *transfer) cut(gaps []store.Range, size int64) *layout.Ranges {
	return layout.NewRanges(gaps, layout.RangeSize(size, t.o.partSize), t.o.partSize != 0)
}

// partsOf returns about how many ranges an object is fetched by.
func (t *transfer) partsOf(size int64) int {
	part := layout.RangeSize(size, t.o.partSize)
	return int(max(1, (size+part-1)/part))
}

// sink is where the bytes of a range go.
type sink interface {
	// room returns memory for the bytes of the range from offset on.
	room(offset int64) []byte
	// land stores what was read into room.
	land(offset int64, p []byte) error
}

// response is a body that can be cut, and reports whether it was.
type response struct {
	*store.Body
	began     time.Time
	firstByte time.Duration // after it began
	cut       context.CancelCauseFunc
	why       func() error
}

// cuttable begins a request: it returns a context that cut ends, and a response without a body as yet.
func (t *transfer) cuttable(ctx context.Context) (context.Context, *response) {
	t.c.meter.Request()
	ctx, cut := context.WithCancelCause(ctx)
	return ctx, &response{began: time.Now(), cut: cut, why: func() error { return context.Cause(ctx) }}
}

// answered sets the body that came.
func (o *response) answered(b *store.Body) { o.Body, o.firstByte = b, time.Since(o.began) }

// close closes the body, and ends its context.
func (o *response) close() {
	o.Body.Close()
	o.cut(nil)
}

// rangeFetch is a range in flight.
type rangeFetch struct {
	*remote
	store.Range
	to   sink
	got  int64
	h    hash.Hash // of what came since the last piece
	cuts int
	back uint64 // the attempt that was taken back; 0 is none
	// keep is called with each piece of the range that has arrived; it may be nil.
	keep   func(segment)
	pieces []segment
	piece  time.Time // when the last one ended
	// of the last try
	began     time.Time
	firstByte time.Duration
	done      <-chan struct{} // closed when it is cut
}

// fetch downloads a range, with as many tries as it takes, each continuing after the last byte that came; it returns the
// range's sum. The first body, if there is one, is already open on the range. Keep is called with the pieces of it that
// have arrived, also with those of a range that fails; it may be nil. The caller has a lane for r.Length bytes.
func (s *remote) fetch(ctx context.Context, r store.Range, first *response, to sink, keep func(segment)) (checksum.Sum, error) {
	f := &rangeFetch{remote: s, Range: r, to: to, h: s.algorithm.New(), keep: keep, piece: time.Now()}
	s.c.meter.PartStart()
	defer func() {
		if first != nil { // no try ever began
			first.close()
		}
	}()
	err := s.try(ctx, func(ctx context.Context) error {
		if f.back != 0 {
			if err := s.c.dispatch.MakeWay(ctx, f.back, r.Length); err != nil {
				return err
			}
			f.back = 0
		}
		body := first
		first = nil
		if body == nil {
			ctx, body = s.cuttable(ctx)
		}
		before := f.got
		err := f.attempt(ctx, body)
		if f.got > before && store.Retryable(err) {
			return dispatch.MovedOn(err)
		}
		return err
	})
	s.c.meter.PartEnd(err == nil)
	f.endPiece()
	if err != nil {
		return checksum.Sum{}, err
	}
	now := time.Now()
	s.c.dispatch.Pace.Done(now, pace.Sample{Bytes: r.Length, Took: now.Sub(f.began), FirstByte: f.firstByte})
	return combine(f.pieces)
}

const (
	// A piece of a range is recorded when it has leastPiece bytes, is one of mostPieces of its range, and took pieceTime:
	// so a killed run loses little on a slow link, and records stay short.
	leastPiece, mostPieces = 1 << 20, 8
	pieceTime              = time.Second
)

// endPiece ends a piece of the range, if there is one, with what has come.
func (f *rangeFetch) endPiece() {
	var at int64
	if n := len(f.pieces); n > 0 {
		at = f.pieces[n-1].End() - f.Offset
	}
	if f.got == at {
		return
	}
	s := segment{store.Range{Offset: f.Offset + at, Length: f.got - at}, checksum.Of(f.algorithm, f.h)}
	f.pieces = append(f.pieces, s)
	f.h.Reset()
	f.piece = time.Now()
	if f.keep != nil {
		f.keep(s)
	}
}

// mayEndPiece ends a piece if it is worth recording.
func (f *rangeFetch) mayEndPiece() {
	var at int64
	if n := len(f.pieces); n > 0 {
		at = f.pieces[n-1].End() - f.Offset
	}
	if f.keep != nil && f.got-at >= max(leastPiece, f.Length/mostPieces) && time.Since(f.piece) >= pieceTime {
		f.endPiece()
	}
}

// attempt is one try to fetch the rest of the range.
func (f *rangeFetch) attempt(ctx context.Context, o *response) error {
	defer o.cut(nil)
	fl := f.c.dispatch.Take(pace.Flight{Size: f.Length - f.got, Cuts: f.cuts}, o.cut)
	defer f.c.dispatch.Land(fl)
	if o.Body == nil {
		body, err := f.c.store.Get(ctx, store.GetRequest{
			Ref:     f.ref,
			Range:   store.Range{Offset: f.Offset + f.got, Length: f.Length - f.got},
			IfMatch: f.obj.ETag,
			Attrs:   &f.o.attrs,
		})
		if err != nil {
			return f.slow(o, fl, err)
		}
		o.answered(body)
		if err := f.unchanged(body.Object); err != nil {
			body.Close()
			return err
		}
	}
	defer o.Body.Close()
	f.began, f.firstByte = o.began, o.firstByte
	f.c.meter.Spent(meter.FirstByte, f.firstByte)
	f.done = ctx.Done()
	return f.slow(o, fl, f.drain(o.Body, fl))
}

// unchanged checks that an answer is of the state of the object that was found at the start: a few stores ignore If-Match.
func (s *remote) unchanged(o store.Object) error {
	if o.Size == s.obj.Size && (o.ETag == s.obj.ETag || o.ETag == "" || s.obj.ETag == "") {
		return nil
	}
	return &store.Error{Kind: store.Changed, Op: "GetObject", Ref: s.ref}
}

// slow returns dispatch.ErrSlow or dispatch.ErrExcess if that is why the try ended.
func (f *rangeFetch) slow(o *response, fl *dispatch.Attempt, err error) error {
	if err == nil {
		return nil
	}
	switch o.why() {
	case dispatch.ErrSlow:
		f.cuts++
		return dispatch.ErrSlow
	case dispatch.ErrExcess:
		f.back = fl.ID
		return dispatch.ErrExcess
	}
	return err
}

// drain reads the body to the range's end, sums while the bytes are still in the core's cache, and stores them in large
// pieces.
func (f *rangeFetch) drain(body io.Reader, fl *dispatch.Attempt) error {
	for f.got < f.Length {
		buf := f.to.room(f.got)
		buf = buf[:min(int64(len(buf)), f.Length-f.got)]
		filled := 0
		var err error
		for filled < len(buf) && err == nil {
			var n int
			n, err = body.Read(buf[filled:])
			f.c.moved(n, f.done)
			f.h.Write(buf[filled : filled+n])
			filled += n
			f.moved.Add(int64(n))
			fl.Moved(int64(n))
		}
		if filled > 0 {
			if lerr := f.to.land(f.Offset+f.got, buf[:filled]); lerr != nil {
				return lerr
			}
			f.got += int64(filled)
			f.c.dispatch.Succeeded()
			f.arrive(int64(filled))
			f.mayEndPiece()
		}
		if err != nil && f.got < f.Length {
			return lostBody(f.obj.Ref, err)
		}
	}
	return nil
}

// lostBody makes an early end of a body a network error, which is worth another try.
func lostBody(ref store.Ref, err error) error {
	var known *store.Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &store.Error{Kind: store.Network, Op: "GetObject", Ref: ref, Err: err}
}
