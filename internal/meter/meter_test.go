package meter_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul/internal/meter"
)

func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meter.New()
		time.Sleep(time.Hour) // before the first transfer, nothing runs
		if got := m.Snapshot(); got != (meter.Snapshot{}) {
			t.Fatalf("a new meter counts %+v", got)
		}
		m.Begin(100, 4)
		time.Sleep(time.Minute)
		m.Begin(7, 1)
		m.Kept(50, 2)
		m.PartStart()
		m.Moved(25)
		m.Done(20)
		m.Request()
		m.Retry()
		m.PartEnd(false)
		m.Done(-20)
		m.PartStart()
		m.Throttle()
		m.Retry()
		m.Moved(25)
		m.Done(25)
		m.PartEnd(true)
		m.PartStart()
		want := meter.Snapshot{
			Total: 107, Done: 75, Kept: 50, Safe: 50, Moved: 50, InFlight: 1, PartsDone: 3, PartsTotal: 5, Requests: 1, Retries: 2, Throttled: 1,
			Elapsed: time.Minute,
		}
		if got := m.Snapshot(); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestWaitsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meter.New()
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() {
				defer m.Since(meter.Writing, time.Now())
				time.Sleep(time.Second)
			})
		}
		workers.Wait()
		m.Spent(meter.Writing, time.Minute)
		if d, n := m.Waited(meter.Writing); d != time.Minute+3*time.Second || n != 4 {
			t.Errorf("%v in %d times", d, n)
		}
		if d, n := m.Waited(meter.Reading); d != 0 || n != 0 {
			t.Errorf("%v in %d times of what was never waited for", d, n)
		}
	})
}

func TestDelay(t *testing.T) {
	before := meter.Delay()
	if after := meter.Delay(); before < 0 || after < before {
		t.Errorf("%v, then %v", before, after)
	}
}

func TestCores(t *testing.T) {
	busy, all := meter.Cores()
	if busy < 0 || busy > all {
		t.Errorf("busy for %v of %v", busy, all)
	}
}

func TestAnUnknownLengthHidesTheTotal(t *testing.T) {
	m := meter.New()
	m.Begin(10, 1)
	m.Begin(-1, 0)
	m.Begin(0, 3) // parts as they come
	m.Done(30)
	if got := m.Snapshot(); got.Total != 0 || got.Done != 30 || got.PartsTotal != 4 {
		t.Errorf("got %+v", got)
	}
}

// While transfers run, no share is greater than what it is a share of.
func TestSnapshotsWhileCounting(t *testing.T) {
	m := meter.New()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 500 {
				m.Begin(8, 2)
				m.Kept(3, 1)
				m.PartStart()
				m.Moved(5)
				m.Done(5)
				m.PartEnd(true)
			}
		})
	}
	done := make(chan struct{})
	go func() { workers.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		s := m.Snapshot()
		if s.Done > s.Total || s.Kept > s.Done || s.PartsDone > s.PartsTotal || s.InFlight < 0 {
			t.Fatalf("%+v", s)
		}
	}
	s := m.Snapshot()
	s.Elapsed = 0
	want := meter.Snapshot{Total: 16_000, Done: 16_000, Kept: 6000, Safe: 6000, Moved: 10_000, PartsDone: 4000, PartsTotal: 4000}
	if s != want {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func BenchmarkMoved(b *testing.B) {
	m := meter.New()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Moved(256 << 10)
			m.Done(256 << 10)
		}
	})
}
