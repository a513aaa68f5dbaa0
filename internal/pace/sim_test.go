package pace_test

import (
	"math"
	"math/rand/v2"
	"time"

	"haul.example/haul/internal/pace"
)

// network is a link to a store, as simple as it can be and still tell a good pace from a bad one: fluid flows that share what
// there is max-min fairly.
type network struct {
	conn, total float64 // bytes a second: the most of one request, of all together
	wait        float64 // seconds to the first byte of an answer; to the answer, after the last byte, where up
	up          bool
	ahead       float64 // bytes of an upload that socket buffers take before the wire does
	acks        bool    // acknowledgements are known: what lies in socket buffers has not moved
	late        float64 // seconds within which a request begins to flow, each at its own time, as on a busy machine

	slice       float64 // bytes that the engine sees move at once; 0 is 1
	jitter      float64 // of conn, each request draws its own: 0.2 is ±20 %
	slow, stall float64 // shares of requests: at a twentieth of the rate; for ever silent from somewhere midway on
	ramp        float64 // round trip in seconds; a new connection doubles its rate with each, from 10 segments on
	shifts      []shift // of total

	cpu     float64 // bytes a second that use up the cores; 0 is no limit
	cores   int
	perLane float64 // share of the CPU that each lane adds to the cost of a byte

	refuse  float64 // share of requests that the store refuses whatever their rate
	calm    float64 // when the store refuses no more; 0 is never
	perSec  float64 // requests a second above which it refuses; 0 is no limit
	seed    uint64
	tick    float64 // seconds between ticks; 0 is 0.01, and infinity none but after requests
	patient bool    // the engine does not ask for stragglers
}

// shift is another total from a time on.
type shift struct{ at, total float64 }

type state int

const (
	waiting state = iota // for the first byte, for the answer, or for the next try
	flowing
)

// request is one try of one part.
type request struct {
	id            uint64
	began         float64
	size, moved   float64
	rate, limit   float64
	full          float64 // the limit when the ramp is over
	stallAt       float64
	state         state
	pausing       bool    // until the next try
	until         float64 // when the waiting, or this step of the ramp, is over
	next          func()
	cuts, attempt int
	whole         float64 // of the part
	at            float64 // when its last byte moved
}

// sim runs a model of the engine over a network in virtual time.
type sim struct {
	network
	p        *pace.Pace
	rnd      *rand.Rand
	queue    []float64 // sizes of parts that wait
	flights  []*request
	now      float64
	moved    float64 // payload of finished and running requests
	whole    float64 // payload of all
	wire     float64
	cpuUsed  float64
	ids      uint64
	idle     int // open connections that carry nothing
	tokens   float64
	filled   float64 // when tokens were last filled
	lastTick float64
	nextTick float64
	nextSlow float64

	// what came of it
	cuts     int
	wasted   float64
	refused  int
	laneTime float64
	changes  []change
	backs    int       // requests that were taken back
	killed   []float64 // what a kill would have lost at each tick, in seconds of the link beside one part
	begun    []float64 // what was in flight then, likewise, sent or not
	ticks    []float64 // when
}

type change struct {
	at    float64
	lanes int
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds float64) time.Time { return epoch.Add(span(seconds)) }

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// run moves parts of the sizes over n, with p to decide.
func run(n network, p *pace.Pace, parts []float64) *sim {
	if n.tick == 0 {
		n.tick = 0.01
	}
	s := &sim{network: n, p: p, rnd: rand.New(rand.NewPCG(n.seed, 7)), queue: parts, lastTick: -1, nextTick: 0.001, nextSlow: 0.1, tokens: n.perSec / 10}
	if n.patient {
		s.nextSlow = math.Inf(1)
	}
	for _, size := range parts {
		s.whole += size
	}
	for s.step() {
	}
	return s
}

// of returns n parts of a size.
func of(n int, size float64) []float64 {
	parts := make([]float64, n)
	for i := range parts {
		parts[i] = size
	}
	return parts
}

// step continues to the next event; false when all is done, or nothing will ever happen.
func (s *sim) step() bool {
	s.fill()
	if len(s.flights) == 0 && len(s.queue) == 0 {
		return false
	}
	next := min(s.nextTick, s.nextSlow)
	for _, e := range s.shifts {
		if e.at > s.now {
			next = min(next, e.at)
		} else {
			s.total = e.total
		}
	}
	s.share()
	for _, f := range s.flights {
		if f.until > s.now {
			next = min(next, f.until)
		}
		if f.state == flowing && f.rate > 0 {
			next = min(next, s.now+max(1e-9, (f.end()-f.moved)/f.rate))
		}
	}
	if next > 4000 {
		return false
	}
	s.pass(next)
	s.events()
	return true
}

