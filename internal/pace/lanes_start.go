package pace

import (
	"math"
	"slices"
	"time"
)

const (
	// blindMax is how many lanes may be opened before the first byte, twice as many every blindLook. (TestRegret)
	blindMax  = 64
	blindLook = 40 * time.Millisecond
	// look is the least time of a window of the quick start. Two make a verdict. (TestRegret, TestSteady)
	look = 20 * time.Millisecond
	// patience is the least time after which a number of lanes is judged that no window confirmed, beside twice the wait
	// for the first byte; its second half counts. While goodput rises by more than rising it starts again: a new connection
	// needs round trips to come to its rate. (TestManySmallObjects, TestCollapseIsNoTail)
	patience = 120 * time.Millisecond
	rising   = 1.25
	// A lane that gives near of what it should lets the lanes double, and one that gives half lets them grow by half.
	// (TestRegret, TestManySmallObjects)
	near, half = 0.8, 0.5
	// slowRequest bounds the quick start: it must not open so many lanes that a request takes longer. Such a slow link is
	// found in the steady phase, and what starts now would keep it busy for all that time. (TestSlowLinkGetsNoMoreLanes)
	slowRequest = 8 * time.Second
	// fastLane is the rate of a lane from which a few lanes fill a link, in bytes per second. (TestRegret)
	fastLane = 100e6
	// pauses is how many times as long as the pause before the next one a request should last: lanes that started together
	// pause together. (TestManySmallObjects)
	pauses = 10
	// trusted bounds what the quick start is believed to have seen in a lane, in rates of the best requests.
	trusted = 4
	// spare is how many lanes stay open, in lanes that a goodput needs. (TestFollowsTheLink, TestRegret)
	spare = 1.6
)

// quick is the state of the quick start.
type quick struct {
	steps []step
	wait  time.Duration // from the start of a request to its first byte; 0 is not known
	least time.Duration // what it is at least
	best  float64       // a lane's best rate while it was steady, in bytes per second
	level int           // the number of lanes that flowed first
	prev  float64       // goodput of the window before; 0 is none
	even  struct {      // the first number of lanes whose rate was the same in two windows, and that rate
		lanes int
		rate  float64
	}
	// The time since the lanes that were opened last began to flow, for endLevel.
	begun, middle mark
	last          struct { // the last number of lanes that was judged well, and its goodput
		lanes   int
		goodput float64
	}
	hot int // windows in a row in which the CPU was the limit
}

// step is a change of the number of lanes.
type step struct {
	at    time.Time
	lanes int
}

// stepped records a number of lanes; the windows begin again.
func (q *quick) stepped(now time.Time, lanes int) {
	q.steps = append(q.steps, step{now, lanes})
	if len(q.steps) > 16 {
		q.steps = slices.Delete(q.steps, 0, 1)
	}
	q.prev = 0
}

// at returns the number of lanes at a time.
func (q *quick) at(t time.Time) int {
	n := q.steps[0].lanes
	for _, s := range q.steps {
		if s.at.Before(t) {
			n = s.lanes
		}
	}
	return n
}

// flowing returns how many lanes were past the wait for their first byte in a window; clean if it was so all the time.
func (q *quick) flowing(from, to time.Time) (n int, clean bool) {
	n = q.at(from.Add(time.Millisecond - q.wait))
	return n, n == q.at(to.Add(-time.Millisecond-min(q.least, q.wait)))
}

// note records the rate of a lane while n flowed. The first windows of an upload see socket buffers fill: for the first
// number of lanes, which the others are compared with, the last window holds.
func (q *quick) note(n int, lane float64) {
	if q.level == 0 {
		q.level = n
	}
	if n == q.level {
		q.best = 0
	}
	q.best = max(q.best, lane)
}

// follows reports whether goodput has risen as the number of lanes has: n of them move so many bytes per second each, and fewer did no more.
// It is called for windows that are like the one before: while connections come to their rate, goodput rises by itself.
func (q *quick) follows(n int, rate float64) bool {
	if q.even.lanes == 0 {
		q.even.lanes, q.even.rate = n, rate
	}
	return 2*n >= 3*q.even.lanes && rate > near*q.even.rate
}

// learn finds out, at a tick, how long the first byte took to come. It returns whether that was just now.
func (q *quick) learn(m, first mark) bool {
	d := m.at.Sub(first.at)
	switch {
	case m.bytes <= first.bytes:
		q.least = d
	case q.wait == 0:
		q.wait = d
		return q.least > 0
	}
	return false
}

