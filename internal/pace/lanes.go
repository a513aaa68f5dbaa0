package pace

import (
	"slices"
	"time"
)

const (
	// perRequest is what a finished request counts for beside its bytes. At 90 MB/s per connection it is 0.7 ms: about what
	// a request costs a client and a near store beside the bytes (doc/performance.md, Figures: 5,000 small objects).
	// (TestManySmallObjects)
	perRequest = 64 << 10
	// usualBytes is assumed as the size of requests until some have finished.
	usualBytes = 8 << 20
	// recent is how many finished requests are remembered.
	recent = 128
	// busyCPU is the share of the cores above which the CPU is the limit. (TestFewLanesOnABusyCPU)
	busyCPU = 0.9
	// recoverAfter is how long after a cut the first lanes open again. (TestComesBackAfterAStorm)
	recoverAfter = time.Second
	// wideFor is for how long goodput that rose with the lanes speaks for as many as it needs, whatever they hold in flight.
	// (TestSlowConnectionsKeepTheirNumber)
	wideFor = 30 * time.Second
)

// rampUp looks for the number of lanes above which goodput no longer rises.
type rampUp struct {
	max   int // immutable
	cores int // immutable

	lanes int
	wide  bool // see reach: there may be more in flight than the link moves in reachTime
	// follows is when goodput last rose with the lanes: then the link has capacity left, and connections are slow by
	// themselves.
	follows time.Time
	phase   phase
	first   mark // when the first request was in flight
	last    mark // the last tick
	from    mark // where the window of measurement begins
	idle    int  // ticks in a row with nothing to do for a free lane

	done  int64         // requests that finished
	took  time.Duration // what they took, newer ones count more
	bytes float64       // of payload in each of them, likewise
	pause time.Duration // the least of it in which no payload moved
	rates []float64     // bytes per second of the last of them
	quick quick
	trial trial

	braked   time.Time // the last cut by the throttle
	early    bool      // it came in the quick start
	restarts int       // of the quick start after one
	wish     int       // the lanes to come back to after it
}

// phase is what the rampUp does. The first is the quick start.
type phase int

const (
	starting phase = iota
	settling
	steady
)

// mark is the state at a tick.
type mark struct {
	at    time.Time
	bytes int64 // goodput's, see perRequest
	done  int64
	cpu   time.Duration
}

// since returns the seconds from a mark to m.
func (m mark) since(from mark) float64 { return m.at.Sub(from.at).Seconds() }

// goodput returns the bytes per second from a mark to m.
func (m mark) goodput(from mark) float64 {
	return float64(max(0, m.bytes-from.bytes)) / m.since(from)
}

// hot reports whether the CPU was the limit from a mark to m.
func (c *rampUp) hot(from, m mark) bool {
	return c.cores > 0 && (m.cpu-from.cpu).Seconds() > busyCPU*m.since(from)*float64(c.cores)
}

// finished records a request that succeeded.
func (c *rampUp) finished(s Sample) {
	if c.done++; c.done == 1 {
		c.took, c.bytes = s.Took, float64(s.Bytes)
	}
	c.took += (s.Took - c.took) / 8
	c.bytes += (float64(s.Bytes) - c.bytes) / 8
	if s.Took > 0 {
		if len(c.rates) == recent {
			c.rates = slices.Delete(c.rates, 0, 1)
		}
		c.rates = append(c.rates, float64(s.Bytes+perRequest)/s.Took.Seconds())
	}
	if first := s.FirstByte; first > 0 && (c.quick.wait == 0 || first < c.quick.wait) {
		c.quick.wait = first
	}
	if pause := s.FirstByte + s.Answer; c.done == 1 || pause < c.pause {
		c.pause = pause
	}
}

// tick continues the search. While the throttle binds, goodput says nothing about the lanes.
func (c *rampUp) tick(now time.Time, l Load, braked bool) {
	m := mark{at: now, bytes: l.Moved + perRequest*c.done, done: c.done, cpu: l.CPU}
	if c.first.at.IsZero() {
		if l.Busy > 0 {
			c.first, c.last, c.from = m, m, m
			c.quick.stepped(now, c.lanes)
		}
		return
	}
	if !now.After(c.last.at) {
		return
	}
	if c.quick.learn(m, c.first) {
		c.from = m
	}
	if braked || c.starved(l) {
		c.last, c.from = m, m
		c.rest(now)
		if c.phase == steady {
			c.recover(m)
		}
		return
	}
	switch c.phase {
	case starting:
		c.quickStart(m, l)
	case settling:
		c.settle(m)
	case steady:
		c.steady(m, l)
	}
	c.last = m
}

// starved reports whether there is no work for the lanes that are open; for one tick it may only be late.
func (c *rampUp) starved(l Load) bool {
	if l.Waiting > 0 || l.Busy >= c.lanes {
		c.idle = 0
		return false
	}
	c.idle++
	return c.idle > 1
}

// rest discards the current measurement.
func (c *rampUp) rest(now time.Time) {
	switch c.phase {
	case starting:
		c.quick.stepped(now, c.lanes)
	case steady:
		if c.trial.on {
			c.lanes = c.trial.base
		}
		c.trial.forget()
	}
}

// set changes the number of lanes, within its bounds.
func (c *rampUp) set(n int) { c.lanes = min(max(1, n), c.max) }

// cut is called by the throttle: n lanes, and no search until some time has passed without another cut.
func (c *rampUp) cut(now time.Time, n int) {
	if c.braked.IsZero() || now.Sub(c.braked) >= cutEvery {
		c.wish = c.lanes * 9 / 10
	}
	c.braked = now
	c.lanes = max(1, min(c.lanes, n))
	c.early = c.early || c.phase != steady
	c.phase = steady
	c.trial.forget()
	c.trial.pause = firstPause
	c.trial.up, c.trial.step = true, boldest
}

// resume takes a cut back.
func (c *rampUp) resume(now time.Time, n int) {
	c.set(max(c.lanes, n))
	c.wish, c.braked = 0, now.Add(-recoverAfter)
	c.trial.forget()
	c.trial.next = now
}

// again begins the quick start again, with the current lanes.
func (c *rampUp) again(m mark) {
	c.phase, c.from = starting, m
	c.quick = quick{wait: c.quick.wait, least: c.quick.least}
	c.quick.stepped(m.at, c.lanes)
	c.trial.forget()
}

// within returns the number of lanes whose requests goodput moves in reachTime, and one more.
func (c *rampUp) within(goodput float64) int {
	return 1 + int(reachTime.Seconds()*goodput/c.request())
}

// window returns how long to measure: two requests, within reason.
func (c *rampUp) window() time.Duration {
	return min(max(2*c.took, 250*time.Millisecond), 2*time.Second)
}

// over reports whether the window that began at c.from ends at m: when it is long enough, with the next full round of
// requests, or when that does not come.
func (c *rampUp) over(m mark) bool {
	w, d := c.window(), m.at.Sub(c.from.at)
	n := int64(c.lanes)
	round := (m.done-c.from.done)/n > (c.last.done-c.from.done)/n
	return d >= w && round || d >= w+min(max(w/2, c.took), w)
}
