package dispatch

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"haul.example/haul/internal/pace"
)

// lanes carry the requests of a Dispatcher: a lane carries one part, or one small object, at a time, of any transfer. Pace
// decides how many are open, and how many bytes may be in flight in them. Memory is taken before a lane, never while one is
// held: mixing the two orders would deadlock.
type lanes struct {
	pace *pace.Pace

	mu     sync.Mutex
	busy   int
	flying int64    // bytes that the requests in the busy lanes are to move
	queue  []waiter // for a lane, in the order in which they get one
	last   time.Time
	used   Use // until last
}

// waiter waits for a lane: the lowest order first.
type waiter struct {
	order uint64
	size  int64
	turn  chan struct{}
}

// newcomer is the order of a request that had no lane before.
const newcomer = math.MaxUint64

// Use is how much lanes were used so far.
type Use struct {
	Peak                int           // most at once
	InUse, Active, Full time.Duration // of all together; while there was any; while more would have been
}

// note adds up how lanes were used until now; mu is held, and what it adds up is not changed yet.
func (l *lanes) note() {
	now := time.Now()
	d := now.Sub(l.last)
	l.last = now
	l.used.Peak = max(l.used.Peak, l.busy)
	l.used.InUse += d * time.Duration(l.busy)
	if l.busy > 0 {
		l.used.Active += d
	}
	if len(l.queue) > 0 {
		l.used.Full += d
	}
}

// use returns how much lanes were used so far.
func (l *lanes) use() Use {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
	return l.used
}

const (
	// MostBuffer, in bytes, is the buffer of a lane: large enough for few system calls, and small enough to stay in a
	// core's own cache. If there are many lanes each is slow, and less will do, down to LeastBuffer: together they take
	// bufferAll.
	MostBuffer, LeastBuffer = 256 << 10, 64 << 10
	bufferAll               = 8 << 20
)

// buffer returns how much memory the next lane should have, in bytes.
func (l *lanes) buffer() int64 {
	size := int64(MostBuffer)
	for size > LeastBuffer && size*int64(l.pace.Lanes()) > bufferAll {
		size /= 2
	}
	return size
}

// enter waits for a free lane, for a request that is to move size bytes.
func (l *lanes) enter(ctx context.Context, size int64) error {
	return l.wait(ctx, waiter{newcomer, size, make(chan struct{})})
}

func (l *lanes) wait(ctx context.Context, w waiter) error {
	l.mu.Lock()
	l.note()
	if len(l.queue) == 0 && ctx.Err() == nil && l.pace.Admits(l.busy, l.flying) {
		l.take(w.size)
		l.mu.Unlock()
		return nil
	}
	i, _ := slices.BinarySearchFunc(l.queue, w, func(q, w waiter) int {
		if q.order <= w.order {
			return -1
		}
		return 1
	})
	l.queue = slices.Insert(l.queue, i, w)
	l.wake()
	l.mu.Unlock()

	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		l.note()
		if i := slices.IndexFunc(l.queue, func(q waiter) bool { return q.turn == w.turn }); i >= 0 {
			l.queue = slices.Delete(l.queue, i, i+1)
		} else { // the lane came at the same moment
			l.drop(w.size)
		}
		l.wake()
		return context.Cause(ctx)
	}
}

// again gives the lane back and waits for another, before all requests of a later order. The caller has a lane when it
// returns, also after an error.
func (l *lanes) again(ctx context.Context, order uint64, size int64) error {
	l.leave(size)
	err := l.wait(ctx, waiter{order, size, make(chan struct{})})
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.note()
		l.take(size)
	}
	return err
}

// leave gives back the lane of a request that was to move size bytes.
func (l *lanes) leave(size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
	l.drop(size)
	l.wake()
}

// take and drop count a lane; mu is held.
func (l *lanes) take(size int64) { l.busy, l.flying = l.busy+1, l.flying+size }

func (l *lanes) drop(size int64) { l.busy, l.flying = l.busy-1, l.flying-size }

// laneLoad is how lanes are used now.
type laneLoad struct {
	busy, waiting int
	flying        int64 // bytes that the requests in them are to move
}

func (l *lanes) load() laneLoad {
	l.mu.Lock()
	defer l.mu.Unlock()
	return laneLoad{l.busy, len(l.queue), l.flying}
}

// open wakes waiters, after pace may have allowed more lanes.
func (l *lanes) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
	l.wake()
}

// wake wakes as many waiters as pace allows; mu is held.
func (l *lanes) wake() {
	for len(l.queue) > 0 && l.pace.Admits(l.busy, l.flying) {
		next := l.queue[0]
		l.queue = slices.Delete(l.queue, 0, 1)
		l.take(next.size)
		close(next.turn)
	}
}
