package pace

import (
	"math"
	"time"
)

const (
	// probe is the step of a trial, a share of the lanes. The first step up is the boldest, and steps up that
	// succeed grow to it.
	probe, boldest = 0.12, 1.0
	// worth is by how much goodput must rise, beyond its noise, for lanes to stay open, and loss by how much it may fall
	// when some are closed; drift by how much it may have fallen below the best of late.
	worth, loss, drift = 0.03, 0.015, 0.02
	// fading is the time constant, in seconds, with which the best is forgotten.
	fading = 300.0
	// risk bounds what a trial of fewer lanes can cost, as a share of the time so far.
	risk = 0.02
	// A trial that fails makes the pause before the next one longer.
	firstPause, longestPause = time.Second, 8 * time.Second
	// shift is the change of goodput that suggests another link.
	shift = 0.25
	// A number of lanes of which half do not keep the cores busy stays for ever longer.
	firstHold, longestHold = 5 * time.Second, time.Minute
	// comeBack is the time of a step of recovery after a cut.
	comeBack = 250 * time.Millisecond
)

// trial is the state of the steady phase.
type trial struct {
	goodput float64 // at base lanes, smoothed; 0 is unknown
	noise   float64 // of a window's goodput, as a share
	best    float64 // the highest for some time, from which drift is reckoned
	seen    mark    // when that was last checked

	trial bool
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
func (h *trial) forget() { h.trial, h.halve, h.ready, h.goodput = false, false, time.Time{}, 0 }

// steady measures and tries.
func (c *rampUp) steady(m mark, l Load) {
	h := &c.hill
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
	h.best = max(h.best*math.Exp(-m.since(h.seen)/fading), g)
	h.seen = m
	if h.trial {
		c.judge(m, g)
		return
	}
	c.note(m, g)
	if !m.at.Before(h.next) && !hot {
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
		c.hill.next = m.at.Add(c.hill.pause)
		return false
	}
	if m.at.Sub(c.hill.next) >= 0 {
		c.set(min(c.wish, c.lanes+1+c.lanes/8))
		c.hill.next = m.at.Add(comeBack)
	}
	return true
}

// flows reports whether the requests in flight are as many as the lanes, and past the wait for their first byte.
func (c *rampUp) flows(m mark, l Load) bool {
	h := &c.hill
	if h.ready.IsZero() {
		if l.Busy > c.lanes {
			return false
		}
		h.ready = m.at.Add(min(c.quick.wait+c.quick.wait/2, time.Second) + look)
	}
	return !m.at.Before(h.ready)
}

// note records the goodput of a window without a trial.
func (c *rampUp) note(m mark, g float64) {
	h := &c.hill
	if h.goodput == 0 {
		h.goodput = g
		return
	}
	change := g/h.goodput - 1
	switch {
	case change > shift:
		h.best = g
		c.again(m)
		return
	case change < -shift:
		h.goodput, h.best, h.pause, h.next, h.up, h.step = g, g, 0, m.at, true, 0
		return
	}
	h.noise += (max(change, -change) - h.noise) / 4
	h.goodput += (g - h.goodput) / 2
}

// try begins a trial.
func (c *rampUp) try(m mark) {
	h := &c.hill
	h.step = max(h.step, probe)
	n := c.lanes + max(1, int(h.step*float64(c.lanes)+0.5))
	if !h.up {
		n = c.lanes - max(1, int(probe*float64(c.lanes)+0.5))
		cost := float64(c.lanes-n) / float64(c.lanes) * (c.window() + c.took).Seconds()
		if n < 1 || cost > risk*m.since(c.first) {
			h.up = n < 1
			return
		}
	} else if c.lanes >= c.max {
		h.up = false
		return
	}
	if !c.wide { // what is in flight must end soon, unless connections are known to be slow
		n = min(n, max(c.lanes+1, c.within(h.goodput)))
	}
	c.begin(n, false)
}

// begin changes the lanes on trial.
func (c *rampUp) begin(n int, halve bool) {
	h := &c.hill
	h.trial, h.halve, h.base, h.ready = true, halve, c.lanes, time.Time{}
	c.set(n)
}

// judge keeps the lanes of a trial or goes back.
func (c *rampUp) judge(m mark, g float64) {
	h := &c.hill
	change := g/h.goodput - 1
	noise := min(h.noise, 0.05)
	keep := change > worth+noise
	if !h.up {
		keep = change > -loss && g > (1-drift)*h.best
	}
	h.trial, h.ready = false, time.Time{}
	if keep {
		h.goodput = g
		if h.pause, h.next = 0, m.at; h.up {
			h.step = min(2*h.step, boldest)
			if 1+change > near*float64(c.lanes)/float64(h.base) && change > probe {
				c.follows = m.at
			}
		}
		return
	}
	c.lanes = h.base
	h.step = probe
	h.up = !h.up
	h.pause = min(max(2*h.pause, firstPause), longestPause)
	h.next = m.at.Add(h.pause)
}

// lookAtCPU closes lanes fast while the CPU is the limit, without waiting for whole rounds: that the cores are as busy with
// fewer lanes says as much as goodput does. It returns whether it has decided something.
func (c *rampUp) lookAtCPU(m mark) bool {
	h := &c.hill
	d := m.at.Sub(c.from.at)
	if c.cores == 0 || d < max(2*look, min(c.took/4, 200*time.Millisecond)) {
		return false
	}
	hot := c.hot(c.from, m)
	if h.trial && h.halve {
		g := m.goodput(c.from)
		h.trial, h.halve, h.ready = false, false, time.Time{}
		if !hot && g < (1-loss)*h.goodput {
			c.lanes = h.base
			h.hold = min(max(2*h.hold, firstHold), longestHold)
			h.held = m.at.Add(h.hold)
		}
		h.goodput = 0
		c.from = m
		return true
	}
	if !hot || h.trial || m.at.Before(h.held) || c.lanes <= c.cores+1 {
		return false
	}
	h.goodput = m.goodput(c.from)
	c.begin(max(c.cores+1, c.lanes/2), true)
	c.from = m
	return true
}
