package pace_test

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul/internal/pace"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// succeed reports p of n requests that each began and ended at now.
func succeed(p *pace.Pace, now time.Time, n int) {
	for range n {
		p.Done(now, pace.Sample{Bytes: 8 << 20})
	}
}

func TestLanesAtFirst(t *testing.T) {
	for _, c := range []struct {
		config pace.Config
		want   int
	}{
		{pace.Config{}, 16},
		{pace.Config{Start: 3}, 3},
		{pace.Config{Start: 100}, 100},
		{pace.Config{Max: 4}, 4},
		{pace.Config{Start: 10, Max: 5}, 5},
		{pace.Config{Fixed: 200, Start: 3, Max: 5}, 200},
		{pace.Config{Fixed: -1}, 16},
	} {
		if got := pace.New(c.config).Lanes(); got != c.want {
			t.Errorf("%+v gives %d lanes, not %d", c.config, got, c.want)
		}
	}
}

func TestThrottlesHalveAtMostOnceASecond(t *testing.T) {
	p := pace.New(pace.Config{Start: 40})
	for _, c := range []struct {
		at   time.Duration
		want int
	}{
		{0, 20}, {time.Millisecond, 20}, {999 * time.Millisecond, 20}, {time.Second, 10}, {1500 * time.Millisecond, 10},
		{2 * time.Second, 5}, {3 * time.Second, 2}, {4 * time.Second, 1}, {5 * time.Second, 1},
	} {
		p.Throttled(start.Add(c.at), 0)
		if got := p.Lanes(); got != c.want {
			t.Fatalf("after %v: %d lanes, not %d", c.at, got, c.want)
		}
	}
}

func TestFixedLanesStay(t *testing.T) {
	p := pace.New(pace.Config{Fixed: 5})
	p.Throttled(start, 0)
	if got := p.Lanes(); got != 5 {
		t.Errorf("%d lanes", got)
	}
	if got := p.Gate(start); got != 100*time.Millisecond {
		t.Errorf("the gate of fixed lanes is shut for %v", got)
	}
}

func TestGate(t *testing.T) {
	p := pace.New(pace.Config{Start: 16})
	check := func(at, want time.Duration) {
		t.Helper()
		if got := p.Gate(start.Add(at)); got != want {
			t.Fatalf("at %v, the gate is shut for %v, not %v", at, got, want)
		}
	}
	const ms = time.Millisecond
	check(0, 0)
	p.Throttled(start, 0)
	check(0, 100*ms)
	check(40*ms, 60*ms)
	check(100*ms, 0)

	p.Throttled(start.Add(50*ms), 0) // the same burst: no longer, but again
	check(50*ms, 100*ms)

	p.Throttled(start.Add(1000*ms), 0) // a second message
	check(1000*ms, 200*ms)
	p.Throttled(start.Add(2000*ms), 3*time.Second) // 400 ms, but the store says more
	check(2000*ms, 3*time.Second)
	p.Throttled(start.Add(3000*ms), 0) // 800 ms, but the earlier wish holds
	check(3000*ms, 2*time.Second)
	check(5000*ms, 0)

	// Two lanes are left (1 and 1): two rounds of successes halve the 800 ms twice.
	succeed(p, start.Add(5000*ms), p.Lanes())
	succeed(p, start.Add(5000*ms), p.Lanes())
	p.Throttled(start.Add(5500*ms), 0)
	check(5500*ms, 400*ms)
}

func TestGateHasALimit(t *testing.T) {
	p := pace.New(pace.Config{})
	now := start
	for range 50 {
		now = now.Add(time.Second)
		p.Throttled(now, 0)
	}
	if got := p.Gate(now); got != 5*time.Second {
		t.Errorf("after 50 throttles, the gate is shut for %v", got)
	}
	for range 30 {
		succeed(p, now, p.Lanes())
	}
	now = now.Add(time.Minute)
	p.Throttled(now, 0)
	if got := p.Gate(now); got != 100*time.Millisecond {
		t.Errorf("when all is forgotten, the gate is shut for %v", got)
	}
	p.Throttled(now, 24*time.Hour)
	if got := p.Gate(now); got != time.Minute {
		t.Errorf("a store that asks for a day gets %v", got)
	}
}

func TestOneRefusalAmongManyChangesNothing(t *testing.T) {
	p := pace.New(pace.Config{})
	for range 8 {
		p.Gate(start) // begins
	}
	p.Throttled(start, 0)
	if got := p.Gate(start); got != 0 || p.Lanes() != 16 {
		t.Errorf("the gate is shut for %v, %d lanes are open", got, p.Lanes())
	}
	p.Throttled(start, 0)
	p.Throttled(start, 0)
	if got := p.Gate(start); got != 100*time.Millisecond || p.Lanes() == 16 {
		t.Errorf("after three, the gate is shut for %v, %d lanes are open", got, p.Lanes())
	}
}

// Whatever happens, lanes stay between 1 and Max, the gate within a minute, and a gate that is left alone opens.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := pace.Config{Start: rapid.IntRange(0, 80).Draw(t, "start"), Max: rapid.IntRange(1, 80).Draw(t, "max")}
		p, now := pace.New(c), start
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pass")))
			before := p.Lanes()
			if rapid.Bool().Draw(t, "throttle") {
				wish := time.Duration(rapid.Int64Range(-1, int64(2*time.Minute)).Draw(t, "retry-after"))
				p.Throttled(now, wish)
				if g := p.Gate(now); g < min(wish, time.Minute) || p.Lanes() > before {
					t.Fatalf("a throttle leaves the gate at %v and the lanes at %d", g, p.Lanes())
				}
			} else {
				p.Done(now, pace.Sample{Took: time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "took"))})
				if p.Lanes() != before {
					t.Fatal("a success opens or closes a lane")
				}
			}
			if l, g := p.Lanes(), p.Gate(now); l < 1 || l > c.Max || g < 0 || g > time.Minute {
				t.Fatalf("%d lanes, gate %v", l, g)
			}
		}
		if g := p.Gate(now.Add(time.Minute)); g != 0 {
			t.Fatalf("the gate never opens: %v more", g)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	p := pace.New(pace.Config{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				now := start.Add(time.Duration(n) * time.Millisecond)
				if i == 0 {
					p.Throttled(now, 0)
				}
				p.Done(now, pace.Sample{})
				p.Gate(now)
				if p.Lanes() < 1 {
					t.Error("no lanes")
				}
			}
		})
	}
	wg.Wait()
}

func TestBackoff(t *testing.T) {
	all := func() float64 { return 1 }
	for attempt, want := range []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
		1600 * time.Millisecond, 3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond,
		20 * time.Second, 20 * time.Second,
	} {
		if got := pace.Backoff(attempt, all); got != want {
			t.Errorf("attempt %d: at most %v, not %v", attempt, got, want)
		}
	}
	if got := pace.Backoff(1<<40, all); got != 20*time.Second {
		t.Errorf("a late attempt: at most %v", got)
	}
	if got := pace.Backoff(3, func() float64 { return 0.25 }); got != 200*time.Millisecond {
		t.Errorf("a quarter of 800 ms: %v", got)
	}
	if got := pace.Backoff(3, func() float64 { return 0 }); got != 0 {
		t.Errorf("nothing of 800 ms: %v", got)
	}
}
