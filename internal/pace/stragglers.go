package pace

import (
	"math"
	"time"
)

const (
	// minPeers is how many peers there must be to compare with, and mostPeers the share of them that must be better: what is
	// slow for many is the link. (TestSlowLeavesThemAlone)
	minPeers  = 3
	mostPeers = 0.7
	// slower is how many times as fast its peers must be, and slowerAtEnd if nothing waits for the lane any more: then the
	// transfer waits for each slow one. (TestSlowFindsTheOne, TestSlowAtTheEnd)
	slower, slowerAtEnd = 4, 2
	// youngest, and waits times the wait for the first byte, are the least age at which an attempt is judged.
	// (TestSlowLeavesThemAlone)
	youngest = 250 * time.Millisecond
	waits    = 3
	// gain and gainAtEnd are how many times as long as a new attempt the rest must take. (TestSlowLeavesThemAlone)
	gain, gainAtEnd = 2, 1.5
	// late and lateAtEnd are how many times as long as its peers an upload may take. (TestSlowAnswer)
	late, lateAtEnd = 2, 1.5
	// extra is the share of all bytes that cuts may discard: of what is to move in all, or of leastTotal if that is not
	// known and less has moved. (TestSlowHasABudget; doc/performance.md, How many connections)
	extra      = 0.045
	leastTotal = 32 << 20
	// lost is what a cut download discards: what was in flight.
	lost = 128 << 10
	// silent, and silentWaits times what its peers took, is how long an attempt may be without a byte: after that it will
	// never finish, and a new one wastes nothing. (TestTail)
	silent      = 500 * time.Millisecond
	silentWaits = 2
	// forgotten is how long an attempt that has no peers of its size may be silent. (TestTail)
	forgotten = 3 * time.Second
	// A client may cut one in perCut of its requests, and firstCuts before that. (TestSlowHasABudget)
	firstCuts, perCut = 4, 4
	// sightEvery is the least time between two looks at an attempt from which a rate is computed.
	sightEvery = 200 * time.Millisecond
)

// Flight is an attempt to make a request, in flight.
type Flight struct {
	ID    uint64    // its own, in every call; a new attempt has a new one
	Began time.Time // this attempt
	Size  int64     // what this attempt is to move, bytes
	Moved int64     // by this attempt so far. An upload's may run ahead of the network by the size of socket buffers
	// Restart: a new attempt sends everything again, as of an upload; a download continues at the byte.
	Restart bool
	Cuts    int // how often the request was cut before
}

// stragglers holds what is known of the attempts in flight, to find those that are too slow.
type stragglers struct {
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

// sights are the last two looks at an attempt, at least sightEvery apart, and the last that saw a byte move.
type sights struct{ earlier, later, byte sight }

type sight struct {
	at    time.Time
	moved int64
}

// peer is an attempt, or a request that has finished, to compare others with.
type peer struct {
	size int64
	rate float64       // bytes per second: lately, or of the whole request; less than 0 is unknown
	took time.Duration // so far
	mute time.Duration // since a byte moved
	ago  time.Duration // since it finished
}

// finished records a request.
func (st *stragglers) finished(now time.Time, s Sample) {
	st.ring[st.done%recent] = result{now, s.Bytes, s.Took}
	st.done++
	if s.FirstByte > 0 && (st.wait == 0 || s.FirstByte < st.wait) {
		st.wait = s.FirstByte
	}
}

// Slow returns the indices of those attempts whose connections should be cut, so that a new one takes over at once. It is
// called with all attempts of the client, every 100 to 200 ms.
//
// An attempt is compared with its peers: the others in flight, and the requests that finished since it started, which show
// that the link worked in its lifetime. It is cut when most of them are four times as fast as it was lately, and what is left
// would take twice as long as a new attempt; an upload also when most of them took half as long as it has taken already. Each
// earlier cut of a request doubles what must be shown, and what cuts discard is bounded by 4.5 % of all bytes.
func (p *Pace) Slow(now time.Time, flights []Flight) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := &p.stragglers
	others := st.look(now, flights)
	done := st.finishedLately(now)
	fastest, shortest := extremes(others, done)
	var slow []int
	for i, f := range flights {
		if o := others[i]; !(o.rate >= 0 && slowerAtEnd*o.rate < fastest) && !(f.Restart && o.took > shortest) && o.mute < forgotten {
			continue // as nearly all: it would pass all that follows
		}
		c := comparison{it: others[i], others: others, done: done, i: i, since: others[i].took, cuts: min(f.Cuts, 6)}
		if c.it.took < max(youngest, waits*st.wait)<<c.cuts {
			continue
		}
		if st.full { // a share of it may stand still for long: 24 s, after which the store may have closed the connection
			c.cuts += 3
		}
		if c.alone() { // nothing shows that the link works: be careful
			c.since, c.cuts = math.MaxInt64, c.cuts+1
		}
		if (!st.full && (st.crawls(f, c) || st.isLate(f, c)) || c.forgotten()) && st.afford(f, c) {
			slow = append(slow, i)
			delete(st.sights, f.ID)
		}
	}
	return slow
}

// extremes returns the highest rate of all, and the shortest time in which one finished.
func extremes(others, done []peer) (rate float64, took time.Duration) {
	took = math.MaxInt64
	for _, o := range others {
		rate = max(rate, o.rate)
	}
	for _, o := range done {
		rate, took = max(rate, o.rate), min(took, o.took)
	}
	return rate, took
}

