package pace

import (
	"math"
	"time"
)

const (
	// probe is the step of a trial, a share of the lanes. The first step up is the boldest, and steps up that succeed grow to
	// it. (TestSteady)
	probe, boldest = 0.12, 1.0
	// worth is by how much goodput must rise, beyond its noise, for lanes to stay open, and loss by how much it may fall
	// when some are closed; drift by how much it may have fallen below the best of late. (TestSteady)
	worth, loss, drift = 0.03, 0.015, 0.02
	// fading is the time constant, in seconds, with which the best is forgotten.
	fading = 300.0
	// risk bounds what a trial of fewer lanes can cost, as a share of the time so far. (TestSteady)
	risk = 0.02
	// A trial that fails doubles the pause before the next one. (TestSteady)
	firstPause, longestPause = time.Second, 8 * time.Second
	// shift is the change of goodput that suggests another link. (TestFollowsTheLink)
	shift = 0.25
	// If half the lanes did not keep the cores busy, they are not halved again for firstHold, then twice as long.
	// (TestBusyCPUNeedsItsLanes)
	firstHold, longestHold = 5 * time.Second, time.Minute
	// comeBack is the time between two steps of recovery after a cut. (TestComesBackAfterAStorm)
	comeBack = 250 * time.Millisecond
)

// trial is the state of the steady phase.
type trial struct {
	goodput float64 // at base lanes, smoothed; 0 is unknown
	noise   float64 // of a window's goodput, as a share
	best    float64 // the highest for some time, from which drift is reckoned
	seen    mark    // when that was last checked

	on    bool
	halve bool // the trial is of half the lanes, because the CPU is busy
	base  int  // lanes to go back to if the trial fails
	up    bool // direction of the trial, or of the next one
	step  float64
	ready time.Time // when the lanes of the trial have come to flow; zero while that is open
	pause time.Duration
	next  time.Time // of the next trial
	hold  time.Duration
	held  time.Time // until when the CPU halves no lanes
}

// forget ends a trial without a verdict.
func (t *trial) forget() { t.on, t.halve, t.ready, t.goodput = false, false, time.Time{}, 0 }

// steady measures and tries.
func (c *rampUp) steady(m mark, l Load) {
	t := &c.trial
	if c.recover(m) || !c.flows(m, l) {
		c.from = m
		return
	}
	if c.early && c.restarts == 0 { // the throttle had cut the quick start short
		c.restarts++
		c.again(m)
		return
	}
	if c.lookAtCPU(m) || !c.over(m) {
		return
	}
	g := m.goodput(c.from)
	if g == 0 { // the link is dead
		c.from = m
		return
	}
	hot := c.hot(c.from, m)
	c.from = m
	t.best = max(t.best*math.Exp(-m.since(t.seen)/fading), g)
	t.seen = m
	if t.on {
		c.keepOrGoBack(m, g)
		return
	}
	c.note(m, g)
	if !m.at.Before(t.next) && !hot {
		c.try(m)
	}
}

// recover opens lanes again after a cut by the throttle.
func (c *rampUp) recover(m mark) bool {
	if c.wish == 0 {
		return false
	}
	quiet := m.at.Sub(c.braked)
	if quiet < recoverAfter {
		return true
	}
	if c.lanes >= c.wish {
		c.wish = 0
		c.trial.next = m.at.Add(c.trial.pause)
		return false
	}
	if m.at.Sub(c.trial.next) >= 0 {
		c.set(min(c.wish, c.lanes+1+c.lanes/8))
		c.trial.next = m.at.Add(comeBack)
	}
	return true
}

// flows reports whether the requests in flight are as many as the lanes, and past the wait for their first byte.
func (c *rampUp) flows(m mark, l Load) bool {
	t := &c.trial
	if t.ready.IsZero() {
		if l.Busy > c.lanes {
			return false
		}
		t.ready = m.at.Add(min(c.quick.wait+c.quick.wait/2, time.Second) + look)
	}
	return !m.at.Before(t.ready)
}

// note records the goodput of a window without a trial.
func (c *rampUp) note(m mark, g float64) {
	t := &c.trial
	if t.goodput == 0 {
		t.goodput = g
		return
	}
	change := g/t.goodput - 1
	switch {
	case change > shift:
		t.best = g
		c.again(m)
		return
	case change < -shift:
		t.goodput, t.best, t.pause, t.next, t.up, t.step = g, g, 0, m.at, true, 0
		return
	}
	t.noise += (max(change, -change) - t.noise) / 4
	t.goodput += (g - t.goodput) / 2
}

// try begins a trial.
func (c *rampUp) try(m mark) {
	t := &c.trial
	t.step = max(t.step, probe)
	n := c.lanes + max(1, int(t.step*float64(c.lanes)+0.5))
	if !t.up {
		n = c.lanes - max(1, int(probe*float64(c.lanes)+0.5))
		cost := float64(c.lanes-n) / float64(c.lanes) * (c.window() + c.took).Seconds()
		if n < 1 || cost > risk*m.since(c.first) {
			t.up = n < 1
			return
		}
	} else if c.lanes >= c.max {
		t.up = false
		return
	}
	if !c.wide { // what is in flight must end soon, unless connections are known to be slow
		n = min(n, max(c.lanes+1, c.within(t.goodput)))
	}
	c.begin(n, false)
}

// begin changes the lanes on trial.
func (c *rampUp) begin(n int, halve bool) {
	t := &c.trial
	t.on, t.halve, t.base, t.ready = true, halve, c.lanes, time.Time{}
	c.set(n)
}

// keepOrGoBack keeps the lanes of a trial or goes back.
func (c *rampUp) keepOrGoBack(m mark, g float64) {
	t := &c.trial
	change := g/t.goodput - 1
	noise := min(t.noise, 0.05)
	keep := change > worth+noise
	if !t.up {
		keep = change > -loss && g > (1-drift)*t.best
	}
	t.on, t.ready = false, time.Time{}
	if keep {
		t.goodput = g
		if t.pause, t.next = 0, m.at; t.up {
			t.step = min(2*t.step, boldest)
			if 1+change > near*float64(c.lanes)/float64(t.base) && change > probe {
				c.follows = m.at
			}
		}
		return
	}
	c.lanes = t.base
	t.step = probe
	t.up = !t.up
	t.pause = min(max(2*t.pause, firstPause), longestPause)
	t.next = m.at.Add(t.pause)
}

// lookAtCPU closes lanes fast while the CPU is the limit, without waiting for whole rounds: that the cores are as busy with
// fewer lanes says as much as goodput does. It returns whether it has decided something.
func (c *rampUp) lookAtCPU(m mark) bool {
	t := &c.trial
	d := m.at.Sub(c.from.at)
	if c.cores == 0 || d < max(2*look, min(c.took/4, 200*time.Millisecond)) {
		return false
	}
	hot := c.hot(c.from, m)
	if t.on && t.halve {
		g := m.goodput(c.from)
		t.on, t.halve, t.ready = false, false, time.Time{}
		if !hot && g < (1-loss)*t.goodput {
			c.lanes = t.base
			t.hold = min(max(2*t.hold, firstHold), longestHold)
			t.held = m.at.Add(t.hold)
		}
		t.goodput = 0
		c.from = m
		return true
	}
	if !hot || t.on || m.at.Before(t.held) || c.lanes <= c.cores+1 {
		return false
	}
	t.goodput = m.goodput(c.from)
	c.begin(max(c.cores+1, c.lanes/2), true)
	c.from = m
	return true
}
