package pace_test

import (
	"slices"
	"testing"
	"time"

	"haul.example/haul/internal/pace"
)

const ms = time.Millisecond

// fleet is a client's flights, for Slow to look at.
type fleet struct {
	p       *pace.Pace
	now     time.Time
	flights []pace.Flight
	rates   []int64 // bytes a millisecond
}

func newFleet(rates ...int64) *fleet {
	f := &fleet{p: pace.New(pace.Config{}), now: start, rates: rates}
	for i := range rates {
		f.flights = append(f.flights, pace.Flight{ID: uint64(i + 1), Began: start, Size: 64 << 20})
	}
	return f
}

// watch lets time pass until somebody is slow.
func (f *fleet) watch(d time.Duration) (slow []int, after time.Duration) {
	for until := f.now.Add(d); f.now.Before(until) && len(slow) == 0; {
		f.now = f.now.Add(100 * ms)
		for i := range f.flights {
			fl := &f.flights[i]
			fl.Moved = min(fl.Size, fl.Moved+100*f.rates[i])
		}
		slow = f.p.Slow(f.now, f.flights)
	}
	return slow, f.now.Sub(start)
}

func (f *fleet) restart(up bool) {
	for i := range f.flights {
		f.flights[i].Restart = up
	}
}

func TestSlowFindsTheOne(t *testing.T) {
	for _, up := range []bool{false, true} {
		f := newFleet(10_000, 10_000, 500, 10_000, 10_000)
		f.restart(up)
		slow, after := f.watch(3 * time.Second)
		if !slices.Equal(slow, []int{2}) || after > 400*ms {
			t.Errorf("up=%v: %v after %v", up, slow, after)
		}
	}
}

func TestSlowLeavesThemAlone(t *testing.T) {
	for name, rates := range map[string][]int64{
		"all alike":           {500, 500, 500, 500, 500},
		"all silent":          {0, 0, 0, 0, 0},
		"half as fast":        {10_000, 10_000, 4000, 10_000, 10_000},
		"many are slow":       {10_000, 10_000, 500, 500, 10_000, 500},
		"nobody to compare":   {10_000, 500},
		"one alone, silently": {0},
	} {
		if slow, after := newFleet(rates...).watch(5 * time.Second); slow != nil {
			t.Errorf("%s: %v after %v", name, slow, after)
		}
	}
}

// At the end only the slow one is left: those that finished since it began show how it should be.
func TestSlowAtTheEnd(t *testing.T) {
	f := newFleet(500)
	for range 5 {
		f.p.Done(start.Add(200*ms), pace.Sample{Bytes: 64 << 20, Took: 150 * ms})
	}
	if slow, after := f.watch(3 * time.Second); !slices.Equal(slow, []int{0}) || after > 500*ms {
		t.Errorf("%v after %v", slow, after)
	}
}

// An upload whose bytes all lie in a socket's buffer is judged by its age.
func TestSlowAnswer(t *testing.T) {
	f := newFleet(1 << 20)
	f.restart(true)
	f.p.Tick(f.now, pace.Load{Total: 4 << 30, Waiting: 1})
	for i := range 5 {
		f.p.Done(start.Add(200*ms), pace.Sample{Bytes: 64 << 20, Took: time.Duration(300+10*i) * ms})
	}
	slow, after := f.watch(3 * time.Second)
	if !slices.Equal(slow, []int{0}) || after < 600*ms || after > 800*ms {
		t.Errorf("%v after %v", slow, after)
	}
}

// Each cut of a request makes the next one wait longer.
func TestSlowGrowsPatient(t *testing.T) {
	var last time.Duration
	for cuts := range 4 {
		f := newFleet(10_000, 10_000, 10, 10_000, 10_000)
		f.flights[2].Cuts = cuts
		slow, after := f.watch(5 * time.Second)
		if !slices.Equal(slow, []int{2}) || after <= last {
			t.Errorf("%d cuts: %v after %v", cuts, slow, after)
		}
		last = after
	}
}

// Uploads that are cut send bytes again: at most a few in a hundred.
func TestSlowHasABudget(t *testing.T) {
	f := newFleet(10_000, 10_000, 500, 10_000, 10_000)
	f.p.Tick(f.now, pace.Load{Total: 256 << 20, Waiting: 1})
	spent := int64(0)
	for id := uint64(10); id < 100; id++ {
		for i := range f.flights {
			f.flights[i] = pace.Flight{ID: id*10 + uint64(i), Began: f.now, Size: 64 << 20, Restart: true, Moved: f.flights[i].Moved}
		}
		f.flights[2].Moved = 4 << 20
		slow, _ := f.watch(time.Second)
		for _, i := range slow {
			spent += f.flights[i].Moved
		}
	}
	if spent == 0 || spent > 12<<20 {
		t.Errorf("%d bytes", spent)
	}
}

// A small upload whose bytes all lie in a socket's buffer is not sent twice: that would be a good part of it all.
func TestSlowSparesTheSmall(t *testing.T) {
	f := newFleet(1 << 20)
	f.flights[0].Size = 5 << 20
	f.restart(true)
	f.p.Tick(f.now, pace.Load{Total: 40 << 20})
	for i := range 5 {
		f.p.Done(start.Add(200*ms), pace.Sample{Bytes: 5 << 20, Took: time.Duration(30+i) * ms})
	}
	if slow, after := f.watch(3 * time.Second); slow != nil {
		t.Errorf("%v after %v", slow, after)
	}
}
