package haul

import (
	"runtime"
	"time"

	"haul/internal/meter"
)

const (
	// crowdLook is how often the cores are looked at: the system counts their time by 10 ms.
	crowdLook = 100 * time.Millisecond
	// allGone is the share of their time from which on nothing is left for more lanes, whoever uses it.
	allGone = 0.95
)

// crowd knows how much of the cores is gone.
type crowd struct {
	gone, own time.Duration // own is this process's part, at the last tick
	ticked    time.Time
	looked    time.Time
	busy, all time.Duration // at the last look
	isCrowded bool
}

// tick gives the CPU time that is gone so far: what this process has used, or all of the cores' where other programs leave
// nothing of them.
func (w *crowd) tick(now time.Time) time.Duration {
	if now.Sub(w.looked) >= crowdLook {
		busy, all := meter.Cores()
		w.isCrowded = all > w.all && w.all > 0 && float64(busy-w.busy) > allGone*float64(all-w.all)
		w.looked, w.busy, w.all = now, busy, all
	}
	own := meter.CPU()
	d := own - w.own
	if w.isCrowded {
		d = max(d, now.Sub(w.ticked)*time.Duration(runtime.GOMAXPROCS(0)))
	}
	w.gone, w.own, w.ticked = w.gone+d, own, now
	return w.gone
}
