package dispatch

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// ErrStop is for the cause of a context that ends because somebody asked for it, and not because something went wrong:
// parts that are nearly sent are then allowed to finish, for three seconds at most, so that less is lost. Nothing new
// begins.
var ErrStop = errors.New("stopped")

// drainTime is how long parts that are nearly sent are waited for.
const drainTime = 3 * time.Second

// stop ends an attempt whose caller ends because of a cause: at once, unless it may be nearly done and finishing is of use.
func stop(c Caller, f *Attempt, cause error) {
	if c.Fleeting() || !errors.Is(cause, ErrStop) {
		f.cut(cause)
		return
	}
	f.ending.Store(true)
}

// drain decides which attempts may finish after a stop: those with the least left, as many as the link moves in time. They
// finish one after the other, and the rest do not take the link from them.
type drain struct {
	began time.Time // zero: nothing is to stop
	room  float64   // bytes that may still come
}

// beat updates the attempts that are to end.
func (d *drain) beat(now time.Time, all map[uint64]*Attempt) {
	var ending []*Attempt
	var rate float64
	for _, f := range all {
		if !f.ending.Load() {
			continue
		}
		ending = append(ending, f)
		rate += float64(f.arrived()) / max(now.Sub(f.Began).Seconds(), beat.Seconds())
	}
	switch {
	case len(ending) == 0:
		*d = drain{}
		return
	case d.began.IsZero():
		d.began, d.room = now, rate*drainTime.Seconds()
	}
	left := func(f *Attempt) int64 { return f.Size - f.arrived() }
	slices.SortFunc(ending, func(a, b *Attempt) int { return cmp.Compare(left(a), left(b)) })
	late := now.Sub(d.began) >= drainTime
	for _, f := range ending {
		switch n := float64(left(f)); {
		case late, !f.kept && n > d.room:
			f.cut(ErrStop)
		case !f.kept:
			f.kept = true
			d.room -= n
		}
	}
}
