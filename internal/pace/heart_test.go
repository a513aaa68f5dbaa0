package pace_test

import (
	"math"
	"slices"

	"haul.example/haul/internal/pace"
)

// fill hands parts to the free lanes.
func (s *sim) fill() {
	for len(s.queue) > 0 && s.p.Admits(len(s.flights), s.flying()) {
		f := &request{whole: s.queue[0], size: s.queue[0]}
		s.queue = s.queue[1:]
		s.flights = append(s.flights, f)
		s.enter(f)
	}
}

// enter begins a try when the gate lets it through. The lane is kept through the wait, as the engine does.
func (s *sim) enter(f *request) {
	if g := s.p.Gate(at(s.now)); g > 0 {
		f.state, f.pausing, f.until, f.rate = waiting, true, s.now+g.Seconds()+1e-9, 0
		f.next = func() { s.enter(f) }
		return
	}
	s.begin(f)
}

// begin begins a try of a part.
func (s *sim) begin(f *request) {
	s.ids++
	f.id, f.began, f.at, f.moved, f.rate, f.stallAt = s.ids, s.now, s.now, 0, 0, math.Inf(1)
	f.pausing = false
	f.full = s.conn * (1 + s.jitter*(2*s.rnd.Float64()-1))
	switch luck := s.rnd.Float64(); {
	case luck < s.slow:
		f.full /= 20
	case luck < s.slow+s.stall:
		f.stallAt = f.size * (0.1 + 0.8*s.rnd.Float64())
	}
	f.limit = f.full
	if s.idle > 0 {
		s.idle--
	} else if s.ramp > 0 {
		f.limit = min(f.full, 14600/s.ramp)
	}
	if s.refuses() {
		f.state, f.until = waiting, s.now+s.wait
		f.next = func() { s.throttled(f) }
		return
	}
	if s.up && s.late == 0 {
		s.flow(f)
		return
	}
	f.state, f.until = waiting, s.now+s.lateness()
	if !s.up {
		f.until += s.wait
	}
	f.next = func() { s.flow(f) }
}

// lateness is how much later than it should something happens on a busy machine.
func (s *sim) lateness() float64 {
	if s.late == 0 {
		return 0
	}
	return s.late * s.rnd.Float64()
}

func (s *sim) flow(f *request) {
	f.state, f.until = flowing, s.now+s.ramp
}

// refuses reports whether the store refuses a request now: by luck, or because a bucket of a tenth of a second is empty.
func (s *sim) refuses() bool {
	if s.rnd.Float64() < s.refuse && (s.calm == 0 || s.now < s.calm) {
		return true
	}
	if s.perSec == 0 {
		return false
	}
	s.tokens = min(s.perSec/10, s.tokens+(s.now-s.filled)*s.perSec)
	s.filled = s.now
	if s.tokens < 1 {
		return true
	}
	s.tokens--
	return false
}

// throttled is reported to the pace.
func (s *sim) throttled(f *request) {
	s.refused++
	s.idle++
	s.p.Throttled(at(s.now), 0)
	f.attempt++
	f.pausing = true
	f.until = s.now + pace.Backoff(min(f.attempt-1, 4), s.rnd.Float64).Seconds()
	f.next = func() { s.enter(f) }
}

// arrived is the last byte on the network.
func (s *sim) arrived(f *request) {
	if !s.up {
		s.finish(f)
		return
	}
	f.moved, f.state, f.until = f.size, waiting, s.now+s.wait
	f.next = func() { s.finish(f) }
}

func (s *sim) finish(f *request) {
	s.moved += f.size
	s.idle++
	s.flights = slices.DeleteFunc(s.flights, func(g *request) bool { return g == f })
	sample := pace.Sample{Bytes: int64(f.size), Took: span(s.now - f.began)}
	if s.up {
		sample.Answer = span(s.wait + s.ahead/s.conn)
	} else {
		sample.FirstByte = span(s.wait)
	}
	s.p.Done(at(s.now), sample)
	if s.now-s.lastTick >= 0.005 {
		s.doTick()
	}
}

// cutSlow asks which requests are too slow, and begins them again: a download continues at the byte.
func (s *sim) cutSlow() {
	var flights []pace.Flight
	var under []*request
	for _, f := range s.flights {
		if f.pausing {
			continue
		}
		under = append(under, f)
		flights = append(flights, pace.Flight{
			ID: f.id, Began: at(f.began), Size: int64(f.size), Moved: int64(s.seen(f)), Restart: s.up, Cuts: f.cuts,
		})
	}
	if excess := s.p.Excess(flights); len(excess) > 0 {
		for _, i := range excess {
			s.takeBack(under[i])
		}
		return
	}
	for _, i := range s.p.Slow(at(s.now), flights) {
		f := under[i]
		s.cuts++
		if s.up {
			s.wasted += f.moved
		} else {
			s.moved += f.moved
			f.size -= f.moved
		}
		f.cuts++
		f.moved = 0
		s.enter(f)
	}
}

// takeBack lets a request begin again later, before all that wait: a download continues at the byte.
func (s *sim) takeBack(f *request) {
	s.backs++
	if s.up {
		s.wasted += f.moved
	} else {
		s.moved += f.moved
		f.size -= f.moved
	}
	s.flights = slices.DeleteFunc(s.flights, func(g *request) bool { return g == f })
	s.queue = append([]float64{f.size}, s.queue...)
}

// sweep returns the time of the best fixed number of lanes, and that number.
func sweep(n network, parts []float64) (best float64, lanes int) {
	best, n.patient, n.tick = math.Inf(1), true, math.Inf(1)
	bytes := 0.0
	for _, size := range parts {
		bytes += size
	}
	for l := 256; l > 0 && bytes/(float64(l)*n.conn*(1+n.jitter)) < best; l /= 2 { // fewer lanes could not be faster
		if t := run(n, pace.New(pace.Config{Fixed: l}), parts).now; t < best*(1+1e-6) {
			best, lanes = t, l
		}
	}
	return best, lanes
}

// steadyChanges counts the changes of the number of lanes from one time on.
func (s *sim) steadyChanges(from float64) (n int) {
	for _, c := range s.changes {
		if c.at >= from {
			n++
		}
	}
	return n
}
