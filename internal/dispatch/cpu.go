package dispatch

import (
	"runtime"
	"time"

	"haul.example/haul/internal/meter"
)

const (
	// crowdLook is how often the time is read that this process waited for a core, which reads a file for each thread.
	// Meanwhile it must have used crowdUse of CPU, and crowdShare times what the last look took of it: a process that
	// hardly runs has hardly waited for a core either, or does run before long.
	crowdLook  = 100 * time.Millisecond
	crowdUse   = time.Millisecond
	crowdShare = 50
)

// cpuMeter measures how much CPU this process would use if it had the cores to itself: what it uses, and what it waits for
// while other programs have them. If that is all there is, more lanes do not help.
type cpuMeter struct {
	wished, own time.Duration // own is what it has used, at the last tick
	ticked      time.Time
	looked      time.Time
	lookedOwn   time.Duration // own, and delay, at the last look, which took cost of CPU
	delay, cost time.Duration
	waits       float64 // share of the time that it waited lately, all threads added up
}

// tick returns the CPU time that was wanted so far. That is never more than the cores have.
func (w *cpuMeter) tick(now time.Time) time.Duration {
	own := meter.CPU()
	if d := now.Sub(w.looked); d >= crowdLook {
		w.waits = 0
		if own-w.lookedOwn >= max(crowdUse, crowdShare*w.cost) {
			delay := meter.Delay()
			w.cost = meter.CPU() - own
			if !w.looked.IsZero() {
				w.waits = max(0, float64(delay-w.delay)/float64(d))
			}
			w.looked, w.lookedOwn, w.delay = now, own, delay
		}
	}
	used := own - w.own
	if !w.ticked.IsZero() {
		d := now.Sub(w.ticked)
		most := d * time.Duration(runtime.GOMAXPROCS(0))
		used = max(used, min(most, used+time.Duration(w.waits*float64(d))))
	}
	w.wished, w.own, w.ticked = w.wished+used, own, now
	return w.wished
}
