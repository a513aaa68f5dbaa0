package pace

import "time"

const (
	// cutEvery is the least time between two cuts. The requests in flight are refused in one burst, which is one message.
	cutEvery = time.Second
	// bearable is the share of refused requests up to which goodput alone decides: a store that refuses some whatever
	// their rate must not stop the client, and beyond what a store bears more lanes bring no goodput.
	bearable = 0.25
	// fade is what an outcome's weight loses with each that follows.
	fade = 15.0 / 16

	// firstGate is how long the gate is shut by a first throttle, maxGate the most that repeated ones make of it.
	firstGate = 100 * time.Millisecond
	maxGate   = 5 * time.Second
	// maxRetryAfter bounds what a store may ask for in Retry-After: it would stop the client for all buckets. A store that
	// means it says so again.
	maxRetryAfter = time.Minute

	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 20 * time.Second
)

// brake is what the store's wishes to slow down have led to.
type brake struct {
	refused, served float64       // outcomes, older ones faded
	successes       int           // of requests that began after the last throttle, towards a shorter gate
	throttled       time.Time     // the last throttle
	cut             time.Time     // when the lanes were last cut
	before          int           // lanes before that cut
	gate            time.Duration // what a throttle shuts the gate for; 0 when past ones are forgotten
	open            time.Time     // when the gate opens
}

// Throttled tells of a request that the store answered, at now, by asking to slow down. RetryAfter is how long it asked
// to wait; 0 where it did not say.
//
// When over a quarter of the requests are refused, the lanes are cut in proportion, at most by half in a second, and the
// gate shuts for a moment: no new request begins, whichever transfer it belongs to. The moment is 100 ms, twice as long
// with each further cut, up to 5 s, until rounds of successes bring it back down. A store's own wish shuts the gate in any case.
func (p *Pace) Throttled(now time.Time, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &p.brake
	b.refused, b.served = b.refused*fade+1, b.served*fade
	b.throttled, b.successes = now, 0
	wait := min(retryAfter, maxRetryAfter)
	if share := b.refused / (b.refused + b.served); share > bearable {
		if b.cut.IsZero() || now.Sub(b.cut) >= cutEvery {
			b.cut, b.before = now, p.climb.lanes
			b.gate = min(2*b.gate, maxGate)
		}
		b.gate = max(b.gate, firstGate)
		wait = max(b.gate, wait)
		if !p.fixed {
			p.climb.cut(now, int(float64(b.before)*(1-share/2)))
		}
	}
	if open := now.Add(wait); open.After(b.open) {
		b.open = open
	}
}

// succeeded notes a success of a request that began then. One that was under way at the last throttle tells nothing of
// what the store bears now.
func (b *brake) succeeded(began time.Time, lanes int) {
	b.refused, b.served = b.refused*fade, b.served*fade+1
	if began.Before(b.throttled) {
		return
	}
	if b.successes++; b.successes < lanes {
		return
	}
	b.successes = 0
	if b.gate /= 2; b.gate < firstGate {
		b.gate = 0
	}
}

// Gate is how long a new request must wait, from now on, because the store asked the client to slow down; 0 where it need not.
func (p *Pace) Gate(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.brake.open.Sub(now))
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
