package evidence

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/budget"
)

const (
	// slice is how much is read at once if all claims need the bytes in order, and bigSlice if several hashes run side by
	// side.
	slice, bigSlice = 256 << 10, 1 << 20
	// span is the least that a sum which can be combined is split into, to be computed by several cores.
	span = 8 << 20
)

// Summer computes sums of bytes that can be read at any offset. No more of them than there are cores read in order at a
// time.
type Summer struct {
	memory *budget.Budget
	cores  *semaphore.Weighted
	read   func(bytes int)
}

// NewSummer returns a Summer that takes its buffers from memory; nil is 8 MiB of its own, enough reads at once for a file
// system on a network. Read is called with what is read; it may be nil.
func NewSummer(memory *budget.Budget, read func(int)) *Summer {
	if memory == nil {
		memory = budget.New(32 * slice)
	}
	if read == nil {
		read = func(int) {}
	}
	return &Summer{memory, semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), read}
}

// Parts returns the sum of each part, computing several at once. The parts follow each other from the start; sizes are in
// bytes.
func (s *Summer) Parts(ctx context.Context, a checksum.Algorithm, from io.ReaderAt, sizes []int64) ([]checksum.Sum, error) {
	sums := make([]checksum.Sum, len(sizes))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var offset int64
	for i, n := range sizes {
		part := io.NewSectionReader(interruptible{gctx.Err, from}, offset, n)
		offset += n
		g.Go(func() error {
			lease, err := s.memory.Take(gctx, min(slice, max(n, 1)))
			if err != nil {
				return err
			}
			defer lease.Release()
			sums[i], err = checksum.Section(a, part, lease.Bytes())
			return err
		})
	}
	return sums, g.Wait()
}

// interruptible is a reader that stops as soon as ended says so.
type interruptible struct {
	ended func() error
	io.ReaderAt
}

// ReadAt reads until it is interrupted.
func (i interruptible) ReadAt(p []byte, off int64) (int, error) {
	if err := i.ended(); err != nil {
		return 0, err
	}
	return i.ReaderAt.ReadAt(p, off)
}

// counted reports what is read.
type counted struct {
	io.ReaderAt
	read func(bytes int)
}

// ReadAt reads and reports.
func (c counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.read(n)
	return n, err
}

// Compare compares bytes with claims. Of several guesses the likeliest is tried first, by all cores; the others need one
// more read, however many they are.
func (s *Summer) Compare(ctx context.Context, from io.ReaderAt, size int64, claims []Claim) (Answer, error) {
	claims = Worth(claims)
	first := len(claims)
	if first > 1 && claims[0].Guess {
		first = 1
	}
	a := Answer{Verdict: Unknown}
	for _, some := range [][]Claim{claims[:first], claims[first:]} {
		if len(some) == 0 {
			break
		}
		sums, err := s.Sums(ctx, from, size, some)
		if err != nil {
			return a, err
		}
		now := Decide(some, sums)
		if now.Claim.Kind != "" {
			a = now
		}
		if a.Verdict != Unknown {
			break
		}
	}
	return a, nil
}

// Sums returns the sum for each claim; the bytes are read once. If only one is asked for whose parts are summed separately,
// or can be, several cores do it.
func (s *Summer) Sums(ctx context.Context, from io.ReaderAt, size int64, claims []Claim) ([]checksum.Sum, error) {
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
	running := NewRunning(claims)
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
	return running.Sums()
}

// split sums by several cores, if that is possible.
func (s *Summer) split(ctx context.Context, from io.ReaderAt, size int64, c Claim) (checksum.Sum, bool, error) {
	a := c.Sum.Algorithm
	switch {
	case len(c.Sizes) > 0:
		sums, err := s.Parts(ctx, a, from, c.Sizes)
		if err != nil {
			return checksum.Sum{}, false, err
		}
		sum, err := checksum.Compose(sums)
		return sum, true, err
	case c.Sum.Parts > 0 || !a.CanCombine() || size <= 2*span:
		return checksum.Sum{}, false, nil
	}
	part := max(span, (size-1)/MaxParts+1)
	sizes := EqualParts(size, part, int((size-1)/part+1))
	sums, err := s.Parts(ctx, a, from, sizes)
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

// Running sums bytes that pass once, in the way of several claims.
type Running []*checksum.Running

// NewRunning starts the sums for claims.
func NewRunning(claims []Claim) Running {
	r := make(Running, len(claims))
	for i, c := range claims {
		r[i] = checksum.NewRunning(c.Sum.Algorithm, c.Sizes)
	}
	return r
}

// Write adds the next bytes, for all at once if that is worth it.
func (r Running) Write(p []byte) (int, error) {
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

// Sums returns the sum for each claim.
func (r Running) Sums() ([]checksum.Sum, error) {
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
