package pace

import "time"

const (
	// cutEvery is the least time between two cuts. The requests in flight are refused in one burst, which is one signal.
	// (TestThrottlesHalveAtMostOnceASecond)
	cutEvery = time.Second
	// bearable is the share of refused requests up to which goodput alone decides: a store that refuses some whatever their
	// rate must not stop the client, and above what a store bears, more lanes bring no goodput.
	// (TestOneRefusalAmongManyChangesNothing)
	bearable = 0.25
	// A share of refusals up to luckMost that stays like that (by alike, in at least lucky requests) though the rate fell
	// (to rateFell of what it was) is luck: slowing down does not help, and is not tried again for luckTime. A cut after
	// fewer requests than lucky is taken back as soon as so many show that it was hasty. (TestRefusedByMuchLuck)
	lucky, alike, rateFell = 16, 0.6, 0.75
	luckMost               = 0.75
	luckTime               = 30 * time.Second
	// A cut bounds the rate of new requests to below, times what got through. Every steerEvery it rises by above while no
	// more than few are refused, freely as long as what the store bears is not known, from slowest to boundless; it falls
	// while much is refused. A store that refuses one in ten by luck must not hold it down.
	// (TestRefusedByLuck, TestRefusedAboveARate)
	below, above, freely = 0.9, 1.05, 1.5
	few, much            = 0.12, 0.16
	slowest, boundless   = 4, 1e5
	enough               = 20          // requests, for what the store bears to be known
	clearSteps           = 8           // without a refusal, after which it is unknown again
	longestQueue         = time.Second // after which to ask again: the rate may have risen
	steerEvery           = 250 * time.Millisecond
	// shortest is the least time to compute a rate from.
	shortest = 250 * time.Millisecond

	// firstGate is how long the gate is closed by a first throttle, maxGate the maximum after repeated ones. (TestGate)
	firstGate = 100 * time.Millisecond
	maxGate   = 5 * time.Second
	// maxRetryAfter bounds what a store may ask for in Retry-After: it would stop the client for all buckets. A store that
	// means it repeats it. (TestGateHasALimit)
	maxRetryAfter = time.Minute

	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 20 * time.Second
)

// throttle is the state that the store's requests to slow down have led to.
type throttle struct {
	successes      int           // of requests that began after the last throttle, towards a shorter gate
	throttled      time.Time     // the last throttle
	cut            time.Time     // when the lanes were last cut
	lanes          int           // before that cut
	rate           float64       // requests per second that may begin; 0 is no limit
	near           bool          // the rate is near what the store bears
	clear          int           // steps in a row without a refusal
	slot           time.Time     // when the next one may
	tail           time.Time     // the last turn that was given to a waiting request
	steered        time.Time     // when the rate last changed
	count, earlier tally         // requests of the last seconds
	gate           time.Duration // how long a throttle closes the gate; 0 if past ones are forgotten
	open           time.Time     // when the gate opens
	before         struct {      // the last cut
		begun       int     // requests that it came after
		share, rate float64 // of refusals among them; requests a second
	}
	after tally     // it
	luck  time.Time // until when refusals are taken as luck
}

// tally counts requests since a time.
type tally struct {
	since         time.Time
	begun, denied int
}

// Throttled records a request that the store answered, at now, by asking to slow down. RetryAfter is how long it asked to
// wait; 0 if it did not say.
//
// If over a quarter of the requests that began lately are refused, the lanes are cut in proportion, at most by half in a
// second, and the gate closes for a moment: no new request of any transfer begins. The moment is 100 ms, twice as long with
// each further cut, up to 5 s, until rounds of successes bring it back down. Then requests begin one by one, at the rate
// that got through; it rises again while hardly any is refused. A Retry-After of the store closes the gate in any case. If
// as many are refused at the lower rate as before, they are refused by luck, and all of that is taken back: a few nodes of
// a store may be ill. So a refused request needs no long backoff of its own: Backoff of at most attempt 4, 1.6 s, holds its
// lane long enough.
func (p *Pace) Throttled(now time.Time, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.throttle
	t.throttled, t.successes = now, 0
	wait := min(retryAfter, maxRetryAfter)
	t.count.denied++
	t.after.denied++
	begun, denied := t.lately()
	if t.byLuck(now) {
		p.ramp.resume(now, t.lanes)
	}
	if share := float64(denied) / float64(max(begun, denied)); share > t.bears(now, begun) {
		if t.cut.IsZero() || now.Sub(t.cut) >= cutEvery {
			t.lanes = p.ramp.lanes
			t.limit(now)
		}
		t.gate = max(t.gate, firstGate)
		wait = max(t.gate, wait)
		if !p.fixed {
			p.ramp.cut(now, int(float64(t.lanes)*(1-share/2)))
		}
	}
	if open := now.Add(wait); open.After(t.open) {
		t.open = open
	}
}

