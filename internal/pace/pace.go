// Package pace decides how many requests may be in flight at once, and how long new ones wait when the store asks to slow
// down. It measures nothing itself: results and times are told to it, and it answers at once.
//
// The number of lanes rises by one after as many successes as there are lanes, and halves, at most once a second, when a
// request is throttled: additive increase, multiplicative decrease, which is how senders that know nothing of each other
// come to share what there is (Chiu and Jain, 1989; TCP). A success counts when its request began after the last throttle:
// those already under way then tell nothing of what the store bears now.
//
// A throttle also shuts the gate for a moment: no new request begins, whichever transfer it belongs to. The moment is as long as
// the store asks for in Retry-After, and doubles with every second in which it throttles again; successes bring it back down.
//
// Goodput does not steer the number of lanes.
package pace

import (
	"sync"
	"time"
)

const (
	defaultStart = 8
	defaultMax   = 64

	// cutEvery is the least time between two cuts. The requests in flight are refused in one burst, which is one message.
	cutEvery = time.Second
	// firstGate is how long the gate is shut by a first throttle, maxGate the most that repeated ones make of it.
	firstGate = 100 * time.Millisecond
	maxGate   = 5 * time.Second
	// maxRetryAfter bounds what a store may ask for in Retry-After: it would stop the client for all buckets. A store that
	// means it says so again.
	maxRetryAfter = time.Minute

	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 20 * time.Second
)

// Config sets up a Pace. The zero value is the good default.
type Config struct {
	// Fixed pins the number of lanes; 0 lets it adapt.
	Fixed int
	// Start is the number of lanes at first, and Max the highest; 0 is 8 and 64.
	Start, Max int
}

// Sample is what a request that succeeded took.
type Sample struct {
	Bytes int64 // of payload
	Took  time.Duration
	// FirstByte is the time until the first byte of the answer.
	FirstByte time.Duration
}

// Pace holds the decisions of one client. It may be used from many goroutines at once.
type Pace struct {
	// immutable
	fixed bool
	max   int

	// guarded by mu
	mu        sync.Mutex
	lanes     int
	successes int           // counted towards the next rise
	throttled time.Time     // the last throttle
	cut       time.Time     // the last throttle that cut the lanes
	gate      time.Duration // what a throttle shuts the gate for; 0 when past ones are forgotten
	open      time.Time     // when the gate opens
}

// New gives a Pace that has been told nothing yet.
func New(c Config) *Pace {
	if c.Fixed > 0 {
		return &Pace{fixed: true, lanes: c.Fixed}
	}
	if c.Max <= 0 {
		c.Max = max(defaultMax, c.Start)
	}
	if c.Start <= 0 {
		c.Start = defaultStart
	}
	return &Pace{max: c.Max, lanes: min(c.Start, c.Max)}
}

// Lanes is how many requests may be in flight now; at least 1.
func (p *Pace) Lanes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes
}

// Done tells of a request that succeeded, at now.
func (p *Pace) Done(now time.Time, s Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if began := now.Add(-s.Took); began.Before(p.throttled) {
		return
	}
	if p.successes++; p.successes < p.lanes {
		return
	}
	p.successes = 0
	if p.gate /= 2; p.gate < firstGate {
		p.gate = 0
	}
	if !p.fixed {
		p.lanes = min(p.lanes+1, p.max)
	}
}

// Throttled tells of a request that the store answered, at now, by asking to slow down. RetryAfter is how long it asked
// to wait; 0 where it did not say.
func (p *Pace) Throttled(now time.Time, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.throttled = now
	p.successes = 0
	if p.cut.IsZero() || now.Sub(p.cut) >= cutEvery {
		p.cut = now
		p.gate = min(2*p.gate, maxGate)
		if !p.fixed {
			p.lanes = max(1, p.lanes/2)
		}
	}
	p.gate = max(p.gate, firstGate)
	wait := max(p.gate, min(retryAfter, maxRetryAfter))
	if open := now.Add(wait); open.After(p.open) {
		p.open = open
	}
}

// Gate is how long a new request must wait, from now on, because the store asked the client to slow down; 0 where it need not.
func (p *Pace) Gate(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.open.Sub(now))
}

// Backoff is how long a request waits before it is tried again, having failed; attempt counts from 0. It is a random share,
// by r from 0 up to 1, of 100 ms doubled with every attempt, at most of 20 s: the "full jitter" of Marc Brooker, Exponential
// Backoff and Jitter, AWS Architecture Blog, 2015.
func Backoff(attempt int, r func() float64) time.Duration {
	limit := firstBackoff
	for ; attempt > 0 && limit < maxBackoff; attempt-- {
		limit *= 2
	}
	return time.Duration(r() * float64(min(limit, maxBackoff)))
}
