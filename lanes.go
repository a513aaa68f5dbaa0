package haul

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"haul/internal/pace"
)

// lanes carry the requests of a client: a lane carries one part, or one small object, at a time, whichever transfer it
// belongs to. How many are open is for pace to say. Memory is taken before a lane, never while one is held: the two
// orders mixed would lock up.
type lanes struct {
	pace *pace.Pace

	mu    sync.Mutex
	busy  int
	queue []chan struct{} // who waits, longest first
	last  time.Time       // when used was last added to
	used  laneUse
}

// laneUse is how much lanes were used so far.
type laneUse struct {
	peak                int           // most at once
	inUse, active, full time.Duration // of all together; while there was any; while more would have been
}

// note adds up how lanes were used until now; mu is held, and what is noted not changed yet.
func (l *lanes) note() {
	now := time.Now()
	d := now.Sub(l.last)
	l.last = now
	l.used.peak = max(l.used.peak, l.busy)
	l.used.inUse += d * time.Duration(l.busy)
	if l.busy > 0 {
		l.used.active += d
	}
	if len(l.queue) > 0 {
		l.used.full += d
	}
}

// use tells how much lanes were used so far.
func (l *lanes) use() laneUse {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
	return l.used
}

const (
	// mostBuffer, in bytes, is what a lane carries its bytes in: large enough for few calls of the system, and small enough to
	// stay in a core's own cache. Where there are many lanes each is slow, and less will do, down to leastBuffer: together
	// they take bufferAll.
	mostBuffer, leastBuffer = 256 << 10, 64 << 10
	bufferAll               = 8 << 20
)

// buffer is how much memory a lane that is entered next should have, in bytes.
func (l *lanes) buffer() int64 {
	size := int64(mostBuffer)
	for size > leastBuffer && size*int64(l.pace.Lanes()) > bufferAll {
		size /= 2
	}
	return size
}

// enter waits for a free lane.
func (l *lanes) enter(ctx context.Context) error {
	l.mu.Lock()
	l.note()
	if len(l.queue) == 0 && l.busy < l.pace.Lanes() && ctx.Err() == nil {
		l.busy++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.queue = append(l.queue, turn)
	l.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		l.note()
		if i := slices.Index(l.queue, turn); i >= 0 {
			l.queue = slices.Delete(l.queue, i, i+1)
		} else { // the lane came at the same moment
			l.busy--
			l.wake()
		}
		return context.Cause(ctx)
	}
}

// leave gives the lane back.
func (l *lanes) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
	l.busy--
	l.wake()
}

// load tells how many lanes are in use, and how many wait for one.
func (l *lanes) load() (busy, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy, len(l.queue)
}

// open lets in who waits, after pace may have allowed more.
func (l *lanes) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
	l.wake()
}

// wake lets in as many as pace allows; mu is held.
func (l *lanes) wake() {
	for len(l.queue) > 0 && l.busy < l.pace.Lanes() {
		close(l.queue[0])
		l.queue = slices.Delete(l.queue, 0, 1)
		l.busy++
	}
}

// trial lets one at a time try what may fail, until one has not.
type trial struct{ state atomic.Int32 }

const (
	untried int32 = iota
	trying
	works
)

// enter reports whether the caller may try; then leave must be called.
func (t *trial) enter() bool {
	return t.state.Load() == works || t.state.CompareAndSwap(untried, trying)
}

// leave ends a try.
func (t *trial) leave(ok bool) {
	if ok {
		t.state.Store(works)
		return
	}
	t.state.CompareAndSwap(trying, untried)
}
