package haul

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"haul/checksum"
	"haul/internal/meter"
	"haul/internal/plan"
	"haul/store"
)

// vouched is the best that a store says of an object's bytes.
type vouched struct {
	sum checksum.Sum
	// sizes are those of the parts that a composite sum is made of; nil for the sum of plain bytes.
	sizes []int64
	// firm: a difference proves damage. An ETag only looks like an MD5.
	firm bool
	text string
}

// free tells whether the sum can be had from the sums of any ranges, without reading the bytes again.
func (v vouched) free() bool { return v.sum.Parts == 0 && v.sum.Algorithm.CanCombine() }

// vouch finds the best that the store says of the object, strongest and cheapest first; why says in words what was
// missing when there is nothing.
func (t *transfer) vouch(ctx context.Context, obj store.Object) (v vouched, why string) {
	if s := obj.FullSum(); !s.IsZero() {
		return vouched{sum: s, firm: true, text: string(s.Algorithm) + " of the full object, as the store has it"}, ""
	}
	for _, s := range obj.Sums {
		if s.Parts == 0 {
			continue
		}
		if sizes, err := t.layout(ctx, obj, s.Parts, &t.o.Attrs); err == nil {
			return vouched{sum: s, sizes: sizes, firm: true, text: fmt.Sprintf("%s of %d parts, as the store has it", s.Algorithm, s.Parts)}, ""
		}
		why = fmt.Sprintf("the store has a %s of %d parts but does not tell their sizes", s.Algorithm, s.Parts)
	}
	tag, ok := obj.MD5()
	switch {
	case !ok && why != "":
		return vouched{}, why
	case !ok && obj.Encryption != "" && obj.Encryption != "AES256":
		return vouched{}, "the store keeps no checksum of it, and under " + obj.Encryption + " its ETag is no MD5"
	case !ok:
		return vouched{}, "the store keeps no checksum of it, and its ETag is no MD5"
	case tag.Parts == 0:
		return vouched{sum: tag, text: "MD5, the store's ETag"}, ""
	}
	sizes, err := t.layout(ctx, obj, tag.Parts, &t.o.Attrs)
	if err != nil {
		return vouched{}, fmt.Sprintf("the store keeps no checksum of it but an ETag of %d parts, and does not tell their sizes", tag.Parts)
	}
	return vouched{sum: tag, sizes: sizes, text: fmt.Sprintf("MD5 of %d parts, the store's ETag", tag.Parts)}, ""
}

// layout gives the sizes of the object's parts, which must be so many and fill it.
func (t *transfer) layout(ctx context.Context, obj store.Object, count int, a *store.Attrs) ([]int64, error) {
	var parts []store.Part
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		parts, err = t.c.store.Layout(ctx, obj, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	sizes := plan.Sizes(parts, count, obj.Size)
	if sizes == nil {
		return nil, fmt.Errorf("%w: parts of %s do not add up", store.Unsupported, obj.Ref)
	}
	return sizes, nil
}

// proveContent compares bytes that are here with what the store vouches for. Bytes that differ are an ErrMismatch only
// where the store's word is firm.
func (t *transfer) proveContent(ctx context.Context, obj store.Object, from io.ReaderAt) (Proof, error) {
	v, why := t.vouch(ctx, obj)
	if why != "" {
		return Proof{Text: why}, nil
	}
	ours, err := t.measure(ctx, v, from, obj.Size)
	if err != nil {
		return Proof{}, err
	}
	return v.judge(obj, ours)
}

// judge compares our sum with what the store vouched for.
func (v vouched) judge(obj store.Object, ours checksum.Sum) (Proof, error) {
	switch {
	case ours.Value == v.sum.Value:
		return Proof{Proved: true, Sum: v.sum, Text: v.text}, nil
	case v.firm:
		return Proof{}, mismatch(obj, v.sum, ours)
	}
	return Proof{Text: "the store keeps no checksum of it, and its ETag is not the MD5 of the bytes"}, nil
}

// measure sums local bytes in the way of v, parts in parallel.
func (t *transfer) measure(ctx context.Context, v vouched, from io.ReaderAt, size int64) (checksum.Sum, error) {
	sizes := v.sizes
	if sizes == nil {
		sizes = []int64{size}
	}
	sums, err := t.c.SumParts(ctx, v.sum.Algorithm, from, sizes)
	switch {
	case err != nil:
		return checksum.Sum{}, fmt.Errorf("read again to prove: %w", err)
	case v.sizes == nil:
		return sums[0], nil
	}
	return checksum.Compose(sums)
}

// SumParts reads bytes that are here and gives the sum of each part, several at once. The parts lie one behind the other,
// from the start; sizes are in bytes.
func (c *Client) SumParts(ctx context.Context, a checksum.Algorithm, from io.ReaderAt, sizes []int64) ([]checksum.Sum, error) {
	defer c.meter.Since(meter.Proving, time.Now())
	sums := make([]checksum.Sum, len(sizes))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var offset int64
	for i, n := range sizes {
		r := store.Range{Offset: offset, Length: n}
		offset += n
		g.Go(func() error {
			lease, err := c.memory.Take(gctx, min(sumBuffer, max(n, 1)))
			if err != nil {
				return err
			}
			defer lease.Release()
			sums[i], err = sumOf(a, interruptible{gctx.Err, from}, r, lease.Bytes())
			return err
		})
	}
	return sums, g.Wait()
}

// interruptible is a reader that stops when ended says so.
type interruptible struct {
	ended func() error
	io.ReaderAt
}

// ReadAt reads, until it is interrupted.
func (i interruptible) ReadAt(p []byte, off int64) (int, error) {
	if err := i.ended(); err != nil {
		return 0, err
	}
	return i.ReaderAt.ReadAt(p, off)
}