// quickStart grows the number of lanes by factors.
func (c *rampUp) quickStart(m mark, l Load) {
	q := &c.quick
	if m.bytes <= c.first.bytes {
		if since := m.at.Sub(q.steps[len(q.steps)-1].at); since >= blindLook && c.lanes < blindMax && l.Waiting > 0 {
			c.step(m, min(2*c.lanes, blindMax))
		}
		c.from = m
		return
	}
	if m.at.Sub(c.from.at) < look {
		return
	}
	from := c.from
	g := m.goodput(from)
	calm := q.prev > 0 && g > 0.7*q.prev
	even := q.prev > 0 && max(g, q.prev) < rising*min(g, q.prev)
	if q.hot++; !c.hot(from, m) {
		q.hot = 0
	}
	q.prev, c.from = g, m
	if q.hot > 1 {
		c.phase, c.trial.goodput = steady, g
		if floor := c.cores + 1; c.lanes > floor {
			c.begin(max(floor, c.lanes/2), true)
		}
		return
	}
	if n, clean := q.flowing(from.at, m.at); clean {
		q.note(n, g/float64(n))
		if even && q.follows(n, g/float64(n)) {
			c.follows = m.at
		}
		if to := c.more(n, g/float64(n)); calm && to > c.lanes && l.Waiting > 0 {
			q.last.lanes, q.last.goodput = n, g
			c.step(m, to)
			return
		}
	}
	c.endLevel(m, l)
}

// endLevel ends the quick start if the lanes that were opened last brought little.
func (c *rampUp) endLevel(m mark, l Load) {
	q := &c.quick
	full := max(patience, 2*q.wait+patience/2)
	begun := q.steps[len(q.steps)-1].at.Add(q.wait)
	switch since := m.at.Sub(begun); {
	case q.begun.at.Before(begun):
		q.begun, q.middle = m, mark{}
		return
	case q.middle.at.IsZero() && since >= full/2:
		q.middle = m
		return
	case since < full || !m.at.After(q.middle.at):
		return
	}
	first, second := q.middle.goodput(q.begun), m.goodput(q.middle)
	switch {
	case c.lanes >= c.max || l.Waiting == 0:
		c.phase = settling
	case first > 0 && second > rising*first:
		q.stepped(m.at.Add(-q.wait), c.lanes)
	case second == 0 && c.lanes < blindMax, c.better(second):
		q.last.lanes, q.last.goodput = c.lanes, second
		c.step(m, 2*c.lanes)
	default:
		c.phase = settling
	}
}

// better reports whether goodput has risen, since fewer lanes were judged, by at least half, in powers, of what the lanes
// have; and whether requests are not too slow for more of them.
func (c *rampUp) better(goodput float64) bool {
	j := c.quick.last
	if goodput/float64(c.lanes)*slowRequest.Seconds() < 2*c.request() {
		return false
	}
	return j.goodput == 0 || goodput/j.goodput > math.Sqrt(float64(c.lanes)/float64(j.lanes))
}

// request returns the size of a request.
func (c *rampUp) request() float64 {
	if c.done == 0 {
		return usualBytes
	}
	return c.bytes + perRequest
}

// step opens more lanes.
func (c *rampUp) step(m mark, n int) {
	c.set(n)
	c.quick.stepped(m.at, c.lanes)
}

// more returns how many lanes to continue with, if each of the n that flow moves so many bytes per second.
func (c *rampUp) more(n int, lane float64) int {
	factor := 1.0
	switch share := lane / c.quick.best; {
	case share > near && lane < fastLane && n > c.quick.level:
		factor = 4
	case share > near:
		factor = 2
	case share > half:
		factor = 1.5
	}
	factor = min(factor, lane*slowRequest.Seconds()/c.request())
	return min(c.max, int(factor*float64(n)))
}

// settle closes lanes that were opened beyond need, once a round of requests has shown what a lane can move; or opens some, up to twice as
// many, if each pauses long between its requests.
func (c *rampUp) settle(m mark) {
	if m.done-c.from.done < int64(c.lanes) && m.at.Sub(c.from.at) < 4*time.Second || !c.over(m) {
		return
	}
	g := m.goodput(c.from)
	if g == 0 { // the link is dead, which says nothing about the lanes
		c.from = m
		return
	}
	if len(c.rates) > 0 {
		need, pausing := spare*g/c.alone(), 0.0
		if c.pause < c.took/2 {
			pausing = min(float64(2*c.lanes), pauses*c.pause.Seconds()*g/(c.bytes+perRequest))
		}
		if n := int(max(need, pausing)) + 1; n < c.lanes || pausing > need {
			c.set(n)
		}
		if most := c.within(g); !c.wide && c.lanes > most {
			c.set(most)
		}
	}
	c.phase = steady
	c.trial.up, c.trial.step = true, boldest
	c.from = m
}

// alone returns the bytes per second that a lane moves, as far as is known, if it need not share the link: what it flowed
// with in the quick start, less the pauses between requests. What requests came to afterwards, on a link that is full, is
// the least.
func (c *rampUp) alone() float64 {
	sorted := slices.Sorted(slices.Values(c.rates))
	seen := sorted[len(sorted)*9/10]
	bytes := c.bytes + perRequest
	best := bytes / (bytes/c.quick.best + c.pause.Seconds())
	return max(seen, min(best, trusted*seen))
}
