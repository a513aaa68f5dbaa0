package haul

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
	// beat is how often the state is reported to pace, and judgeEvery how often pace is asked which attempts are too slow.
	beat       = 20 * time.Millisecond
	judgeEvery = 8 * beat
	// mostWatched is the number of attempts up to which the kernel is asked at each beat what has arrived of them. With
	// more, the link is not slow.
	mostWatched = 64
)

var (
	// errSlow is the cause of a request that was cut because its peers are so much faster that a new try will overtake it.
	errSlow = errors.New("the connection was much slower than the others and was cut")
	// errExcess is the cause of a request that was taken back: more were begun than the link finishes in time.
	errExcess = errors.New("more was in flight than the link moves in a few seconds")
)

// attempt is one try of a request that moves a part or a range.
type attempt struct {
	pace.Flight
	moved atomic.Int64
	wire  store.Wire // of a request that sends
	cut   context.CancelCauseFunc
	// ending: the transfer is to stop, and the attempt may only continue if it is nearly done. Kept belongs to the
	// heartbeat: it may continue.
	ending atomic.Bool
	kept   bool
}

// arrived returns what is known to be at the other side, in bytes.
func (f *attempt) arrived() int64 {
	moved := f.moved.Load()
	if n, ok := f.wire.Acked(); ok {
		return min(moved, n)
	}
	return moved
}

// watched returns the store.Wire of the attempt's connection; nil without an attempt.
func (f *attempt) watched() *store.Wire {
	if f == nil {
		return nil
	}
	return &f.wire
}

// flights are the running attempts of a client. While there are any transfers, a heartbeat reports them to pace.
type flights struct {
	mu   sync.Mutex
	last uint64
	all  map[uint64]*attempt
	// transfers counts those that run; stop and stopped belong to their heartbeat.
	transfers     int
	stop, stopped chan struct{}
	drain         drain
}

// take registers a try that cut can end. Its moved bytes are to be counted in the attempt.
func (c *Client) take(f pace.Flight, cut context.CancelCauseFunc) *attempt {
	fl := &attempt{Flight: f, cut: cut}
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	c.attempts.last++
	fl.ID, fl.Began = c.attempts.last, time.Now()
	c.attempts.all[fl.ID] = fl
	return fl
}

func (c *Client) land(f *attempt) {
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	delete(c.attempts.all, f.ID)
}

// alive keeps the heartbeat running until the function that it returns is called.
func (c *Client) alive() func() {
	f := &c.attempts
	c.watch.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.transfers++; f.transfers == 1 {
		f.stop, f.stopped = make(chan struct{}), make(chan struct{})
		go c.heartbeat(f.stop, f.stopped)
	}
	return func() {
		c.watch.end()
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

func (c *Client) heartbeat(stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var cores cpuMeter
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			c.tick(now, &cores)
			if n%int(judgeEvery/beat) == 0 {
				c.judge(now)
			}
		}
	}
}

// tick reports the current state to pace, and opens the lanes that it allows.
func (c *Client) tick(now time.Time, cores *cpuMeter) {
	l := c.lanes.load()
	s := c.meter.Snapshot()
	c.pace.Tick(now, pace.Load{
		Moved: s.Moved, Arrived: s.Moved - c.underWay(), Total: s.Total - s.Kept, CPU: cores.tick(now),
		Busy: l.busy, Flying: l.flying, Pausing: int(c.pausing.Load()), Waiting: l.waiting,
	})
	c.lanes.open()
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	c.attempts.drain.beat(now, c.attempts.all)
}

// underWay returns how many bytes this side has sent and the other has not acknowledged.
func (c *Client) underWay() (n int64) {
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	if len(c.attempts.all) > mostWatched {
		return 0
	}
	for _, f := range c.attempts.all {
		moved := f.moved.Load()
		n += max(0, moved-f.arrived())
	}
	return n
}

// judge cuts the tries that pace finds too slow, and takes back those that are too many; their callers try again.
func (c *Client) judge(now time.Time) {
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	all := make([]*attempt, 0, len(c.attempts.all))
	told := make([]pace.Flight, 0, len(c.attempts.all))
	for _, f := range c.attempts.all {
		t := f.Flight
		t.Moved = f.arrived()
		all, told = append(all, f), append(told, t)
	}
	for _, i := range c.pace.Excess(told) {
		all[i].cut(errExcess)
	}
	for _, i := range c.pace.Slow(now, told) {
		all[i].cut(errSlow)
	}
}

// tryWatched is try for a request that sends size bytes in a lane, with each try watched, unless blind: one that is much
// slower than its peers is cut and made again, and one too many makes way for those that are further.
func (t *transfer) tryWatched(ctx context.Context, size int64, blind bool, f func(context.Context, *attempt) error) error {
	if blind {
		return t.try(ctx, func(ctx context.Context) error {
			t.c.meter.Request()
			return f(ctx, nil)
		})
	}
	cuts := 0
	var excess uint64 // the attempt that was taken back
	return t.try(ctx, func(ctx context.Context) error {
		if excess != 0 {
			if err := t.makeWay(ctx, excess, size); err != nil {
				return err
			}
			excess = 0
		}
		t.c.meter.Request()
		own, cut := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cut(nil)
		fl := t.c.take(pace.Flight{Size: size, Restart: true, Cuts: cuts}, cut)
		defer t.c.land(fl)
		defer context.AfterFunc(ctx, func() { t.stopped(fl, context.Cause(ctx)) })()
		err := f(own, fl)
		if err == nil {
			return nil
		}
		switch context.Cause(own) {
		case errSlow:
			cuts++
			return errSlow
		case errExcess:
			excess = fl.ID
			return errExcess
		}
		return err
	})
}

// makeWay gives the lane of an attempt that was taken back to others, until it is its turn again.
func (t *transfer) makeWay(ctx context.Context, id uint64, size int64) error {
	t.c.meter.PartEnd(false)
	defer t.c.meter.PartStart()
	return t.c.lanes.again(ctx, id, size)
}
