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
//	          the bound stands; else raise it
//	raising   let more be in flight, up to four times as much: as long as goodput rises with it, connections are slow by
//	          themselves, and the bound, which is wider than reach then, is what they need
//	full      the bound follows goodput up at once, and down by another trial
//
// A goodput that is lower because there are fewer requests would lower the bound again, and so on: hence the trials. What a trial is
// compared with may have been too high: at first, and on a busy machine, a window counts what fills buffers, here or at the other side.
// Hence no trial that fails is believed before goodput has risen with the bound, too.
type reach struct {
	most     float64 // immutable; of the limit that the user set, in bytes; 0 is none
	limit    float64 // bytes in flight; 0 is no limit
	ref      float64 // the goodput that limit was made from, bytes per second
	lanes    int     // that are open; raising may open more, up to maxLanes
	maxLanes int

	at     time.Time // of the last window
	bytes  int64
	busy   int       // the most requests in flight so far
	seen   int       // windows with a byte in them
	rates  []float64 // goodput of the last of them
	recent []float64 // of the last lately windows, those without a byte too

	state   reachState
	settled time.Time // when as much was in flight as narrowed or raising wants; zero while that is open
	last    float64   // goodput of the window before, since then
	before  struct {  // narrowed
		limit, goodput float64
		busy           int
	}
	early bool     // what is in flight was begun before the link was known
	base  struct { // the last raise
		busy   int
		flying float64
	}
	raised int // how often goodput has risen with the bound
	trials int
	spent  float64 // bytes that were taken back in vain
	moved  float64 // all bytes
}

// reachState is what reach does now.
type reachState int

const (
	open reachState = iota
	narrowed
	raising
	full
)

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
	switch r.state {
	case raising:
		span = verdict / 2
	case narrowed, full:
		span = verdict
	}
	if r.settled.IsZero() && (r.state == narrowed && beside(l) <= r.limit || r.state == raising && r.reached(l)) {
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
	case r.state == open:
		r.look(l, g)
	case r.state == full:
		r.follow(g)
	case !settled:
	case r.state == narrowed:
		r.endTrial(l, g)
	case r.state == raising:
		r.raise(l, g)
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
func (r *reach) look(l Load, g float64) {
	n := len(r.rates)
	if n < fewest || g > rising*r.rates[n-2] || r.rates[n-2] > rising*g { // at first, buffers fill
		return
	}
	if n := min(max(fewest, r.seen/2), reachKept); exceeded(l, r.best(n)) {
		r.narrow(r.usual(n))
	}
}

// follow makes the bound follow goodput.
func (r *reach) follow(g float64) {
	enough := 3
	if r.wider() { // slow requests that began together end together
		enough = reachKept
	}
	switch n := len(r.rates); {
	case n >= 2 && min(g, r.rates[n-2]) > improved*r.ref:
		r.ref, r.limit = g, r.limit*g/r.ref
	case n >= enough && r.best(enough) < kept*r.ref:
		r.narrow(r.usual(enough))
	}
}

// wider reports whether the bound is wider than reachTime, because connections are slow.
func (r *reach) wider() bool { return r.limit > improved*reachTime.Seconds()*r.ref }

// narrow begins a trial with less in flight.
func (r *reach) narrow(goodput float64) {
	r.before.limit, r.before.goodput, r.before.busy = r.limit, goodput, max(1, r.busy)
	r.ref, r.limit = goodput, reachTime.Seconds()*goodput
	r.state, r.settled, r.last = narrowed, time.Time{}, 0
	r.early = r.before.limit == 0 && r.trials == 0
	r.trials++
}

// endTrial ends a trial, unless goodput is still coming back. If connections are slow, each moves now what it moved before; then all may
// begin again at once.
func (r *reach) endTrial(l Load, g float64) {
	switch {
	case g >= kept*r.before.goodput:
		r.settle(max(g, r.ref))
	case r.last == 0 || g > improved*r.last:
		r.last = g
	default:
		r.ref, r.raised = g, 0
		more := float64(r.before.busy) / float64(l.Busy)
		if more*g > rising*r.before.goodput {
			more = 1.5
		}
		r.more(l, max(1.5, more))
	}
}

// settle ends the search: the link moves so many bytes a second.
func (r *reach) settle(goodput float64) {
	if goodput > improved*r.ref {
		r.ref = goodput
	}
	r.state, r.limit = full, reachTime.Seconds()*r.ref
	r.rates, r.seen = nil, 0
}

// more raises the bound by a factor.
func (r *reach) more(l Load, factor float64) {
	r.base.busy, r.base.flying = l.Busy, float64(l.Flying)
	r.limit = max(r.limit, factor*r.base.flying-1) // one byte less: a request begins if what is in flight is at most the bound
	r.state, r.settled, r.last = raising, time.Time{}, 0
	r.rates, r.seen = nil, 0
}

// reached reports whether as much is in flight as the raised bound allows, or as there is.
func (r *reach) reached(l Load) bool {
	return float64(l.Flying) > r.bound() || l.Waiting == 0 || l.Busy >= r.lanes
}

// raise raises the bound again if goodput has risen with it, in two windows, since new connections fill buffers. If it has not, what was
// in flight before is enough.
func (r *reach) raise(l Load, g float64) {
	least := min(g, r.last)
	worth := least >= r.ref*min(1/kept, (1+float64(l.Busy)/float64(r.base.busy))/2) && rising*g > r.last
	switch {
	case worth && (l.Busy < r.lanes || r.lanes < r.maxLanes):
		factor := 2
		if least*float64(r.base.busy) > near*r.ref*float64(l.Busy) { // each moves as much as before
			factor = 4
		}
		r.ref, r.raised = least, r.raised+1
		r.lanes = min(max(r.lanes, factor*l.Busy), r.maxLanes)
		r.more(l, float64(factor))
	case worth:
		r.settle(least)
		r.limit = max(r.limit, float64(l.Flying))
	case r.last == 0 || g > min(improved*r.last, r.ref/kept):
		r.last = g
	case r.raised > 0:
		r.settle(r.ref)
		r.limit = max(r.limit, r.base.flying-1)
	default: // what the raise began goes back
		r.narrow(r.ref)
		r.early = true
	}
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
	return r.state == narrowed || r.state == raising || r.bound() > 0 && l.Waiting > 0 && float64(l.Flying) > r.bound()
}

// Expect takes over what an earlier run found out, that the link moves rate bytes a second: no more than it moves in reachTime is in
// flight from the start. If the link turns out to be faster, the bound follows it. Nothing happens once this run has its own measure.
func (p *Pace) Expect(rate int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := &p.reach; rate > 0 && r.state == open && r.trials == 0 {
		r.ref = float64(rate)
		r.settle(0)
	}
}

// Rate returns how many bytes a second the link moves, if it turned out that it is the link that bounds what moves; else 0.
func (p *Pace) Rate() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reach.state != full || p.reach.wider() {
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
	if p.fixed || r.state != narrowed || !r.settled.IsZero() {
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
	if r.early {
		if moved > float64(f.Size)/2 {
			return false
		}
	} else if moved > float64(f.Size)/4 || r.spent+moved > r.ref+taken*r.moved {
		return false
	}
	r.spent += moved
	return true
}
