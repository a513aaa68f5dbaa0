package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"haul.example/haul/internal/pace"
	"haul.example/haul/store"
)

const (
	// beat is how often the state is reported to pace, and cutEvery how often pace is asked which attempts are too slow.
	beat     = 20 * time.Millisecond
	cutEvery = 8 * beat
	// mostWatched is of how many attempts the kernel is asked, at each beat, what has arrived of them: 3 µs each. With more, they take
	// turns.
	mostWatched = 64
)

var (
	// ErrSlow is the cause of a request that was cut because its peers are so much faster that a new try will overtake it.
	ErrSlow = errors.New("the connection was much slower than the others and was cut")
	// ErrExcess is the cause of a request that was taken back: more were begun than the link finishes in time.
	ErrExcess = errors.New("more was in flight than the link moves in a few seconds")
)

// Attempt is one try of a request that moves a part or a range.
type Attempt struct {
	pace.Flight
	moved atomic.Int64
	wire  store.Wire // of a request that sends
	known int64      // what had arrived when the heartbeat asked last
	cut   context.CancelCauseFunc
	// ending: the transfer is to stop, and the attempt may only continue if it is nearly done. Kept belongs to the
	// heartbeat: it may continue.
	ending atomic.Bool
	kept   bool
}

// arrived returns what is known to be at the other side, in bytes.
func (f *Attempt) arrived() int64 {
	moved := f.moved.Load()
	if n, ok := f.wire.Acked(); ok {
		return min(moved, n)
	}
	return moved
}

// Wire returns what watches the attempt's connection; nil without an attempt.
func (f *Attempt) Wire() *store.Wire {
	if f == nil {
		return nil
	}
	return &f.wire
}

// Moved counts bytes that this side has moved; nothing without an attempt.
func (f *Attempt) Moved(n int64) {
	if f != nil {
		f.moved.Add(n)
	}
}

// attempts are those that run. While there are any transfers, a heartbeat reports them to pace.
type attempts struct {
	mu    sync.Mutex
	last  uint64
	all   map[uint64]*Attempt
	beats uint64 // of the heart, whose turn it is to be asked
	// transfers counts those that run; stop and stopped belong to their heartbeat.
	transfers     int
	stop, stopped chan struct{}
	drain         drain
}

// Take registers a try that cut can end, until Land. What it moves is to be counted in the Attempt.
func (d *Dispatcher) Take(f pace.Flight, cut context.CancelCauseFunc) *Attempt {
	fl := &Attempt{Flight: f, cut: cut}
	d.attempts.mu.Lock()
	defer d.attempts.mu.Unlock()
	d.attempts.last++
	fl.ID, fl.Began = d.attempts.last, time.Now()
	d.attempts.all[fl.ID] = fl
	return fl
}

// Land ends the registration.
func (d *Dispatcher) Land(f *Attempt) {
	d.attempts.mu.Lock()
	defer d.attempts.mu.Unlock()
	delete(d.attempts.all, f.ID)
}

// Alive is called when a transfer begins, and the function that it returns when that ends. Meanwhile the state is reported to pace.
func (d *Dispatcher) Alive() func() {
	f := &d.attempts
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.transfers++; f.transfers == 1 {
		f.stop, f.stopped = make(chan struct{}), make(chan struct{})
		go d.heartbeat(f.stop, f.stopped)
	}
	return func() {
		f.mu.Lock()
		f.transfers--
		stop, stopped := f.stop, f.stopped
		last := f.transfers == 0
		f.mu.Unlock()
		if last {
			close(stop)
			<-stopped
		}
	}
}

func (d *Dispatcher) heartbeat(stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var cores cpuMeter
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			d.tick(now, &cores)
			if n%int(cutEvery/beat) == 0 {
				d.cutSlow(now)
			}
		}
	}
}

// tick reports the current state to pace, and opens the lanes that it allows.
func (d *Dispatcher) tick(now time.Time, cores *cpuMeter) {
	l := d.lanes.load()
	s := d.meter.Snapshot()
	d.Pace.Tick(now, pace.Load{
		Moved: s.Moved - d.underWay(), Total: s.Total - s.Kept, CPU: cores.tick(now),
		Busy: l.busy, Flying: l.flying, Pausing: int(d.pausing.Load()), Waiting: l.waiting,
	})
	d.lanes.open()
	d.attempts.mu.Lock()
	defer d.attempts.mu.Unlock()
	d.attempts.drain.beat(now, d.attempts.all)
}

// underWay returns how many bytes this side has sent and the other has not acknowledged.
func (d *Dispatcher) underWay() (n int64) {
	a := &d.attempts
	a.mu.Lock()
	defer a.mu.Unlock()
	turns := uint64(1 + len(a.all)/mostWatched)
	a.beats++
	for id, f := range a.all {
		if !f.Restart { // it receives
			continue
		}
		if id%turns == a.beats%turns {
			f.known = f.arrived()
		}
		n += max(0, f.moved.Load()-f.known)
	}
	return n
}

// cutSlow cuts the tries that pace finds too slow, and takes back those that are too many; their callers try again.
func (d *Dispatcher) cutSlow(now time.Time) {
	d.attempts.mu.Lock()
	defer d.attempts.mu.Unlock()
	all := make([]*Attempt, 0, len(d.attempts.all))
	flights := make([]pace.Flight, 0, len(d.attempts.all))
	for _, f := range d.attempts.all {
		t := f.Flight
		t.Moved = f.arrived()
		all, flights = append(all, f), append(flights, t)
	}
	for _, i := range d.Pace.Excess(flights) {
		all[i].cut(ErrExcess)
	}
	for _, i := range d.Pace.Slow(now, flights) {
		all[i].cut(ErrSlow)
	}
}

// Send describes a request that sends bytes in a lane.
type Send struct {
	Size int64
	// Blind: no try may be cut and made again.
	Blind bool
}

// TryWatched is Try for a request that sends bytes in a lane, with each try watched: one that is much slower than its peers is
// cut and made again, and one too many makes way for those that are further.
func (d *Dispatcher) TryWatched(ctx context.Context, c Caller, r Send, f func(context.Context, *Attempt) error) error {
	if r.Blind {
		return d.Try(ctx, c, func(ctx context.Context) error {
			d.meter.Request()
			return f(ctx, nil)
		})
	}
	cuts := 0
	var excess uint64 // the attempt that was taken back
	return d.Try(ctx, c, func(ctx context.Context) error {
		if excess != 0 {
			if err := d.MakeWay(ctx, excess, r.Size); err != nil {
				return err
			}
			excess = 0
		}
		d.meter.Request()
		own, cut := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cut(nil)
		fl := d.Take(pace.Flight{Size: r.Size, Restart: true, Cuts: cuts}, cut)
		defer d.Land(fl)
		defer context.AfterFunc(ctx, func() { stop(c, fl, context.Cause(ctx)) })()
		err := f(own, fl)
		if err == nil {
			return nil
		}
		switch context.Cause(own) {
		case ErrSlow:
			cuts++
			return ErrSlow
		case ErrExcess:
			excess = fl.ID
			return ErrExcess
		}
		return err
	})
}

// MakeWay gives the lane of an attempt that was taken back to others, until it is its turn again.
func (d *Dispatcher) MakeWay(ctx context.Context, id uint64, size int64) error {
	d.meter.PartEnd(false)
	defer d.meter.PartStart()
	return d.lanes.again(ctx, id, size)
}
