package pace

import (
	"cmp"
	"slices"
	"time"
)

const (
	// reachTime bounds what is in flight: as many bytes as the link moves in that time, and one request more. An interruption
	// loses no more than that. (TestKeptAtAKill; on a real relay TestSlowLink in lab/crash)
	reachTime = 3 * time.Second
	// reachLook is the length of a window of measurement, reachKept the number that is remembered, and fewest the number
	// that is significant. As many windows as half of what there have been must agree that the link is slow.
	reachLook = 250 * time.Millisecond
	reachKept = 12
	fewest    = 2
	// exceeding is by how much reach must be exceeded for requests to be taken back; smaller excesses end by themselves.
	// (TestKeptAtAKill, TestSlowConnectionsKeepTheirNumber)
	exceeding = 1.5
	// verdict is the length of a window that judges whether fewer requests are enough.
	verdict = time.Second
	// kept is the share of goodput that must remain with fewer requests; if less remains, connections are slow, not the
	// link. (TestSlowConnectionsKeepTheirNumber)
	kept = 0.85
	// improved is by how much goodput must exceed its reference to be the new one. (TestKeptWhenTheLinkChanges)
	improved = 1.1
	// firstWide is how long a link stays unbounded after a trial has failed, the first time; each failure doubles it.
	// (TestSlowConnectionsKeepTheirNumber)
	firstWide, longestWide = 30 * time.Second, 10 * time.Minute
	// recheck is for how long after a failed trial goodput is compared with that of the trial. Its reference may have been
	// too high: at first, and on a busy machine, a window counts what fills buffers.
	recheck = 10 * time.Second
	// leastExcess is the least size, in bytes, of a request that is worth being taken back. (TestKeptAtAKill)
	leastExcess = 1 << 20
	// filled is the share of the usual goodput from which on the link counts as full, by the mean of the last lately windows.
	// (TestTail, TestCollapseIsNoTail)
	filled = 0.5
	lately = 8
	// taken bounds what taking back loses after the first time, as a share of all that moved, beside a second of the link.
	// (TestKeptWhenTheLinkChanges)
	taken = 0.02
)

// reach bounds the bytes of the requests in flight by what the link moves in a few seconds.
//
//	open      measure; if more is in flight than reach, and goodput no longer rises: narrow
//	narrowed  take back the requests that have moved least, and look whether goodput stays: then the link is full, and
//	          the bound stands; else connections are slow by themselves, and there is no bound for a while
//	full      the bound follows goodput up at once, and down by another trial
//
// A goodput that is lower because there are fewer requests would lower the bound again, and so on: hence the trials.
type reach struct {
	most  float64 // immutable; of the limit that the user set, in bytes; 0 is none
	limit float64 // bytes in flight; 0 is no limit
	ref   float64 // the goodput that limit was made from, bytes per second

	at       time.Time // of the last window
	bytes    int64
	busy     int       // the most requests in flight so far
	seen     int       // windows with a byte in them
	rates    []float64 // goodput of the last of them
	recent   []float64 // of the last lately windows, those without a byte too
	trial    bool
	settled  time.Time // when the requests beyond the bound were gone; zero while that is open
	last     float64   // goodput of the window of the trial before
	before   struct{ limit, ref, goodput float64 }
	trials   int
	failed   bool    // a trial has just failed
	doubted  float64 // goodput of a trial that failed, until doubtEnd; else zero
	doubtEnd time.Time
	next     time.Time // of the next trial
	wide     time.Duration
	spent    float64 // bytes that were taken back in vain
	moved    float64 // all bytes
}

func mean(rates []float64) float64 {
	sum := 0.0
	for _, g := range rates {
		sum += g
	}
	return sum / float64(max(1, len(rates)))
}

// best returns the highest goodput of the last n windows, and usual the median.
func (r *reach) best(n int) float64 { return slices.Max(r.rates[max(0, len(r.rates)-n):]) }

