package pace

import (
	"math"
	"time"
)

const (
	// fellows is the least number of peers to compare with, and most the share of them that must have done better: what is
	// slow for many is the link.
	fellows = 3
	most    = 0.7
	// slower is how many times a rate must be below that of its peers, and slowerAtEnd if nothing waits for the lane any
	// more: then the transfer waits for each slow one.
	slower, slowerAtEnd = 4, 2
	// youngest and waits, times the wait for the first byte, are the minimum age to be judged.
	youngest = 250 * time.Millisecond
	waits    = 3
	// gain and gainAtEnd are how many times as long as a new try the rest must take.
	gain, gainAtEnd = 2, 1.5
	// late and lateAtEnd are how many times as long as its peers an upload may take.
	late, lateAtEnd = 2, 1.5
	// extra is the share of all bytes that cuts may discard: of what is to move in all, or of leastTotal if that is not
	// known and less has moved.
	extra      = 0.045
	leastTotal = 32 << 20
	// lost is what a cut download discards: what was in flight.
	lost = 128 << 10
	// silent and silentWaits, times what its peers took, is how long a flight without a byte is waited for: after that it
	// will never finish, and to begin again wastes nothing.
	silent      = 500 * time.Millisecond
	silentWaits = 2
	// forgotten is how long a flight that has no peers of its size may be silent.
	forgotten = 3 * time.Second
	// A client has cuts for one in perCut of its requests, and a few to begin with.
	firstCuts, perCut = 4, 4
	// sightEvery is the least time between two looks at a flight from which a rate is computed.
	sightEvery = 200 * time.Millisecond
)

// Flight is one try of a request, in flight.
type Flight struct {
	ID    uint64    // its own, in every call; a new try has a new one
	Began time.Time // this try
	Size  int64     // what this try is to move, bytes
	Moved int64     // by this try so far. An upload's may run ahead of the network by the size of socket buffers
	// Restart: a new try sends everything again, as of an upload; a download continues at the byte.
	Restart bool
	Cuts    int // how often the request was cut before
}

// judge knows what is slow.
type judge struct {
	total  int64 // bytes that the whole client is to move, as far as is known; at least those that it has moved
	last   bool  // nothing waits for a lane
	full   bool  // the link has no capacity left: a new try would be no faster
	spent  int64 // bytes that cuts discarded
	cuts   int64
	done   int64
	ring   [recent]result // of the last requests; done is where the next one goes
	wait   time.Duration  // the least one for a first byte
	sights map[uint64]sights
	rolled time.Time // when the last look became the earlier one
}

// result is a request that has finished.
type result struct {
	at    time.Time
	bytes int64
	took  time.Duration
}

// sights are the last two looks at a flight, at least sightEvery apart, and the last that saw a byte move.
type sights struct{ earlier, later, byte sight }

type sight struct {
	at    time.Time
	moved int64
}

// peer is a flight, or a request that has finished, to compare others with.
type peer struct {
	size int64
	rate float64       // bytes per second: lately, or of the whole request; less than 0 is unknown
	took time.Duration // so far
	mute time.Duration // since a byte moved
	ago  time.Duration // since it finished
}

// finished records a request.
func (j *judge) finished(now time.Time, s Sample) {
	j.ring[j.done%recent] = result{now, s.Bytes, s.Took}
	j.done++
	if s.FirstByte > 0 && (j.wait == 0 || s.FirstByte < j.wait) {
		j.wait = s.FirstByte
	}
}

// Slow returns the indices of those flights whose connections should be cut, so that a new try takes over at once. It is
// called with all flights of the client, every 100 to 200 ms.
//
// A flight is compared with its peers: the others in flight, and the requests that finished since it began, which show that
// the link worked in its lifetime. It is cut when most of them are four times as fast as it was lately, and what is left
// would take twice as long as a new try; an upload also when most of them took half as long as it has taken already. Each
// earlier cut of a request doubles what must be shown, and what cuts discard is bounded by 4.5 % of all bytes.
func (p *Pace) Slow(now time.Time, flights []Flight) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := &p.stragglers
	others := j.look(now, flights)
	home := j.home(now)
	fastest, shortest := extremes(others, home)
	var slow []int
	for i, f := range flights {
		if o := others[i]; !(o.rate >= 0 && slowerAtEnd*o.rate < fastest) && !(f.Restart && o.took > shortest) && o.mute < forgotten {
			continue // as nearly all: it would pass all that follows
		}
		c := circle{it: others[i], others: others, home: home, i: i, since: others[i].took, cuts: min(f.Cuts, 6)}
		if c.it.took < max(youngest, waits*j.wait)<<c.cuts {
			continue
		}
		if j.full { // a share of it may stand still for long: 24 s, after which the store may have closed the connection
			c.cuts += 3
		}
		if c.alone() { // nothing shows that the link works: be careful
			c.since, c.cuts = math.MaxInt64, c.cuts+1
		}
		if (!j.full && (j.crawls(f, c) || j.isLate(f, c)) || c.forgotten()) && j.afford(f, c) {
			slow = append(slow, i)
			delete(j.sights, f.ID)
		}
	}
	return slow
}

// extremes returns the highest rate of all, and the shortest time in which one finished.
func extremes(others, home []peer) (rate float64, took time.Duration) {
	took = math.MaxInt64
	for _, o := range others {
		rate = max(rate, o.rate)
	}
	for _, o := range home {
		rate, took = max(rate, o.rate), min(took, o.took)
	}
	return rate, took
}

