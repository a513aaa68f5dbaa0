package haul

import (
	"runtime"
	"time"

	"haul/internal/meter"
)

// crowdLook is how often the time is asked for that this process waited for a core: that takes a look at each thread.
const crowdLook = 100 * time.Millisecond

// crowd knows how much CPU this process would use if it had the cores to itself: what it uses, and what it waits for while
// other programs have them. More lanes are no help where that is all there is.
type crowd struct {
	wished, own time.Duration // own is what it has used, at the last tick
	ticked      time.Time
	looked      time.Time
	delay       time.Duration // at the last look
	waits       float64       // share of the time that it waited lately, all threads added up
}

// tick gives the CPU time that was wished for so far. No more is wished for than the cores have.
func (w *crowd) tick(now time.Time) time.Duration {
	if d := now.Sub(w.looked); d >= crowdLook {
		delay := meter.Delay()
		if w.waits = 0; !w.looked.IsZero() {
			w.waits = max(0, float64(delay-w.delay)/float64(d))
		}
		w.looked, w.delay = now, delay
	}
	own := meter.CPU()
	used := own - w.own
	if !w.ticked.IsZero() {
		d := now.Sub(w.ticked)
		most := d * time.Duration(runtime.GOMAXPROCS(0))
		used = max(used, min(most, used+time.Duration(w.waits*float64(d))))
	}
	w.wished, w.own, w.ticked = w.wished+used, own, now
	return w.wished
}