func (r *reach) usual(n int) float64 {
	sorted := slices.Sorted(slices.Values(r.rates[max(0, len(r.rates)-n):]))
	return sorted[(len(sorted)-1)/2]
}

// beside returns what is in flight beside one request, in bytes.
func beside(l Load) float64 { return float64(l.Flying) * (1 - 1/float64(max(1, l.Busy))) }

// exceeded reports whether that is more than goodput moves in time.
func exceeded(l Load, goodput float64) bool {
	return beside(l) > exceeding*reachTime.Seconds()*goodput
}

// tick continues the measurement. While requests wait for something other than the link, it says nothing.
func (r *reach) tick(now time.Time, l Load, idle bool) {
	r.moved = float64(l.Moved)
	if r.at.IsZero() && l.Moved == r.bytes || l.Busy == 0 {
		r.restart(now, l.Moved)
		if l.Busy > 0 {
			r.at = time.Time{} // until the first byte
		}
		return
	}
	if r.at.IsZero() {
		r.restart(now, l.Moved)
		return
	}
	if idle {
		r.restart(now, l.Moved)
		return
	}
	span := reachLook
	if r.limit > 0 {
		span = verdict
	}
	if r.trial && r.settled.IsZero() && beside(l) <= r.limit {
		r.settled = now
	}
	d := now.Sub(r.at)
	if d < span {
		return
	}
	g := float64(l.Moved-r.bytes) / d.Seconds()
	if l.Busy > r.busy+r.busy/8 { // new connections need some time to come to their rate
		r.rates, r.seen = nil, 0
	}
	r.busy = l.Busy
	settled := !r.settled.IsZero() && r.settled.Before(r.at)
	r.restart(now, l.Moved)
	if r.recent = append(r.recent, g); len(r.recent) > lately {
		r.recent = slices.Delete(r.recent, 0, 1)
	}
	if g <= 0 {
		return
	}
	r.note(g)
	switch {
	case r.trial && settled:
		r.endTrial(now, g)
	case r.trial:
	case r.limit > 0:
		r.follow(now, g)
	default:
		r.look(now, l, g)
	}
}

func (r *reach) restart(now time.Time, moved int64) { r.at, r.bytes = now, moved }

func (r *reach) note(g float64) {
	r.seen++
	if r.rates = append(r.rates, g); len(r.rates) > reachKept {
		r.rates = slices.Delete(r.rates, 0, 1)
	}
}

// look begins a trial if the link turns out to be slow.
func (r *reach) look(now time.Time, l Load, g float64) {
	n := len(r.rates)
	if r.doubted > 0 && now.Before(r.doubtEnd) {
		r.doubt(now, l)
		return
	}
	r.doubted = 0
	if n < fewest || now.Before(r.next) || g > rising*r.rates[n-2] || r.rates[n-2] > rising*g { // at first, buffers fill
		return
	}
	if n := min(max(fewest, r.seen/2), reachKept); exceeded(l, r.best(n)) {
		r.narrow(r.usual(n))
	}
}

// doubt begins another trial soon after one that failed if goodput does not rise, although there is no bound anymore: then it was not
// the trial that lowered it, but its reference was too high.
func (r *reach) doubt(now time.Time, l Load) {
	if r.seen < reachKept {
		return
	}
	g := mean(r.rates[len(r.rates)-lately:])
	if g < r.doubted/kept && exceeded(l, g) {
		r.wide, r.next, r.doubted = r.wide/2, now, 0
		r.narrow(g)
	}
}

// follow makes the bound follow goodput.
func (r *reach) follow(now time.Time, g float64) {
	switch n := len(r.rates); {
	case n >= 2 && min(g, r.rates[n-2]) > improved*r.ref:
		r.ref, r.limit = g, reachTime.Seconds()*g
	case n >= 3 && r.best(3) < kept*r.ref && !now.Before(r.next):
		r.narrow(r.usual(3))
	}
}

