package pace_test

import (
	"fmt"
	"testing"
)

// A few slow or silent requests must not hold up the rest: on the issue's own link, and on others.
func TestTail(t *testing.T) {
	for _, c := range []struct {
		network
		parts         int
		slow, stalled float64 // bounds of the time, over the clean time
	}{
		{network{conn: 25 * mb, total: 500 * mb, wait: 0.03}, oneGiB, 1.25, 1.5},
		{network{conn: 25 * mb, total: 500 * mb, wait: 0.03}, fourGiB, 1.25, 1.5},
		{network{conn: 10 * mb, total: 500 * mb, wait: 0.1}, oneGiB, 1.25, 1.5},
		{network{conn: 90 * mb, total: 500 * mb, wait: 0.03}, oneGiB, 1.25, 1.5},
		{network{conn: 25 * mb, total: 100 * mb, wait: 0.001}, oneGiB, 1.25, 1.5},
		// All is over in 0.7 s: what is slow among the last cannot be known before 0.3 s of it have gone by.
		{network{conn: 90 * mb, total: 2000 * mb, wait: 0.1}, oneGiB, 1.35, 1.5},
	} {
		for _, up := range []bool{false, true} {
			name := fmt.Sprintf("%.0f MB/s of %.0f, %.0f ms, %d parts, up=%v", c.conn/mb, c.total/mb, c.wait*1000, c.parts, up)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				n := c.network
				n.up, n.jitter = up, 0.1
				if up {
					n.ahead = mib
				}
				clean := tail(n, c.parts)
				n.slow = 0.03
				slow := tail(n, c.parts)
				n.slow, n.stall = 0, 0.02
				stalled := tail(n, c.parts)
				t.Logf("clean %.2f s; slow %.3f of that (worst %.3f), %.1f %% more bytes, %.1f cuts; stalled %.3f (%.3f), %.1f %%, %.1f cuts",
					clean.mean, slow.mean/clean.mean, slow.worst/clean.mean, 100*slow.extra, slow.cuts,
					stalled.mean/clean.mean, stalled.worst/clean.mean, 100*stalled.extra, stalled.cuts)
				if slow.mean > c.slow*clean.mean || stalled.mean > c.stalled*clean.mean || max(slow.extra, stalled.extra) > 0.05 {
					t.Error("over the bound")
				}
				if clean.cuts > 1 || clean.extra > 0.01 {
					t.Errorf("%.1f cuts where nothing is slow, %.1f %% more bytes", clean.cuts, 100*clean.extra)
				}
			})
		}
	}
}

// tails is what some runs took, in seconds.
type tails struct {
	mean, worst float64
	extra       float64 // share of bytes that were sent in vain, the most of one run
	cuts        float64 // of a run
}

func tail(n network, parts int) (r tails) {
	const rounds = 6
	for seed := range uint64(rounds) {
		n.seed = seed
		s := run(n, auto(), of(parts, part))
		r.mean += s.now / rounds
		r.worst = max(r.worst, s.now)
		r.extra = max(r.extra, s.wasted/float64(parts*part))
		r.cuts += float64(s.cuts) / rounds
	}
	return r
}

// A link that is down for seconds is no reason to cut anything but, at most, a few.
func TestCollapseIsNoTail(t *testing.T) {
	for _, up := range []bool{false, true} {
		for _, from := range []float64{1, 3, 8.3} { // the last is the end game
			n := network{conn: 25 * mb, total: 500 * mb, wait: 0.03, jitter: 0.2, up: up, ahead: mib / 2}
			n.shifts = []shift{{from, 0}, {from + 5, n.total}}
			s := run(n, auto(), of(fourGiB, part))
			t.Logf("up=%v, down from %.1f s: %.2f s in all, %d cuts", up, from, s.now, s.cuts)
			if s.cuts > 8 || s.now > 14.5 {
				t.Error("too many, or too long")
			}
		}
	}
}