// circle is a flight with those that it is compared with.
type circle struct {
	it     peer
	others []peer // all flights; it is the one with index i
	home   []peer
	i      int
	since  time.Duration // how long ago finished ones may have finished
	cuts   int           // how many times what must be shown is doubled
}

// alone reports whether there are too few to compare with.
func (c circle) alone() bool {
	n := len(c.others) - 1
	for _, o := range c.home {
		if o.ago < c.since {
			n++
		}
	}
	return n < fellows
}

// look computes the rates of the flights.
func (j *judge) look(now time.Time, flights []Flight) []peer {
	seen := make(map[uint64]sights, len(flights))
	fellows := make([]peer, len(flights))
	roll := now.Sub(j.rolled) >= sightEvery // all at once: a link that goes down must look alike to all
	if roll {
		j.rolled = now
	}
	for i, f := range flights {
		age := now.Sub(f.Began)
		s, ok := j.sights[f.ID]
		if !ok {
			s.later = sight{f.Began.Add(min(j.wait, age/2)), 0}
			s.earlier, s.byte = s.later, sight{f.Began, 0}
		}
		if f.Moved != s.byte.moved {
			s.byte = sight{now, f.Moved}
		}
		if roll {
			s.earlier, s.later = s.later, sight{now, f.Moved}
		}
		seen[f.ID] = s
		fellows[i] = peer{size: f.Size, took: age, mute: now.Sub(s.byte.at), rate: -1}
		if d := now.Sub(s.earlier.at).Seconds(); d > 0 && f.Moved < f.Size && age >= max(youngest/2, 2*j.wait) {
			fellows[i].rate = float64(max(0, f.Moved-s.earlier.moved)) / d
		}
	}
	j.sights = seen
	return fellows
}

// home returns the requests that finished last.
func (j *judge) home(now time.Time) []peer {
	fellows := make([]peer, 0, recent)
	for _, r := range j.ring[:min(j.done, recent)] {
		if r.took > 0 {
			fellows = append(fellows, peer{size: r.bytes, rate: float64(r.bytes) / r.took.Seconds(), took: r.took, ago: now.Sub(r.at)})
		}
	}
	return fellows
}

// crawls reports whether flight i is far slower than most others, and would not finish before a new try.
func (j *judge) crawls(f Flight, c circle) bool {
	mine := c.it.rate
	if mine < 0 || f.Moved >= f.Size { // an upload that was sent waits for the answer
		return false
	}
	times, worth := float64(slower), float64(gain)
	if j.last {
		times, worth = slowerAtEnd, gainAtEnd
	}
	var faster, all int
	var theirs float64
	compare := func(o peer) {
		if all++; o.rate > times*mine {
			faster++
			theirs += o.rate
		}
	}
	for k, o := range c.others {
		if k != c.i && o.rate >= 0 && o.size >= f.Size/2 {
			compare(o)
		}
	}
	for _, o := range c.home {
		if o.ago < c.since && o.size >= f.Size/2 {
			compare(o)
		}
	}
	if all < fellows || float64(faster) < most*float64(all) {
		return false
	}
	again := float64(f.Size)
	if !f.Restart {
		again -= float64(f.Moved)
	}
	fresh := j.wait.Seconds() + again*float64(faster)/theirs
	return float64(f.Size-f.Moved) > mine*fresh*worth*float64(int(1)<<c.cuts)
}

// isLate reports whether upload i has taken longer than most others needed. What it has moved says little: it may be in a
// socket's buffer.
func (j *judge) isLate(f Flight, c circle) bool {
	if !f.Restart {
		return false
	}
	times := float64(late)
	if j.last {
		times = lateAtEnd
	}
	limit := time.Duration(float64(c.it.took) / (times * float64(int(1)<<c.cuts)))
	var quick, all int
	for k, o := range c.others {
		if k != c.i && o.took > limit && o.size <= 2*f.Size {
			all++
		}
	}
	for _, o := range c.home {
		if o.ago < c.since && o.size >= f.Size/2 {
			if all++; o.took <= limit {
				quick++
			}
		}
	}
	return quick >= fellows && float64(quick) >= most*float64(all)
}

// forgotten reports whether the flight has been silent for seconds in which most others, of whatever size, were not.
func (c circle) forgotten() bool {
	if c.it.mute < forgotten<<c.cuts {
		return false
	}
	lively, all := 0, len(c.others)-1
	for k, o := range c.others {
		if k != c.i && o.mute < c.it.mute/4 {
			lively++
		}
	}
	for _, o := range c.home {
		if o.ago < c.it.mute {
			lively++
			all++
		}
	}
	return lively >= fellows && float64(lively) >= most*float64(all)
}

// afford reports whether there are bytes and cuts left for f, and takes them.
func (j *judge) afford(f Flight, c circle) bool {
	cost := int64(lost)
	if f.Restart {
		cost = f.Moved
	}
	if !c.dead(f) {
		if float64(j.spent+cost) > extra*float64(max(j.total, leastTotal)) || j.cuts >= firstCuts+j.done/perCut {
			return false
		}
		j.cuts++
	}
	j.spent += cost
	return true
}

// dead reports whether the flight has been silent for so long that it will stay so. An upload whose bytes were all handed
// over is silent by nature, while they are in the buffers of sockets: it is given longer.
func (c circle) dead(f Flight) bool {
	if c.it.mute < silent || f.Restart && f.Moved >= f.Size && c.it.mute < forgotten {
		return false
	}
	longer := 0
	for _, o := range c.home {
		if silentWaits*o.took > c.it.mute {
			longer++
		}
	}
	return 2*longer < len(c.home)
}
