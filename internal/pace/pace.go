// Package pace decides how many requests may be in flight at once, which of them is too slow to wait for, and how long new
// ones wait when the store asks to slow down. It measures nothing itself: results, counts and times are reported to it, and
// it answers at once.
//
// The number of lanes follows goodput: payload bytes per second of the whole client, each finished request counted as 64
// KiB more, so that for tiny objects it is requests that count.
//
//	at first       16 lanes; until the first byte comes, twice as many every 40 ms, up to 64
//	quick start    the lanes that were opened last flow: does each give near what one gave when there were fewer? then
//	               up to 4 times as many, after 20 ms or two; does goodput not follow, in 120 ms or more? then stop
//	settle         after a round of requests: down to 1.6 times the lanes that this goodput needs at the rate of a lane
//	               that need not share, but no fewer than keep the pauses between requests short beside them
//	steady         measure; try more lanes, twice as many at first and then 12 %, keep them if goodput rises by 3 % beyond its
//	               noise; try 12 % fewer, keep that if it falls by less than 1.5 %, and not 2 % below the best of late;
//	               what fails is tried ever more seldom; fewer lanes only if the try costs less than 2 % of the time so far
//	another link   goodput rises by a quarter by itself: quick start again
//	busy CPU       over 90 % of the cores: no more lanes; half as many, as long as the cores stay busy with them
//	link known     no more is in flight than it moves in three seconds, and one request: see Admits and Excess
//	no work        waits, or many requests pause or wait at the gate: the measurement says nothing; discard it
//	refused        over a quarter of the requests: see Throttled
//	too slow       four times slower than its peers: see Slow
//
// A window of the steady phase is as long as two requests, at least, and a whole number of rounds if it can be: lanes that
// began together pause together. On a link too many lanes cost little and too few cost in proportion, so growth needs
// little evidence and the end of it much; on a busy CPU it is the other way round.
//
// Growing by factors until goodput stops following, and rounds, are those of BBR's startup (Cardwell, Cheng, Gunn, Yeganeh
// and Jacobson, 2016); the cut in proportion to the share that is refused is DCTCP's (Alizadeh and others, 2010), a softer
// form of the multiplicative decrease of Chiu and Jain (1989); a second try for what is slower than its peers, within a
// budget, is from Dean and Barroso, The Tail at Scale (2013).
//
// The numbers were fitted in a simulation of links (sim_test.go), against the best of all fixed numbers of lanes: TestRegret
// has the grid, doc/performance.md (How many connections) what was learned and what real links gave. The comment of a
// constant names the test that watches what it decides.
//
// It does not promise the best number of lanes, only goodput within a few per cent of the best, on links that stay the same
// for some seconds. The tests check that in a simulation. It knows nothing of other processes on the link.
package pace

import (
	"sync"
	"time"
)

const (
	// DefaultStart and DefaultMax are the numbers of lanes that a zero Config starts with and is bounded by: doc/performance.md, How
	// many connections, and Memory; 256 buffers are what a run may have.
	DefaultStart = 16
	DefaultMax   = 256
	// pausing is the share, one in so many, of lanes that may pause before goodput says nothing about their number.
	pausing = 5
)

// Config configures a Pace. The zero value is a good default.
type Config struct {
	// Fixed pins the number of lanes; 0 lets it adapt.
	Fixed int
	// Start is the number of lanes at first, and Max the highest; 0 is 16 and 256.
	Start, Max int
	// Cores is how many CPU cores this process may use; 0 ignores the CPU.
	Cores int
	// Rate is the most that moves, in bytes per second, if the user has set a limit; 0 is none.
	Rate int64
}

// Sample is the measurement of a request that succeeded.
type Sample struct {
	Bytes int64 // of payload
	Took  time.Duration
	// FirstByte is the time until the first byte of a download, Answer the time from the last byte of an upload to the
	// answer. Each is 0 if it is not known, or there is none.
	FirstByte, Answer time.Duration
}

// Load is the current state of the whole client.
type Load struct {
	Moved   int64         // bytes of payload that are at the other side so far, as far as is known; those of unfinished requests too
	Total   int64         // bytes of payload that are to move in all, as far as is known
	CPU     time.Duration // so far, user and system: what this process used, and what it waited for while others had the cores
	Busy    int           // lanes in use
	Flying  int64         // bytes that the requests in them are to move in all, whatever has moved of them
	Pausing int           // of these, those whose request waits at the gate, or to be tried again
	Waiting int           // requests that would begin now if there were lanes for them
}

// Pace holds the decisions of one client. It may be used from many goroutines at once.
type Pace struct {
	fixed bool // immutable

	// guarded by mu
	mu         sync.Mutex
	ramp       rampUp
	throttle   throttle
	stragglers stragglers
	reach      reach
}

// New returns a Pace without any measurement.
func New(c Config) *Pace {
	if c.Max <= 0 {
		c.Max = max(DefaultMax, c.Start)
	}
	if c.Start <= 0 {
		c.Start = DefaultStart
	}
	p := &Pace{fixed: c.Fixed > 0, reach: reach{most: reachTime.Seconds() * float64(c.Rate)}}
	p.ramp = rampUp{max: c.Max, cores: c.Cores, lanes: min(c.Start, c.Max)}
	if p.fixed {
		p.ramp.lanes = c.Fixed
	}
	return p
}

// Admits reports whether one more request may begin, if busy are in flight that are to move flying bytes in all: there must
// be a lane for it, and no more in flight than the link moves in three seconds.
func (p *Pace) Admits(busy int, flying int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if busy >= p.ramp.lanes {
		return false
	}
	b := p.reach.bound()
	return busy == 0 || p.fixed || b == 0 || float64(flying) <= b
}

// Lanes returns how many requests may be in flight now; at least 1.
func (p *Pace) Lanes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ramp.lanes
}

// Done records a request that succeeded, at now.
func (p *Pace) Done(now time.Time, s Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.throttle.succeeded(now.Add(-s.Took), p.ramp.lanes)
	p.ramp.finished(s)
	p.stragglers.finished(now, s)
}

// Tick records the state at now. It should be called every 10 to 20 ms while requests are in flight, and after Done;
// calling it twice at one time does no harm. At 50 ms, short transfers take a third longer.
func (p *Pace) Tick(now time.Time, l Load) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stragglers.total, p.stragglers.last = max(l.Moved, l.Total), l.Waiting == 0
	idle := p.throttle.binds(now) || l.Pausing > l.Busy/pausing
	p.reach.lanes, p.reach.maxLanes = p.ramp.lanes, p.ramp.max
	p.reach.tick(now, l, idle)
	p.stragglers.full = p.reach.full(l)
	if !p.fixed {
		p.ramp.wide = p.reach.wider() || now.Before(p.ramp.follows.Add(wideFor))
		p.ramp.lanes = p.reach.lanes
		p.ramp.tick(now, l, idle || p.reach.binds(l))
	}
}
