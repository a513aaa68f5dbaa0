package pace

import (
	"slices"
	"time"
)

const (
	// blindMax is how many lanes may be opened before the first byte, twice as many every blindLook.
	blindMax  = 64
	blindLook = 40 * time.Millisecond
	// look is the least time of a window of the quick start. Two make a verdict.
	look = 20 * time.Millisecond
	// patience is the least time for which more goodput is waited for before the quick start ends, and patientWaits how
	// many times the wait for the first byte: a new connection needs round trips to come to its rate.
	patience     = 250 * time.Millisecond
	patientWaits = 4
	// near and half are shares of what the lanes should give.
	near, half = 0.8, 0.5
	// slowRequest bounds what the quick start may lead to: lanes so many that a request takes longer. A link that is so
	// slow is found out in the steady phase, and what is begun now would keep it busy for all that time.
	slowRequest = 8 * time.Second
	// fastLane is a lane's rate from which on it takes few to fill a link, in bytes a second.
	fastLane = 100e6
	// pauses is how many times the pause between two requests a request should last: lanes that began together pause
	// together.
	pauses = 10
	// trusted is how many times the rate of the best requests the quick start may have seen in a lane.
	trusted = 4
	// spare is the share of lanes above what a goodput needs.
	spare = 1.6
)

// quick is the state of the quick start.
type quick struct {
	steps []step
	wait  time.Duration // from the start of a request to its first byte; 0 is not known
	least time.Duration // what it is at least
	best  float64       // a lane's best rate while it was steady, in bytes a second
	level int           // the number of lanes that flowed first
	prev  float64       // goodput of the window before; 0 is none
	hot   int           // windows in a row in which the CPU was the limit
}

// step is a change of the number of lanes.
type step struct {
	at    time.Time
	lanes int
}

// stepped notes a number of lanes; the windows begin anew.
func (q *quick) stepped(now time.Time, lanes int) {
	q.steps = append(q.steps, step{now, lanes})
	if len(q.steps) > 16 {
		q.steps = slices.Delete(q.steps, 0, 1)
	}
	q.prev = 0
}

// at is the number of lanes at a time.
func (q *quick) at(t time.Time) int {
	n := q.steps[0].lanes
	for _, s := range q.steps {
		if s.at.Before(t) {
			n = s.lanes
		}
	}
	return n
}

// flowing is how many lanes were past the wait for their first byte in a window; clean when it was so all the time.
func (q *quick) flowing(from, to time.Time) (n int, clean bool) {
	n = q.at(from.Add(time.Millisecond - q.wait))
	return n, n == q.at(to.Add(-time.Millisecond-q.least))
}

// note takes in what a lane gave while n flowed. The first windows of an upload see socket buffers fill: for the first
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

// quickStart grows the number of lanes by factors.
func (c *climb) quickStart(m mark, l Load) {
	q := &c.quick
	since := m.at.Sub(q.steps[len(q.steps)-1].at)
	if m.bytes <= c.first.bytes {
		q.least = m.at.Sub(c.first.at)
		if since >= blindLook && c.lanes < blindMax && l.Waiting > 0 {
			c.step(m, min(2*c.lanes, blindMax))
		}
		c.from = m
		return
	}
	if q.wait == 0 {
		q.wait = m.at.Sub(c.first.at)
		if q.least > 0 {
			c.from = m
		}
	}
	if m.at.Sub(c.from.at) < look {
		return
	}
	from := c.from
	g := m.goodput(from)
	calm := q.prev > 0 && g > 0.7*q.prev
	if q.hot++; !c.busy(from, m) {
		q.hot = 0
	}
	q.prev, c.from = g, m
	if q.hot > 1 {
		c.phase = steady
		return
	}
	if n, clean := q.flowing(from.at, m.at); clean {
		q.note(n, g/float64(n))
		if to := c.more(n, g/float64(n)); calm && to > c.lanes && l.Waiting > 0 {
			c.step(m, to)
			return
		}
	}
	if since > max(patience, patientWaits*q.wait) || c.lanes >= c.max {
		c.phase = settling
	}
}

// step opens more lanes.
func (c *climb) step(m mark, n int) {
	c.set(n)
	c.quick.stepped(m.at, c.lanes)
}

// more is how many lanes to go on with, when each of the n that flow gives so many bytes a second.
func (c *climb) more(n int, lane float64) int {
	factor := 1.0
	switch share := lane / c.quick.best; {
	case share > near && lane < fastLane && n > c.quick.level:
		factor = 4
	case share > near:
		factor = 2
	case share > half:
		factor = 1.5
	}
	bytes := float64(usualBytes)
	if c.done > 0 {
		bytes = c.bytes + perRequest
	}
	factor = min(factor, lane*slowRequest.Seconds()/bytes)
	return min(c.max, int(factor*float64(n)))
}

// settle closes lanes that were opened beyond need, once a round of requests has told what a lane can give.
func (c *climb) settle(m mark) {
	if m.done-c.from.done < int64(c.lanes) && m.at.Sub(c.from.at) < 4*time.Second || !c.over(m) {
		return
	}
	if g := m.goodput(c.from); len(c.rates) > 0 && g > 0 {
		need := spare * g / c.alone()
		if c.pause < c.took/2 {
			need = max(need, min(float64(2*c.lanes), pauses*c.pause.Seconds()*g/(c.bytes+perRequest)))
		}
		if n := int(need) + 1; n < c.lanes || need > spare*g/c.alone() {
			c.set(n)
		}
	}
	c.phase = steady
	c.hill.up, c.hill.step = true, bold
	c.from = m
}

// alone is the bytes a second that a lane gives, as far as is known, when it need not share the link: what it flowed with in
// the quick start, less the pauses between requests. What requests came to afterwards, on a link that is full, is the least.
func (c *climb) alone() float64 {
	sorted := slices.Sorted(slices.Values(c.rates))
	seen := sorted[len(sorted)*9/10]
	bytes := c.bytes + perRequest
	best := bytes / (bytes/c.quick.best + c.pause.Seconds())
	return max(seen, min(best, trusted*seen))
}
