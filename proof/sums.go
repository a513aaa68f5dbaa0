package proof

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"haul"
	"haul/checksum"
)

const (
	// slice is what is read at once where all claims need the bytes in order, and bigSlice where several hashes run side by side.
	slice, bigSlice = 256 << 10, 1 << 20
	// span is what a sum that can be combined is cut into at least, to be summed by several cores.
	span = 8 << 20
)

// summer sums files. Only so many as there are cores are read in order at a time.
type summer struct {
	c     *haul.Client
	cores *semaphore.Weighted
	read  func(bytes int)
}

func newSummer(c *haul.Client, read func(int)) summer {
	if read == nil {
		read = func(int) {}
	}
	return summer{c, semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), read}
}

// counted tells of what is read.
type counted struct {
	io.ReaderAt
	read func(bytes int)
}

// ReadAt reads and tells.
func (c counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.read(n)
	return n, err
}

// sums gives the sum for each claim; the bytes are read once. Where only one is asked for whose parts are summed by themselves, or
// can be, several cores do it.
func (s summer) sums(ctx context.Context, from io.ReaderAt, size int64, claims []Claim) ([]checksum.Sum, error) {
	from = counted{from, s.read}
	if len(claims) == 1 {
		sum, ok, err := s.split(ctx, from, size, claims[0])
		if ok || err != nil {
			return []checksum.Sum{sum}, err
		}
	}
	if err := s.cores.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	defer s.cores.Release(1)
	running := newRunning(claims)
	buf := make([]byte, min(max(size, 1), slice))
	if len(running) > 1 && size > bigSlice {
		buf = make([]byte, bigSlice)
	}
	for offset := int64(0); offset < size; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n, err := from.ReadAt(buf[:min(int64(len(buf)), size-offset)], offset)
		if n == 0 && err != nil {
			return nil, fmt.Errorf("read at byte %d: %w", offset, err)
		}
		_, _ = running.Write(buf[:n])
		offset += int64(n)
	}
	return running.sums()
}

// split sums by several cores, where that can be.
func (s summer) split(ctx context.Context, from io.ReaderAt, size int64, c Claim) (checksum.Sum, bool, error) {
	a := c.Sum.Algorithm
	switch {
	case len(c.Sizes) > 0:
		sums, err := s.c.SumParts(ctx, a, from, c.Sizes)
		if err != nil {
			return checksum.Sum{}, false, err
		}
		sum, err := checksum.Compose(sums)
		return sum, true, err
	case c.Sum.Parts > 0 || !a.CanCombine() || size <= 2*span:
		return checksum.Sum{}, false, nil
	}
	part := max(span, (size-1)/maxParts+1)
	sizes := equalParts(size, part, int((size-1)/part+1))
	sums, err := s.c.SumParts(ctx, a, from, sizes)
	if err != nil {
		return checksum.Sum{}, false, err
	}
	sized := make([]checksum.Sized, len(sums))
	for i := range sums {
		sized[i] = checksum.Sized{Sum: sums[i], Size: sizes[i]}
	}
	sum, err := checksum.Combine(sized)
	return sum, true, err
}

// runnings sums the same bytes in the way of several claims.
type runnings []*checksum.Running

func newRunning(claims []Claim) runnings {
	r := make(runnings, len(claims))
	for i, c := range claims {
		r[i] = checksum.NewRunning(c.Sum.Algorithm, c.Sizes)
	}
	return r
}

// Write takes the next bytes, for all at once where that is worth it.
func (r runnings) Write(p []byte) (int, error) {
	if len(r) == 1 || len(p) < slice {
		for _, one := range r {
			_, _ = one.Write(p)
		}
		return len(p), nil
	}
	var g errgroup.Group
	for _, one := range r {
		g.Go(func() error {
			_, err := one.Write(p)
			return err
		})
	}
	return len(p), g.Wait()
}

func (r runnings) sums() ([]checksum.Sum, error) {
	var sums []checksum.Sum
	for _, one := range r {
		sum, err := one.Sum()
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum)
	}
	return sums, nil
}
