package haul

import (
	"cmp"
	"context"
	"errors"
	"hash"
	"io"
	"slices"
	"time"

	"haul/checksum"
	"haul/internal/pace"
	"haul/internal/plan"
	"haul/store"
)

// source is an object that is being read, by ranges, each pinned to the state that was found at the start.
type source struct {
	*transfer
	obj store.Object
	// algorithm sums the ranges as they come in: the store's own where that combines, so that no byte is read twice.
	algorithm checksum.Algorithm
	vouched   vouched
	why       string // nothing is vouched for
}

// smallObject is the size up to which an object is fetched by one request where its size is known before.
const smallObject = 8 << 20

// segment is a range that is here, with its sum.
type segment struct {
	store.Range
	sum checksum.Sum
}

// combine makes the sum of the whole from those of its segments.
func combine(segments []segment) (checksum.Sum, error) {
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.Offset, b.Offset) })
	sized := make([]checksum.Sized, len(segments))
	for i, s := range segments {
		sized[i] = checksum.Sized{Sum: s.sum, Size: s.Length}
	}
	return checksum.Combine(sized)
}

// discover asks for the object's first range, the answer to which tells about the object, and at the same time for its
// checksums, which only Head tells. The body is that of the first range; nil for an empty object.
func (t *transfer) discover(ctx context.Context, from store.Ref, first int64) (store.Object, *store.Body, error) {
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
			cancel() // the answer to GET has the better words
			<-head
			return store.Object{}, nil, err
		}
		seen := <-head
		cancel()
		if body == nil { // an empty object has no range
			if seen.err == nil && seen.obj.Size != 0 {
				continue
			}
			return seen.obj, nil, seen.err
		}
		switch {
		case seen.err != nil && errors.Is(seen.err, store.Denied):
			return body.Object, body, nil
		case seen.err != nil:
			body.Close()
			return store.Object{}, nil, seen.err
		case seen.obj.ETag == body.Object.ETag && seen.obj.Size == body.Object.Size:
			if seen.obj.Version == "" {
				seen.obj.Version = body.Object.Version
			}
			return seen.obj, body, nil
		}
		body.Close() // it changed between the two
	}
	return store.Object{}, nil, &store.Error{Kind: store.Changed, Op: "GetObject", Ref: from, Hint: "it is being written again and again; wait until that has ended"}
}

func (t *transfer) head(ctx context.Context, from store.Ref) (obj store.Object, err error) {
	err = t.try(ctx, func(ctx context.Context) error {
		o, err := t.c.store.Head(ctx, store.GetRequest{Ref: from, Attrs: &t.o.Attrs})
		obj = o
		return err
	})
	return obj, err
}

func (t *transfer) getFirst(ctx context.Context, from store.Ref, n int64) (body *store.Body, err error) {
	err = t.try(ctx, func(ctx context.Context) error {
		b, err := t.c.store.Get(ctx, store.GetRequest{Ref: from, Range: store.Range{Length: n}, Attrs: &t.o.Attrs})
		body = b
		return err
	})
	return body, err
}

// newSource finds out what is vouched for, and so how the bytes are to be summed.
func (t *transfer) newSource(ctx context.Context, obj store.Object) *source {
	s := &source{transfer: t, obj: obj, algorithm: checksum.CRC64NVME}
	s.vouched, s.why = t.vouch(ctx, obj)
	if s.why == "" && s.vouched.free() {
		s.algorithm = s.vouched.sum.Algorithm
	}
	return s
}

// cut hands out the gaps as ranges.
func (t *transfer) cut(gaps []store.Range, size int64) *plan.Ranges {
	return plan.NewRanges(gaps, plan.RangeSize(size, t.o.PartSize), t.o.PartSize != 0)
}

// partsOf is about how many ranges an object is fetched by.
func (t *transfer) partsOf(size int64) int {
	part := plan.RangeSize(size, t.o.PartSize)
	return int(max(1, (size+part-1)/part))
}

// landing is where the bytes of a range go.
type landing interface {
	// room gives memory for the bytes of the range from offset on.
	room(offset int64) []byte
	// land puts down what was read into room.
	land(offset int64, p []byte) error
}

// fetch brings a range down, as often as it takes, each time going on after the last byte that came; it gives the
// range's sum. The first body, where there is one, is already open on the range.
func (s *source) fetch(ctx context.Context, r store.Range, first *store.Body, to landing) (checksum.Sum, error) {
	h := s.algorithm.New()
	var got int64
	s.c.meter.PartStart()
	began := time.Now()
	err := s.try(ctx, func(ctx context.Context) error {
		body := first
		first = nil
		if body == nil {
			var err error
			body, err = s.c.store.Get(ctx, store.GetRequest{
				Ref:     s.obj.Ref,
				Range:   store.Range{Offset: r.Offset + got, Length: r.Length - got},
				IfMatch: s.obj.ETag,
				Attrs:   &s.o.Attrs,
			})
			if err != nil {
				return err
			}
		}
		defer body.Close()
		return s.drain(body, r, &got, h, to)
	})
	s.c.meter.PartEnd(err == nil)
	if err != nil {
		return checksum.Sum{}, err
	}
	now := time.Now()
	s.c.pace.Done(now, pace.Sample{Bytes: r.Length, Took: now.Sub(began)})
	return checksum.Of(s.algorithm, h), nil
}

// drain reads the body to the range's end, sums while the bytes are still in the core's cache, and lands them in large pieces.
func (s *source) drain(body io.Reader, r store.Range, got *int64, h hash.Hash, to landing) error {
	for *got < r.Length {
		buf := to.room(*got)
		buf = buf[:min(int64(len(buf)), r.Length-*got)]
		filled := 0
		var err error
		for filled < len(buf) && err == nil {
			var n int
			n, err = body.Read(buf[filled:])
			h.Write(buf[filled : filled+n])
			filled += n
		}
		if filled > 0 {
			if lerr := to.land(r.Offset+*got, buf[:filled]); lerr != nil {
				return lerr
			}
			*got += int64(filled)
			s.moved.Add(int64(filled))
			s.c.meter.Moved(int64(filled))
			s.c.meter.Done(int64(filled))
		}
		if err != nil && *got < r.Length {
			return lostBody(s.obj.Ref, err)
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