// narrow begins a trial with less in flight.
func (r *reach) narrow(goodput float64) {
	r.before.limit, r.before.ref, r.before.goodput = r.limit, r.ref, goodput
	r.ref, r.limit = goodput, reachTime.Seconds()*goodput
	r.trial, r.settled, r.last = true, time.Time{}, 0
	r.trials++
}

// hold allows no trial before a time.
func (r *reach) hold(until time.Time) {
	if until.After(r.next) {
		r.next = until
	}
}

// endTrial ends a trial, unless goodput is still coming back.
func (r *reach) endTrial(now time.Time, g float64) {
	switch {
	case g >= kept*r.before.goodput:
		r.trial = false
		if g > improved*r.ref {
			r.ref, r.limit = g, reachTime.Seconds()*g
		}
	case r.last == 0 || g > improved*r.last:
		r.last = g
		return
	default:
		r.trial, r.limit, r.ref, r.failed = false, 0, 0, true
		r.wide = min(max(2*r.wide, firstWide), longestWide)
		r.next, r.doubted, r.doubtEnd = now.Add(r.wide), g, now.Add(recheck)
	}
	r.rates, r.seen = nil, 0
}

// bound returns the number of bytes in flight from which no request begins; 0 is none.
func (r *reach) bound() float64 {
	if r.limit == 0 || r.most == 0 {
		return max(r.limit, r.most)
	}
	return min(r.limit, r.most)
}

// binds reports whether requests wait for the bound, and not for the number of lanes.
func (r *reach) binds(l Load) bool {
	return r.trial || r.bound() > 0 && l.Waiting > 0 && float64(l.Flying) > r.bound()
}

// Expect takes over what an earlier run found out, that the link moves rate bytes a second: no more than it moves in reachTime is in
// flight from the start. If the link turns out to be faster, the bound follows it. Nothing happens once this run has its own measure.
func (p *Pace) Expect(rate int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := &p.reach; rate > 0 && r.limit == 0 && r.trials == 0 {
		r.ref, r.limit = float64(rate), reachTime.Seconds()*float64(rate)
	}
}

// Rate returns how many bytes a second the link moves, if it turned out that it is the link that bounds what moves; else 0.
func (p *Pace) Rate() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reach.trial || p.reach.limit == 0 {
		return 0
	}
	return int64(p.reach.ref)
}

// full reports whether the link has no capacity left, as far as is known: not before there is a measure of it, and only if
// more is in flight than it moves in time.
func (r *reach) full(l Load) bool {
	if len(r.rates) == 0 {
		return l.Busy > 0
	}
	slow := r.limit > 0 || exceeded(l, r.best(len(r.rates)))
	return slow && (l.Waiting > 0 || mean(r.recent) >= filled*mean(r.rates))
}

// Excess returns the indices of those attempts that should be taken back, to start again later: so many were started before
// the link was known that none would end in time. They are those that have moved least. It is called with all attempts of
// the client, like Slow.
func (p *Pace) Excess(flights []Flight) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.reach
	if p.fixed || !r.trial || !r.settled.IsZero() {
		return nil
	}
	order := make([]int, len(flights))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(flights[b].Moved, flights[a].Moved), cmp.Compare(flights[a].ID, flights[b].ID))
	})
	var sum float64
	var excess []int
	for _, i := range order {
		if f := flights[i]; sum > r.limit && f.Size >= leastExcess && r.afford(f) {
			excess = append(excess, i)
		} else {
			sum += float64(f.Size)
		}
	}
	return excess
}

// afford reports whether an attempt may be taken back, and adds up what that loses: little at first, when nothing has moved
// far; later, as when a link becomes slow, most are worth more than what an interruption would lose.
func (r *reach) afford(f Flight) bool {
	if !f.Restart {
		return true
	}
	moved := float64(f.Moved)
	if r.trials == 1 && r.before.limit == 0 {
		if moved > float64(f.Size)/2 {
			return false
		}
	} else if moved > float64(f.Size)/4 || r.spent+moved > r.ref+taken*r.moved {
		return false
	}
	r.spent += moved
	return true
}
