package nullstore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Shape is what the link, and the store behind it, are like. The zero Shape is as fast as it goes, and without faults.
type Shape struct {
	// ConnRate is the rate of each connection, LinkRate that of all together, in bytes a second and for each direction; 0 is no limit.
	ConnRate float64 `json:"conn_rate"`
	LinkRate float64 `json:"link_rate"`
	// FirstByteMS is how many milliseconds pass between a request, its body included, and the first byte of the answer.
	FirstByteMS float64 `json:"first_byte_ms"`
	// Slow, Stall, Cut and Corrupt are fractions (0 to 1) of the requests that carry data. Slow ones get a twentieth of the rate: of
	// ConnRate, or, where there is none, of 100 MB/s. The others are harmed in the middle of their body: nothing more moves for ever, the
	// connection is reset, a bit flips.
	Slow    float64 `json:"slow"`
	Stall   float64 `json:"stall"`
	Cut     float64 `json:"cut"`
	Corrupt float64 `json:"corrupt"`
	// Refuse is the fraction of all requests that are answered 503 SlowDown.
	Refuse float64 `json:"refuse"`
	// Seed chooses which requests these are.
	Seed uint64 `json:"seed"`
}

// check tells what is wrong with a shape.
func (s Shape) check() error {
	if s.ConnRate < 0 || s.LinkRate < 0 || s.FirstByteMS < 0 {
		return errors.New("a rate or a delay is negative")
	}
	for _, f := range []float64{s.Slow, s.Stall, s.Cut, s.Corrupt, s.Refuse} {
		if f < 0 || f > 1 {
			return fmt.Errorf("%g is no fraction", f)
		}
	}
	if s.Slow+s.Stall+s.Cut+s.Corrupt > 1 {
		return errors.New("slow, stall, cut and corrupt are more than all requests")
	}
	return nil
}

// fault is what happens to a request.
type fault string

const (
	sound   fault = ""
	slow    fault = "slow"
	stall   fault = "stall"
	cut     fault = "cut"
	corrupt fault = "corrupt"
	refuse  fault = "refuse"
)

var faults = []fault{slow, stall, cut, corrupt, refuse}

// regime is a Shape in force.
type regime struct {
	Shape
	in, out *link
	over    chan struct{} // closed when another takes its place
	drawn   atomic.Uint64
	data    atomic.Uint64
}

func newRegime(s Shape) *regime {
	return &regime{Shape: s, in: newLink(s.LinkRate), out: newLink(s.LinkRate), over: make(chan struct{})}
}

// refuses draws for one request.
func (g *regime) refuses() bool {
	return g.Refuse > 0 && uniform(g.Seed, g.drawn.Add(1)) < g.Refuse
}

// draw draws for one request that carries data.
func (g *regime) draw() fault {
	u := uniform(g.Seed+1<<32, g.data.Add(1))
	for _, f := range []struct {
		part float64
		is   fault
	}{{g.Slow, slow}, {g.Stall, stall}, {g.Cut, cut}, {g.Corrupt, corrupt}} {
		if u < f.part {
			return f.is
		}
		u -= f.part
	}
	return sound
}

// uniform gives the n-th number in [0, 1) of the sequence that a seed begins (SplitMix64).
func uniform(seed, n uint64) float64 {
	z := seed*0xd1342543de82ef95 + n*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// link is the rate that all connections share in one direction: whoever wants to move bytes gets the time when they are through.
type link struct {
	rate float64 // bytes a second

	mu   sync.Mutex
	free time.Time // when all that was promised is through
}

func newLink(rate float64) *link {
	if rate == 0 {
		return nil
	}
	return &link{rate: rate}
}

// reserve promises n bytes. A link that was idle has no credit from that.
func (l *link) reserve(now time.Time, n int64) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	return l.free
}

const (
	// beat is about how often a paced connection wakes up.
	beat = 4 * time.Millisecond
	// early is how much ahead of its time a connection may be without a pause.
	early = 2 * time.Millisecond
	// slowest is how many times slower the slow requests are.
	slowest = 20
)

// pacer holds one body to its rates. A nil pacer does not.
type pacer struct {
	rate  float64 // 0: no limit
	link  *link
	began time.Time
	moved int64
}

// pacer gives the pacer of a body that moves by a link, or nil.
func (g *regime) pacer(f fault, l *link) *pacer {
	rate := g.ConnRate
	if f == slow {
		if rate == 0 {
			rate = 100e6
		}
		rate /= slowest
	}
	if rate == 0 && l == nil {
		return nil
	}
	return &pacer{rate: rate, link: l, began: time.Now()}
}

// slice gives how many of n bytes to move before the next look at the clock.
func (p *pacer) slice(n int64) int64 {
	switch {
	case p == nil:
		return n
	case p.rate == 0:
		return min(n, 256<<10)
	}
	return min(n, max(int64(p.rate*beat.Seconds()), 16<<10), 256<<10)
}

// due counts n bytes and gives how long to wait until they may be through.
func (p *pacer) due(n int64) time.Duration {
	if p == nil {
		return 0
	}
	p.moved += n
	now := time.Now()
	var wait time.Duration
	if p.rate > 0 {
		wait = p.began.Add(time.Duration(float64(p.moved) / p.rate * float64(time.Second))).Sub(now)
	}
	if p.link != nil {
		wait = max(wait, p.link.reserve(now, n).Sub(now))
	}
	if wait < early {
		return 0
	}
	return wait
}
