// Package pace decides how many requests may be in flight at once, which of them is too slow to wait for, and how long new
// ones wait when the store asks to slow down. It measures nothing itself: results, counts and times are told to it, and it
// answers at once.
//
// The number of lanes follows goodput: payload bytes a second of the whole client, each finished request counted as 64 KiB
// more, so that for tiny objects it is requests that count.
//
//	at first       8 lanes; until the first byte comes, twice as many every 20 ms, up to 32
//	quick start    when the flow of the lanes that were opened last is steady: is it near what as many lanes should
//	               give, by the best lane so far? then 2 to 4 times as many; if it never comes near, stop
//	settle         after a round of requests: down to 1.6 times the lanes that this goodput needs at the rate of the
//	               best tenth of the requests
//	steady         measure; try 12 % more, keep them if goodput rises by 3 % beyond its noise, and then try larger
//	               steps; try 12 % fewer, keep that if it falls by less than 1.5 %; what fails is tried ever more seldom,
//	               and fewer lanes only when the try can cost no more than 2 % of the time that has passed
//	CPU            above 90 % of the cores: no more lanes; half as many, as long as the cores stay busy with them
//	nothing waits  the measurement says nothing: forget it
//	refused        see Throttled
//	too slow       see Slow
//
// A window of measurement is as long as two requests, at least, and a whole number of rounds where it can be: lanes that
// began together pause together. Growth is cheap to overdo and dear to miss on a link, so it needs little evidence and
// an end of it needs much; on a busy CPU it is the other way round.
//
// Growing by factors until goodput stops following is the startup of BBR (Cardwell, Cheng, Gunn, Yeganeh and Jacobson, 2016),
// as are the rounds; the cut in proportion to the share that is refused is DCTCP's (Alizadeh and others, 2010), a softer
// form of the multiplicative decrease of Chiu and Jain (1989); a second try for what is slower than its fellows is from Dean
// and Barroso, The Tail at Scale (2013).
//
// It does not promise the best number of lanes, only one whose goodput is near the best: within a few per cent, on links
// that stay the same for some seconds. It knows nothing of other processes on the link.
package pace

import (
	"sync"
	"time"
)

const (
	defaultStart = 16
	defaultMax   = 256
)

// Config sets up a Pace. The zero value is the good default.
type Config struct {
	// Fixed pins the number of lanes; 0 lets it adapt.
	Fixed int
	// Start is the number of lanes at first, and Max the highest; 0 is 16 and 256.
	Start, Max int
	// Cores is how many CPU cores this process may use; 0 leaves the CPU out of account.
	Cores int
}

// Sample is what a request that succeeded took.
type Sample struct {
	Bytes int64 // of payload
	Took  time.Duration
	// FirstByte is the time until the first byte of a download, Answer the time from the last byte of an upload to the
	// answer. Each is 0 where it is not known, or there is none.
	FirstByte, Answer time.Duration
}

// Load is how things stand with the whole client.
type Load struct {
	Moved   int64         // bytes of payload so far, those of unfinished requests too
	CPU     time.Duration // of this process so far, user and system
	Busy    int           // lanes in use
	Waiting int           // requests that would begin now if there were lanes for them
}

// Pace holds the decisions of one client. It may be used from many goroutines at once.
type Pace struct {
	fixed bool // immutable

	// guarded by mu
	mu    sync.Mutex
	climb climb
	brake brake
	judge judge
}

// New gives a Pace that has been told nothing yet.
func New(c Config) *Pace {
	if c.Max <= 0 {
		c.Max = max(defaultMax, c.Start)
	}
	if c.Start <= 0 {
		c.Start = defaultStart
	}
	p := &Pace{fixed: c.Fixed > 0}
	p.climb = climb{max: c.Max, cores: c.Cores, lanes: min(c.Start, c.Max)}
	if p.fixed {
		p.climb.lanes = c.Fixed
	}
	return p
}

// Lanes is how many requests may be in flight now; at least 1.
func (p *Pace) Lanes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.climb.lanes
}

// Done tells of a request that succeeded, at now.
func (p *Pace) Done(now time.Time, s Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brake.succeeded(now.Add(-s.Took), p.climb.lanes)
	p.climb.finished(s)
	p.judge.finished(now, s)
}

// Tick tells how things stand at now. It wants to be called every 20 to 50 ms while requests are in flight, and after
// Done; twice at one time does no harm.
func (p *Pace) Tick(now time.Time, l Load) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge.moved, p.judge.last = l.Moved, l.Waiting == 0
	if !p.fixed {
		p.climb.tick(now, l, p.brake.binds(now))
	}
}
