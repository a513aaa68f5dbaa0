package haul

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"haul/internal/pace"
)

const (
	// beat is how often pace is told how things stand, and judgeEvery how often it is asked who is too slow.
	beat       = 20 * time.Millisecond
	judgeEvery = 8 * beat
)

// errSlow is the cause of a request that was cut because its fellows are so much faster that a new try will overtake it.
var errSlow = errors.New("the connection was much slower than the others and was cut")

// flight is one try of a request that moves a part or a range.
type flight struct {
	pace.Flight
	moved atomic.Int64
	cut   context.CancelCauseFunc
}

// flights are the tries that are under way in a client. While there are any transfers, a heartbeat tells pace of them.
type flights struct {
	mu   sync.Mutex
	last uint64
	all  map[uint64]*flight
	// transfers counts those that run; stop and stopped belong to the heartbeat that beats for them.
	transfers     int
	stop, stopped chan struct{}
}

// take registers a try that cut can end. Moved is to be counted in it.
func (c *Client) take(f pace.Flight, cut context.CancelCauseFunc) *flight {
	fl := &flight{Flight: f, cut: cut}
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	c.flights.last++
	fl.ID, fl.Began = c.flights.last, time.Now()
	c.flights.all[fl.ID] = fl
	return fl
}

func (c *Client) land(f *flight) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	delete(c.flights.all, f.ID)
}

// alive lets the heartbeat beat until the function that it gives is called.
func (c *Client) alive() func() {
	f := &c.flights
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
	var cores crowd
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

// tick tells pace how things stand, and opens the lanes that it allows.
func (c *Client) tick(now time.Time, cores *crowd) {
	busy, waiting := c.lanes.load()
	s := c.meter.Snapshot()
	c.pace.Tick(now, pace.Load{
		Moved: s.Moved, Total: s.Total - s.Kept, CPU: cores.tick(now), Busy: busy, Pausing: int(c.pausing.Load()), Waiting: waiting,
	})
	c.lanes.open()
}

// judge cuts the tries that pace finds too slow; whoever made them tries again at once.
func (c *Client) judge(now time.Time) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	all := make([]*flight, 0, len(c.flights.all))
	told := make([]pace.Flight, 0, len(c.flights.all))
	for _, f := range c.flights.all {
		t := f.Flight
		t.Moved = f.moved.Load()
		all, told = append(all, f), append(told, t)
	}
	for _, i := range c.pace.Slow(now, told) {
		all[i].cut(errSlow)
	}
}

// tryWatched is try for a request that sends size bytes, with each try watched, unless blind: one that is much slower than
// its fellows is cut and made again.
func (t *transfer) tryWatched(ctx context.Context, size int64, blind bool, f func(context.Context, *flight) error) error {
	if blind {
		return t.try(ctx, func(ctx context.Context) error {
			t.c.meter.Request()
			return f(ctx, nil)
		})
	}
	cuts := 0
	return t.try(ctx, func(ctx context.Context) error {
		t.c.meter.Request()
		ctx, cut := context.WithCancelCause(ctx)
		defer cut(nil)
		fl := t.c.take(pace.Flight{Size: size, Restart: true, Cuts: cuts}, cut)
		defer t.c.land(fl)
		err := f(ctx, fl)
		if err != nil && context.Cause(ctx) == errSlow {
			cuts++
			return errSlow
		}
		return err
	})
}
