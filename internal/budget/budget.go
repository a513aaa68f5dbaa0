// Package budget is the one memory limit of a process: callers take buffers here, and wait while the limit is reached.
//
//	l, err := b.Take(ctx, n) // first come, first served
//	defer l.Release()
//	read(l.Bytes())
//
// Buffers are kept for the next taker of their size. They are outside the heap of the garbage collector if the system
// allows it (mmap): otherwise the heap would grow to twice of what is in use before it is collected. Taken and kept buffers
// together never exceed the limit; to make room, kept ones are freed first.
//
// A buffer is rounded up to whole 256 KiB, or below that to a power of two from 4 KiB, and counts so towards the limit. A
// taker that waits stops those after it, even smaller ones, so that none waits forever. A caller that takes a second buffer
// while holding a first may deadlock: take once for each piece of work.
//
// The bytes of a buffer are not cleared. A buffer that is never released is lost to the budget.
package budget

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// ErrTooLarge is in the chain of an error if more is asked for than the limit allows at all.
var ErrTooLarge = errors.New("over the memory limit")

const (
	minSize = 4 << 10 // bytes; a page
	step    = 256 << 10
)

// Budget lends memory. It may be used from many goroutines at once.
type Budget struct {
	limit int64

	// guarded by mu
	mu     sync.Mutex
	leased int64
	queue  []*waiter // waiters, longest first
	shelf  *shelf
}

// waiter is a Take that waits. Its lease and err are set before turn is closed.
type waiter struct {
	n     int64
	turn  chan struct{}
	lease *Lease
	err   error
}

// Lease is a buffer that is taken.
type Lease struct {
	b *Budget
	n int64

	buf []byte // the whole buffer; nil once released; guarded by b.mu
}

// New returns a budget of limit bytes.
func New(limit int64) *Budget {
	b := &Budget{limit: limit, shelf: &shelf{free: map[int64][][]byte{}}}
	// The collector does not see what lies on the shelf: a budget that is no longer referenced frees it here.
	runtime.AddCleanup(b, (*shelf).clear, b.shelf)
	return b
}

// Limit returns the limit in bytes.
func (b *Budget) Limit() int64 { return b.limit }

// InUse returns how many bytes are taken now, sizes rounded as the buffers are.
func (b *Budget) InUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leased
}

// Take takes a buffer of n bytes. It waits for its turn until ctx ends, and then returns the cause of that. More than the
// limit is ErrTooLarge at once.
func (b *Budget) Take(ctx context.Context, n int64) (*Lease, error) {
	if n < 0 {
		panic(fmt.Sprintf("budget: internal error: take %d bytes", n))
	}
	if n > b.limit {
		return nil, fmt.Errorf("a buffer of %d bytes is %w of %d", n, ErrTooLarge, b.limit)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if n == 0 {
		return &Lease{b: b}, nil
	}
	w := &waiter{n: n, turn: make(chan struct{})}
	b.mu.Lock()
	b.queue = append(b.queue, w)
	b.serve()
	b.mu.Unlock()

	select {
	case <-w.turn:
		return w.lease, w.err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.queue, w); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	} else if w.lease != nil { // the turn came at the same moment
		b.takeBack(w.lease)
	}
	b.serve()
	return nil, context.Cause(ctx)
}

// Bytes returns the buffer, as long as was asked for. It must not be touched after Release; Bytes is then nil.
func (l *Lease) Bytes() []byte {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.buf == nil {
		return nil
	}
	return l.buf[:l.n:l.n]
}

// Release gives the buffer back. Releasing twice is harmless.
func (l *Lease) Release() {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.takeBack(l)
	l.b.serve()
}

// takeBack puts the buffer of l on the shelf; mu is held.
func (b *Budget) takeBack(l *Lease) {
	if l.buf == nil {
		return
	}
	b.leased -= int64(len(l.buf))
	if b.leased < 0 {
		panic("budget: internal error: more released than taken")
	}
	b.shelf.put(l.buf)
	l.buf = nil
}

// serve hands out buffers, in the order of the queue, as far as the limit allows; mu is held.
func (b *Budget) serve() {
	for len(b.queue) > 0 {
		w := b.queue[0]
		size := b.sizeFor(w.n)
		if b.leased+size > b.limit {
			return
		}
		buf, err := b.shelf.get(size, b.limit-b.leased)
		if err != nil {
			w.err = err
		} else {
			b.leased += size
			w.lease = &Lease{b: b, n: w.n, buf: buf}
		}
		b.queue = slices.Delete(b.queue, 0, 1)
		close(w.turn)
	}
}

// sizeFor rounds n up, so that buffers fit the next taker: but never over the limit.
func (b *Budget) sizeFor(n int64) int64 {
	size := int64(minSize)
	switch {
	case n > step:
		size = (n + step - 1) / step * step
	case n > minSize:
		size = 1 << bits.Len64(uint64(n-1))
	}
	return min(size, b.limit)
}

// shelf keeps unused buffers, by their size. The mutex of its Budget guards it.
type shelf struct {
	free map[int64][][]byte
	kept int64 // bytes
}

// get returns a buffer of size bytes, a new one if none is kept. Room is the maximum for all kept ones and it together.
func (s *shelf) get(size, room int64) ([]byte, error) {
	if last := len(s.free[size]) - 1; last >= 0 {
		buf := s.free[size][last]
		s.free[size] = s.free[size][:last]
		s.kept -= size
		return buf, nil
	}
	if err := s.shrink(room - size); err != nil {
		return nil, err
	}
	buf, err := allocate(size)
	if err != nil {
		return nil, fmt.Errorf("take %d bytes of memory: %w", size, err)
	}
	return buf, nil
}

func (s *shelf) put(buf []byte) {
	size := int64(len(buf))
	s.free[size] = append(s.free[size], buf)
	s.kept += size
}

// shrink frees kept buffers until they have no more than most bytes.
func (s *shelf) shrink(most int64) error {
	for size := range s.free {
		for s.kept > most && len(s.free[size]) > 0 {
			last := len(s.free[size]) - 1
			if err := free(s.free[size][last]); err != nil {
				return fmt.Errorf("give %d bytes of memory back: %w", size, err)
			}
			s.free[size] = s.free[size][:last]
			s.kept -= size
		}
		if len(s.free[size]) == 0 {
			delete(s.free, size)
		}
	}
	return nil
}

// clear frees all that is kept. There is no caller to return an error to.
func (s *shelf) clear() { _ = s.shrink(0) }