// end is how far a request flows.
func (f *request) end() float64 { return min(f.size, f.stallAt) }

// pass lets time pass until next.
func (s *sim) pass(next float64) {
	d := next - s.now
	for _, f := range s.flights {
		if f.state == flowing && f.rate > 0 {
			b := f.rate * d
			f.moved += b
			f.at = next
			s.wire += b
			s.cpuUsed += b * s.cost()
		}
	}
	s.laneTime += d * float64(s.p.Lanes())
	s.now = next
}

// cost is the CPU time of a byte in seconds.
func (s *sim) cost() float64 {
	if s.cpu == 0 {
		return 1e-10
	}
	return float64(s.cores) / s.cpu * (1 + s.perLane*float64(len(s.flights)))
}

// share returns each flowing request its rate: max-min fair, by filling up the smallest limits first.
func (s *sim) share() {
	total := s.total
	if s.cpu > 0 {
		total = min(total, float64(s.cores)/s.cost())
	}
	var open int
	for _, f := range s.flights {
		f.rate = 0
		if f.state == flowing && f.moved < f.end() {
			f.rate = -1
			open++
		}
	}
	for open > 0 {
		level, filled := total/float64(open), 0
		for _, f := range s.flights {
			if f.rate < 0 && f.limit <= level {
				f.rate = f.limit
				total -= f.limit
				filled++
			}
		}
		if open -= filled; filled > 0 {
			continue
		}
		for _, f := range s.flights {
			if f.rate < 0 {
				f.rate = level
			}
		}
		return
	}
}

// events does what is due now.
func (s *sim) events() {
	for i := 0; i < len(s.flights); i++ {
		f := s.flights[i]
		switch {
		case f.state == waiting && f.until <= s.now:
			f.next()
		case f.state == flowing && f.moved >= f.size-1e-3:
			s.arrived(f)
		case f.state == flowing && f.until <= s.now && f.limit < f.full:
			f.limit = min(2*f.limit, f.full)
			f.until = s.now + s.ramp
		}
		if i < len(s.flights) && s.flights[i] != f {
			i--
		}
	}
	if s.now >= s.nextSlow {
		s.nextSlow = s.now + 0.1
		s.cutSlow()
	}
	if s.now >= s.nextTick {
		s.doTick()
	}
}

// doTick reports the pace how things stand.
func (s *sim) doTick() {
	moved, pausing := s.moved, 0
	for _, f := range s.flights {
		moved += s.seen(f)
		if f.pausing {
			pausing++
		}
	}
	s.lastTick, s.nextTick = s.now, s.now+s.tick+s.lateness()/4
	s.p.Tick(at(s.now), pace.Load{
		Moved: int64(moved), Total: int64(s.whole), CPU: span(s.cpuUsed), Busy: len(s.flights), Flying: s.flying(), Pausing: pausing, Waiting: min(1, len(s.queue)),
	})
	s.kill()
	if l := s.p.Lanes(); len(s.changes) == 0 || s.changes[len(s.changes)-1].lanes != l {
		s.changes = append(s.changes, change{s.now, l})
	}
}

// flying returns what the requests in flight are to move in all.
func (s *sim) flying() int64 {
	var n float64
	for _, f := range s.flights {
		n += f.size
	}
	return int64(n)
}

// kill notes what would be lost if the client were killed now: what has crossed the wire of requests that have not ended.
// One request may always be in flight.
func (s *sim) kill() {
	var lost, begun, most float64
	for _, f := range s.flights {
		lost += f.moved
		begun += f.size
		most = max(most, f.size)
	}
	s.ticks = append(s.ticks, s.now)
	s.killed = append(s.killed, lost/s.total)
	s.begun = append(s.begun, max(0, begun-most)/s.total)
}

// seen is what the engine has seen move of a request: an upload's socket has more than the wire, unless acknowledgements are known.
func (s *sim) seen(f *request) float64 {
	moved := f.moved
	if s.up && !s.acks && f.state == flowing {
		moved = min(f.size, f.moved+s.ahead)
	}
	if s.slice > 0 && moved < f.size {
		moved -= math.Mod(moved, s.slice)
	}
	return moved
}