// comparison is an attempt with the peers that it is compared with.
type comparison struct {
	it     peer
	others []peer // all attempts; it is the one with index i
	done   []peer // requests that have finished
	i      int
	since  time.Duration // how long ago finished ones may have finished
	cuts   int           // how many times what must be shown is doubled
}

// alone reports whether there are too few to compare with.
func (c comparison) alone() bool {
	n := len(c.others) - 1
	for _, o := range c.done {
		if o.ago < c.since {
			n++
		}
	}
	return n < minPeers
}

// look computes the rates of the attempts.
func (st *stragglers) look(now time.Time, flights []Flight) []peer {
	seen := make(map[uint64]sights, len(flights))
	peers := make([]peer, len(flights))
	roll := now.Sub(st.rolled) >= sightEvery // all at once: a link that goes down must look alike to all
	if roll {
		st.rolled = now
	}
	for i, f := range flights {
		age := now.Sub(f.Began)
		s, ok := st.sights[f.ID]
		if !ok {
			s.later = sight{f.Began.Add(min(st.wait, age/2)), 0}
			s.earlier, s.byte = s.later, sight{f.Began, 0}
		}
		if f.Moved != s.byte.moved {
			s.byte = sight{now, f.Moved}
		}
		if roll {
			s.earlier, s.later = s.later, sight{now, f.Moved}
		}
		seen[f.ID] = s
		peers[i] = peer{size: f.Size, took: age, mute: now.Sub(s.byte.at), rate: -1}
		if d := now.Sub(s.earlier.at).Seconds(); d > 0 && f.Moved < f.Size && age >= max(youngest/2, 2*st.wait) {
			peers[i].rate = float64(max(0, f.Moved-s.earlier.moved)) / d
		}
	}
	st.sights = seen
	return peers
}

// finishedLately returns the requests that finished last.
func (st *stragglers) finishedLately(now time.Time) []peer {
	peers := make([]peer, 0, recent)
	for _, r := range st.ring[:min(st.done, recent)] {
		if r.took > 0 {
			peers = append(peers, peer{size: r.bytes, rate: float64(r.bytes) / r.took.Seconds(), took: r.took, ago: now.Sub(r.at)})
		}
	}
	return peers
}

// crawls reports whether an attempt is far slower than most others, and would not finish before a new one.
func (st *stragglers) crawls(f Flight, c comparison) bool {
	mine := c.it.rate
	if mine < 0 || f.Moved >= f.Size { // an upload that was sent waits for the answer
		return false
	}
	times, worth := float64(slower), float64(gain)
	if st.last {
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
	for _, o := range c.done {
		if o.ago < c.since && o.size >= f.Size/2 {
			compare(o)
		}
	}
	if all < minPeers || float64(faster) < mostPeers*float64(all) {
		return false
	}
	again := float64(f.Size)
	if !f.Restart {
		again -= float64(f.Moved)
	}
	fresh := st.wait.Seconds() + again*float64(faster)/theirs
	return float64(f.Size-f.Moved) > mine*fresh*worth*float64(int(1)<<c.cuts)
}

// isLate reports whether an upload has taken longer than most others needed. What it has moved says little: it may be in a
// socket's buffer.
func (st *stragglers) isLate(f Flight, c comparison) bool {
	if !f.Restart {
		return false
	}
	times := float64(late)
	if st.last {
		times = lateAtEnd
	}
	limit := time.Duration(float64(c.it.took) / (times * float64(int(1)<<c.cuts)))
	var quick, all int
	for k, o := range c.others {
		if k != c.i && o.took > limit && o.size <= 2*f.Size {
			all++
		}
	}
	for _, o := range c.done {
		if o.ago < c.since && o.size >= f.Size/2 {
			if all++; o.took <= limit {
				quick++
			}
		}
	}
	return quick >= minPeers && float64(quick) >= mostPeers*float64(all)
}

// forgotten reports whether the attempt has been silent for seconds in which most others, of whatever size, were not.
func (c comparison) forgotten() bool {
	if c.it.mute < forgotten<<c.cuts {
		return false
	}
	lively, all := 0, len(c.others)-1
	for k, o := range c.others {
		if k != c.i && o.mute < c.it.mute/4 {
			lively++
		}
	}
	for _, o := range c.done {
		if o.ago < c.it.mute {
			lively++
			all++
		}
	}
	return lively >= minPeers && float64(lively) >= mostPeers*float64(all)
}

// afford reports whether there are bytes and cuts left for f, and takes them.
func (st *stragglers) afford(f Flight, c comparison) bool {
	cost := int64(lost)
	if f.Restart {
		cost = f.Moved
	}
	if !c.dead(f) {
		if float64(st.spent+cost) > extra*float64(max(st.total, leastTotal)) || st.cuts >= firstCuts+st.done/perCut {
			return false
		}
		st.cuts++
	}
	st.spent += cost
	return true
}

// dead reports whether the attempt has been silent for so long that it will stay so. An upload whose bytes were all handed
// over is silent by nature, while they are in the buffers of sockets: it is given longer.
func (c comparison) dead(f Flight) bool {
	if c.it.mute < silent || f.Restart && f.Moved >= f.Size && c.it.mute < forgotten {
		return false
	}
	longer := 0
	for _, o := range c.done {
		if silentWaits*o.took > c.it.mute {
			longer++
		}
	}
	return 2*longer < len(c.done)
}
