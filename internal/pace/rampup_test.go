package pace_test

import (
	"testing"
	"time"

	"haul.example/haul/internal/pace"
)

func TestFewLanesOnABusyCPU(t *testing.T) {
	for _, cores := range []int{1, 2, 4} {
		// As on a loopback: a connection could take all that the CPU gives.
		n := network{
			conn: 1000 * mb, total: 20000 * mb, wait: 0.0005, jitter: 0.2,
			cpu: 1000 * mb * float64(cores), cores: cores, perLane: 0.002,
		}
		parts := of(256*cores, part)
		best, lanes := sweep(n, parts)
		s := run(n, pace.New(pace.Config{Cores: cores}), parts)
		last := s.changes[len(s.changes)-1]
		t.Logf("%d cores: %.3f of the best (%d lanes), %d lanes since %.2f s", cores, s.now/best, lanes, last.lanes, last.at)
		if s.now > 1.05*best || last.lanes > cores+1 || last.at > 1 {
			t.Errorf("%v", s.changes)
		}
	}
}

// A link whose connections are slow keeps its lanes, though the CPU is busy with them.
func TestBusyCPUNeedsItsLanes(t *testing.T) {
	n := network{conn: 90 * mb, total: 20000 * mb, wait: 0.03, jitter: 0.2, cpu: 1200 * mb, cores: 2, perLane: 0.002}
	best, _ := sweep(n, of(1024, part))
	s := run(n, auto(), of(1024, part))
	t.Logf("%.3f of the best, %.0f lanes", s.now/best, s.laneTime/s.now)
	if s.now > 1.05*best {
		t.Errorf("%v", s.changes)
	}
}

// For a minute and more: near the best, few changes, and no more lanes than a few times what is needed.
func TestSteady(t *testing.T) {
	for _, c := range []struct {
		network
		parts, most int
	}{
		{network{conn: 90 * mb, total: 2000 * mb, wait: 0.03}, 16384, 80},
		{network{conn: 25 * mb, total: 500 * mb, wait: 0.03}, 4096, 60},
		{network{conn: 90 * mb, total: 100 * mb, wait: 0.001}, 1024, 30},
		{network{conn: 25 * mb, total: 500 * mb, wait: 0.03, slow: 0.03}, 4096, 70},
	} {
		n := c.network
		n.jitter = 0.3
		s := run(n, auto(), of(c.parts, part))
		limit := float64(c.parts*part) / n.total
		lanes := s.laneTime / s.now
		changes := float64(s.steadyChanges(10)) / (s.now - 10)
		t.Logf("%.0f MB/s of %.0f, slow %.2f: %.3f of the link's limit, %.0f lanes, %.2f changes a second", n.conn/mb, n.total/mb, n.slow, s.now/limit, lanes, changes)
		if s.now > 1.06*limit || lanes > float64(c.most) || changes > 0.5 {
			t.Errorf("%v", s.changes)
		}
	}
}

func TestFollowsTheLink(t *testing.T) {
	n := network{conn: 10 * mb, total: 100 * mb, wait: 0.03, jitter: 0.2, shifts: []shift{{30, 1000 * mb}, {60, 100 * mb}}}
	s := run(n, auto(), of(5000, part))
	var moved [3]float64 // the best that was possible: all that the link gave
	moved[0], moved[1] = 30*100*mb, 30*1000*mb
	moved[2] = 5000*part - moved[0] - moved[1]
	best := 60 + moved[2]/(100*mb)
	t.Logf("%.1f s, at best %.1f, %v", s.now, best, s.changes)
	if s.now > 1.35*best {
		t.Error("too slow to follow")
	}
}

func TestManySmallObjects(t *testing.T) {
	for _, wait := range []float64{0.03, 0.001, 0.1} {
		if raced && wait != 0.03 {
			continue
		}
		n := network{conn: 90 * mb, total: 1000 * mb, wait: wait, jitter: 0.2}
		parts := of(10_000, 64<<10)
		best, lanes := sweep(n, parts)
		s := run(n, auto(), parts)
		t.Logf("%.0f ms: %.2f s, %.3f of the best (%d lanes), %.0f lanes", wait*1000, s.now, s.now/best, lanes, s.laneTime/s.now)
		if s.now > 1.2*best {
			t.Errorf("%v", s.changes)
		}
	}
}

// A slow link to a home: what was begun must come to an end, so no more lanes than at first.
func TestSlowLinkGetsNoMoreLanes(t *testing.T) {
	n := network{conn: 3 * mb, total: 5 * mb, wait: 0.03, jitter: 0.2, up: true, ahead: 200e3, ramp: 0.03}
	s := run(n, auto(), of(64, part))
	t.Logf("%.1f s, %v", s.now, s.changes)
	if s.laneTime > 20*s.now || s.now > 1.1*64*part/n.total {
		t.Error("too many lanes, or too slow")
	}
}

func TestFourfoldAsLongAsGoodputFollows(t *testing.T) {
	p := pace.New(pace.Config{Start: 8, Max: 100})
	now, moved := start, int64(0)
	p.Tick(now, pace.Load{Busy: 8, Waiting: 1})
	for range 50 {
		now = now.Add(10 * time.Millisecond)
		moved += int64(p.Lanes()) * 100_000 // 10 MB/s a lane
		p.Tick(now, pace.Load{Moved: moved, Busy: p.Lanes(), Waiting: 1})
	}
	if got := p.Lanes(); got != 100 {
		t.Errorf("%d lanes", got)
	}
}

func TestNothingWaitsNothingOpens(t *testing.T) {
	p := pace.New(pace.Config{Start: 8})
	now, moved := start, int64(0)
	for range 500 {
		now = now.Add(10 * time.Millisecond)
		moved += 1 << 20
		p.Tick(now, pace.Load{Moved: moved, Busy: 6})
	}
	if got := p.Lanes(); got != 8 {
		t.Errorf("%d lanes", got)
	}
}
