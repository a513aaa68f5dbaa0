package pace_test

import (
	"testing"

	"haul.example/haul/internal/pace"
)

// A store that refuses one request in ten, whatever their rate, costs little.
func TestRefusedByLuck(t *testing.T) {
	n := network{conn: 25 * mb, total: 500 * mb, wait: 0.03, jitter: 0.2}
	for _, parts := range []int{oneGiB, fourGiB} {
		clean := run(n, auto(), of(parts, part)).now
		mean := 0.0
		for seed := range uint64(8) {
			bad := n
			bad.refuse, bad.seed = 0.1, seed
			mean += run(bad, auto(), of(parts, part)).now / clean / 8
		}
		t.Logf("%d parts: %.3f of the clean time", parts, mean)
		if mean > 1.4 {
			t.Error("too slow")
		}
	}
}

// A store that bears so many requests a second gets about so many: not many more, not many fewer.
func TestRefusedAboveARate(t *testing.T) {
	for _, c := range []struct {
		perSec float64
		parts  int
		size   float64
	}{{30, fourGiB, part}, {500, 10_000, 64 << 10}} {
		for fixed, bound := range map[int]float64{0: 1.2, 32: 1.8} {
			n := network{conn: 90 * mb, total: 2000 * mb, wait: 0.03, jitter: 0.2, perSec: c.perSec}
			s := run(n, pace.New(pace.Config{Fixed: fixed}), of(c.parts, c.size))
			least := float64(c.parts) / c.perSec
			t.Logf("%.0f/s, fixed %d: %.2f of the least time, %d refused of %d", c.perSec, fixed, s.now/least, s.refused, c.parts)
			if s.now > bound*least || s.refused > c.parts {
				t.Errorf("%v", s.changes)
			}
		}
	}
}

// After a storm the lanes come back.
func TestComesBackAfterAStorm(t *testing.T) {
	n := network{conn: 25 * mb, total: 500 * mb, wait: 0.03, jitter: 0.2, refuse: 0.9, calm: 2}
	s := run(n, auto(), of(fourGiB, part))
	clean := 2 + float64(fourGiB*part)/n.total
	t.Logf("%.2f s, at best %.2f, %d refused, %v", s.now, clean, s.refused, s.changes)
	if s.now > 1.6*clean {
		t.Error("too slow")
	}
}

// Refusals that do not depend on the rate are found out, and then cost not much more than their share.
func TestRefusedByMuchLuck(t *testing.T) {
	n := network{conn: 25 * mb, total: 500 * mb, wait: 0.03, jitter: 0.2}
	clean := run(n, auto(), of(fourGiB, part)).now
	for share, bound := range map[float64]float64{0.1: 1.4, 0.2: 1.6, 0.3: 1.8} {
		mean, worst := 0.0, 0.0
		const seeds = 30
		for seed := range uint64(seeds) {
			bad := n
			bad.refuse, bad.seed = share, seed
			ratio := run(bad, auto(), of(fourGiB, part)).now / clean
			mean, worst = mean+ratio/seeds, max(worst, ratio)
		}
		t.Logf("%.0f %% refused: %.3f of the clean time, at worst %.2f", 100*share, mean, worst)
		if mean > bound {
			t.Error("too slow")
		}
	}
}