// limit sets the rate to a little less than what the store has let through of late.
func (t *throttle) limit(now time.Time) {
	t.cut = now
	t.gate = min(2*t.gate, maxGate)
	first := t.count.since
	if t.earlier.begun > 0 {
		first = t.earlier.since
	}
	if begun, denied := t.lately(); !first.IsZero() {
		t.before.begun = begun
		t.before.share = float64(denied) / float64(max(begun, denied))
		t.before.rate = float64(begun) / max(now.Sub(first), shortest).Seconds()
		t.after = tally{since: now}
		t.near = t.rate > 0 && begun > 2*denied && begun >= enough
		t.rate = max(slowest, float64(t.lanes)/2, below*float64(begun-denied)/max(now.Sub(first), shortest).Seconds())
	}
	t.count, t.earlier, t.steered = tally{since: now}, tally{}, now
}

// bears returns the share of refusals, of so many requests, up to which goodput alone decides.
func (t *throttle) bears(now time.Time, begun int) float64 {
	switch {
	case !now.Before(t.luck):
		return bearable
	case begun < lucky:
		return 1
	}
	return luckMost
}

// byLuck reports, at most once for each cut, that it brought nothing: as many are refused as before, at a lower rate; or
// that it was hasty.
func (t *throttle) byLuck(now time.Time) bool {
	a := t.after
	if t.rate == 0 || a.begun < lucky {
		return false
	}
	share := float64(a.denied) / float64(a.begun)
	rate := float64(a.begun) / max(now.Sub(a.since), shortest).Seconds()
	switch {
	case t.before.begun < lucky && share <= bearable:
	case t.before.begun < lucky: // now it is known how it was
		t.before.begun, t.before.share, t.before.rate = a.begun, share, rate
		t.after = tally{since: now}
		return false
	case t.before.share <= luckMost && share >= alike*t.before.share && rate <= rateFell*t.before.rate:
		t.luck = now.Add(luckTime)
	default:
		return false
	}
	t.rate, t.gate, t.open = 0, 0, time.Time{}
	return true
}

// binds reports whether the rate keeps requests waiting.
func (t *throttle) binds(now time.Time) bool {
	return t.rate > 0 && now.Before(t.slot) || now.Before(t.open)
}

// begin counts a request that begins.
func (t *throttle) begin(now time.Time) {
	switch passed := now.Sub(t.count.since); {
	case passed > 2*cutEvery:
		t.count, t.earlier = tally{since: now}, tally{}
	case passed > cutEvery:
		t.count, t.earlier = tally{since: now}, t.count
	}
	t.count.begun++
	t.after.begun++
}

// steer raises the rate while little is refused, and lowers it a little while more is.
func (t *throttle) steer(now time.Time) {
	if t.rate == 0 || now.Sub(t.steered) < steerEvery {
		return
	}
	begun, denied := t.lately()
	switch share := float64(denied) / float64(max(begun, 1)); {
	case share > much:
		t.near = t.near || share < 0.5 && begun >= enough
		t.rate = max(slowest, t.rate*(1-share/4))
	case share > few:
		return
	case denied > 0:
		t.clear = 0
		t.rate *= above
	case t.near && t.clear < clearSteps:
		t.clear++
		t.rate *= above
	default:
		t.near = false
		t.rate *= freely
	}
	if t.steered = now; t.rate > boundless {
		t.rate = 0
	}
}

// lately returns how many requests began in the last second or two, and how many were refused.
func (t *throttle) lately() (begun, denied int) {
	return t.count.begun + t.earlier.begun, t.count.denied + t.earlier.denied
}

// succeeded records a success of a request that began then. One that was in flight at the last throttle says nothing about
// what the store bears now.
func (t *throttle) succeeded(began time.Time, lanes int) {
	if began.Before(t.throttled) {
		return
	}
	if t.successes++; t.successes < lanes {
		return
	}
	t.successes = 0
	if t.gate /= 2; t.gate < firstGate {
		t.gate = 0
	}
}

// Gate returns how long a request must wait, from now on, because the store asked the client to slow down. If it returns 0,
// the request counts as begun: call it once for each try, and again after each wait.
func (p *Pace) Gate(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.throttle
	if now.Before(t.open) {
		return t.open.Sub(now)
	}
	t.steer(now)
	if wait := t.queue(now); wait > 0 {
		return wait
	}
	t.begin(now)
	return 0
}

// queue returns 0 to a request that may begin at the current rate, and to others how long until their turn, a different one
// each.
func (t *throttle) queue(now time.Time) time.Duration {
	if t.rate == 0 {
		return 0
	}
	each := time.Duration(float64(time.Second) / t.rate)
	if wait := t.slot.Sub(now); wait > each/2 { // timers may be early
		if t.tail = t.tail.Add(each); t.tail.Before(t.slot) {
			t.tail = t.slot
		}
		return min(t.tail.Sub(now), longestQueue)
	}
	if late := now.Add(-each / 2); t.slot.Before(late) {
		t.slot = late
	}
	t.slot = t.slot.Add(each)
	return 0
}

// Backoff returns how long a failed request waits before it is tried again; attempt counts from 0. It is a random share, by
// r from 0 up to 1, of 100 ms doubled with every attempt, at most of 20 s: the "full jitter" of Marc Brooker, Exponential
// Backoff and Jitter, AWS Architecture Blog, 2015.
func Backoff(attempt int, r func() float64) time.Duration {
	limit := firstBackoff
	for ; attempt > 0 && limit < maxBackoff; attempt-- {
		limit *= 2
	}
	return time.Duration(r() * float64(min(limit, maxBackoff)))
}
