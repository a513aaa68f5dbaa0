package pace

import "time"

const (
	// fellows is the least number of others to compare with, and most the share of them that must have done better: what is
	// slow for many is the link.
	fellows = 3
	most    = 0.7
	// slower is how many times a rate must be below that of the fellows.
	slower = 4
	// youngest and waits, times the wait for the first byte, are the least age to be judged at.
	youngest = 250 * time.Millisecond
	waits    = 3
	// gain is how many times as long as a new try what is left must take.
	gain = 2
	// late and lateAtEnd are how many times as long as its fellows an upload may take; the second holds when nothing waits
	// for its lane any more.
	late, lateAtEnd = 2, 1.5
	// extra is the share of all bytes that cuts may throw away; of leastMoved where less has moved.
	extra      = 0.04
	leastMoved = 256 << 20
	// lost is what a cut download throws away: what was on its way.
	lost = 128 << 10
	// A client has cuts for one in perCut of its requests, and a few to begin with.
	firstCuts, perCut = 4, 4
	// sightEvery is the least time between two looks at a flight that a rate is reckoned from.
	sightEvery = 200 * time.Millisecond
)

// Flight is one try of a request, in flight.
type Flight struct {
	ID    uint64    // its own, in every call; a new try has a new one
	Began time.Time // this try
	Size  int64     // what this try is to move, bytes
	Moved int64     // by this try so far. An upload's may run ahead of the wire by what socket buffers take
	// Restart: a new try sends all again, as of an upload; a download goes on at the byte.
	Restart bool
	Cuts    int // how often the request was cut before
}

// judge knows what is slow.
type judge struct {
	moved  int64 // bytes of the whole client
	last   bool  // nothing waits for a lane
	spent  int64 // bytes that cuts threw away
	cuts   int64
	done   int64
	ring   [recent]result // of the last requests; done is where the next one goes
	wait   time.Duration  // the least one for a first byte
	sights map[uint64]sights
}

// result is a request that has finished.
type result struct {
	at    time.Time
	bytes int64
	took  time.Duration
}

// sights are the last two looks at a flight, at least sightEvery apart.
type sights struct{ earlier, later sight }

type sight struct {
	at    time.Time
	moved int64
}

// fellow is a flight, or a request that has finished, for others to be compared with.
type fellow struct {
	size int64
	rate float64       // bytes a second: lately, or of the whole request; less than 0 is unknown
	took time.Duration // so far
	ago  time.Duration // since it finished
}

// finished notes a request.
func (j *judge) finished(now time.Time, s Sample) {
	j.ring[j.done%recent] = result{now, s.Bytes, s.Took}
	j.done++
	if s.FirstByte > 0 && (j.wait == 0 || s.FirstByte < j.wait) {
		j.wait = s.FirstByte
	}
}

// Slow gives the indices of those flights whose connections should be cut, so that a new try takes over at once. It is told
// of all flights of the client, every 100 to 200 ms.
//
// A flight is compared with its fellows: the others in flight, and the requests that finished since it began, which prove
// that the link was well in its lifetime. It is cut when most of them are four times as fast as it was lately, and what is
// left would take twice as long as a new try; an upload also when most of them took half as long as it has taken already.
// Each earlier cut of a request doubles what must be shown, and what cuts throw away is bounded by 4 % of all bytes.
func (p *Pace) Slow(now time.Time, flights []Flight) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := &p.judge
	others := j.look(now, flights)
	home := j.home(now)
	var slow []int
	for i, f := range flights {
		if others[i].took < max(youngest, waits*j.wait)<<min(f.Cuts, 6) {
			continue
		}
		if (j.crawls(f, i, others, home) || j.isLate(f, i, others, home)) && j.afford(f) {
			slow = append(slow, i)
			delete(j.sights, f.ID)
		}
	}
	return slow
}

// look reckons the rates of the flights.
func (j *judge) look(now time.Time, flights []Flight) []fellow {
	seen := make(map[uint64]sights, len(flights))
	fellows := make([]fellow, len(flights))
	for i, f := range flights {
		age := now.Sub(f.Began)
		s, ok := j.sights[f.ID]
		if !ok {
			s.later = sight{f.Began.Add(min(j.wait, age/2)), 0}
			s.earlier = s.later
		}
		if now.Sub(s.later.at) >= sightEvery {
			s.earlier, s.later = s.later, sight{now, f.Moved}
		}
		seen[f.ID] = s
		fellows[i] = fellow{size: f.Size, took: age, rate: -1}
		if d := now.Sub(s.earlier.at).Seconds(); d > 0 && f.Moved < f.Size && age >= max(youngest/2, 2*j.wait) {
			fellows[i].rate = float64(max(0, f.Moved-s.earlier.moved)) / d
		}
	}
	j.sights = seen
	return fellows
}

// home gives the requests that finished last.
func (j *judge) home(now time.Time) []fellow {
	fellows := make([]fellow, 0, recent)
	for _, r := range j.ring[:min(j.done, recent)] {
		if r.took > 0 {
			fellows = append(fellows, fellow{r.bytes, float64(r.bytes) / r.took.Seconds(), r.took, now.Sub(r.at)})
		}
	}
	return fellows
}

// crawls tells whether flight i is far slower than most others, and would not be home before a new try.
func (j *judge) crawls(f Flight, i int, others, home []fellow) bool {
	mine := others[i].rate
	if mine < 0 || f.Moved >= f.Size { // an upload that is sent waits for the answer
		return false
	}
	var faster, all int
	var theirs float64
	compare := func(o fellow) {
		if all++; o.rate > slower*mine {
			faster++
			theirs += o.rate
		}
	}
	for k, o := range others {
		if k != i && o.rate >= 0 && o.size >= f.Size/2 {
			compare(o)
		}
	}
	for _, o := range home {
		if o.ago < others[i].took && o.size >= f.Size/2 {
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
	return float64(f.Size-f.Moved) > mine*fresh*float64(int(gain)<<min(f.Cuts, 6))
}

// isLate tells whether upload i has taken longer than most others needed. What it has moved says little: it may lie in a
// socket's buffer.
func (j *judge) isLate(f Flight, i int, others, home []fellow) bool {
	if !f.Restart {
		return false
	}
	times := float64(late)
	if j.last {
		times = lateAtEnd
	}
	limit := time.Duration(float64(others[i].took) / (times * float64(int(1)<<min(f.Cuts, 6))))
	var quick, all int
	for k, o := range others {
		if k != i && o.took > limit && o.size <= 2*f.Size {
			all++
		}
	}
	for _, o := range home {
		if o.ago < others[i].took && o.size >= f.Size/2 {
			if all++; o.took <= limit {
				quick++
			}
		}
	}
	return quick >= fellows && float64(quick) >= most*float64(all)
}

// afford tells whether there are bytes and cuts left for f, and takes them.
func (j *judge) afford(f Flight) bool {
	cost := int64(lost)
	if f.Restart {
		cost = f.Moved
	}
	if float64(j.spent+cost) > extra*float64(max(j.moved, leastMoved)) || j.cuts >= firstCuts+j.done/perCut {
		return false
	}
	j.spent += cost
	j.cuts++
	return true
}
