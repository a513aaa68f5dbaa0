package pace_test

import (
	"fmt"
	"slices"
	"testing"
)

// slowLinks are links on which a part takes long, beside those of the grid.
func slowLinks() (links []network) {
	for _, total := range []float64{1, 3, 10, 30, 100} {
		for _, conn := range []float64{5, 10, 90} {
			for _, wait := range []float64{0.001, 0.03, 0.1} {
				links = append(links, network{conn: conn * mb, total: total * mb, wait: wait})
			}
		}
	}
	return links
}

// What a kill at any moment would lose, in seconds of the link beside the part that may always be in flight: on average,
// and at most once the link is known.
func TestKeptAtAKill(t *testing.T) {
	for _, up := range []bool{false, true} {
		for _, jitter := range []float64{0, 0.2} {
			t.Run(fmt.Sprintf("up=%v,jitter=%v", up, jitter), func(t *testing.T) {
				t.Parallel()
				if raced && !(up && jitter > 0) {
					t.Skip("the race detector makes it slow")
				}
				t.Logf("%8s %8s %6s | %6s | %19s | %9s | %s", "MB/s", "link", "ms", "time", "lost at a kill", "in flight", "in vain")
				for _, n := range append(slowLinks(), grid()...) {
					n.up, n.jitter = up, jitter
					if up {
						n.ahead = mib / 4
					}
					size := max(8, min(fourGiB, int(20*n.total/part)))
					s := run(n, auto(), of(size, part))
					least := float64(size) * part / min(n.total, float64(size)*n.conn)
					mean, most, begun := s.losses()
					one, share := part/n.total, s.wasted/s.whole
					line := fmt.Sprintf("%8.0f %8.0f %6.0f | %6.3f | mean %4.2f most %4.2f | %7.2f s | %4.1f %%",
						n.conn/mb, n.total/mb, n.wait*1000, s.now/least, mean, most, begun, 100*share)
					if most > 4+one || begun > 4 || begun > 3+one && n.total < 50*mb || share > 0.03 {
						line += " OVER"
						t.Errorf("%+v: a kill loses %.2f s of the link, and one part is %.2f s; %.2f s are in flight; %.1f %% are sent in vain", n, most, one, begun, 100*share)
					}
					t.Log(line)
				}
			})
		}
	}
}

// A busy machine starts its connections one by one, their socket buffers fill in jumps, and each needs round trips to come to its rate: all
// that looks like a link that moves more with each connection. It must not be taken for one, but for a run in a hundred.
func TestKeptOnABusyMachine(t *testing.T) {
	seeds := uint64(6)
	if raced {
		seeds = 1
	}
	runs, over := 0, 0
	for _, up := range []bool{false, true} {
		for _, total := range []float64{1, 3, 10, 30, 60} {
			for _, ahead := range []float64{mib / 4, 4 * mib} {
				for _, late := range []float64{0, 0.05, 0.3} {
					for seed := range seeds {
						n := network{
							conn: 90 * mb, total: total * mb, wait: 0.03, jitter: 0.2, up: up, ahead: ahead, acks: true, late: late, ramp: 0.03 * float64(seed%2),
							seed: seed + 1,
						}
						s := run(n, auto(), of(max(20, int(4*total)), part))
						_, most, begun := s.losses()
						runs++
						if one := part / n.total; max(most, begun) > 4.5+one {
							over++
							t.Logf("%+v: a kill loses %.2f s of the link, and one part is %.2f s; %.2f s are in flight", n, most, one, begun)
						}
					}
				}
			}
		}
	}
	if over > runs/100 {
		t.Errorf("%d of %d", over, runs)
	}
}

// The other side acknowledges what lies in its buffers, too (a proxy does, and a relay). With connections that begin one by one, the first
// windows show twice what the link moves and more. That costs a request or two, and not the bound.
func TestKeptBeforeABufferedLink(t *testing.T) {
	seeds := uint64(20)
	if raced {
		seeds = 2
	}
	for _, total := range []float64{1, 3, 10, 30, 60} {
		for _, ahead := range []float64{64 << 10, 128 << 10} {
			for _, late := range []float64{0.05, 0.3, 1} {
				for seed := range seeds {
					n := network{conn: 90 * mb, total: total * mb, wait: 0.03, jitter: 0.2, up: true, ahead: ahead, late: late, ramp: 0.03 * float64(seed%2), seed: seed + 1}
					size := max(20, int(4*total))
					if seed%4 > 1 { // all of it is in flight at once
						size = 8
					}
					s := run(n, auto(), of(size, part))
					if _, most, begun := s.losses(); max(most, begun) > 7+2*part/n.total {
						t.Errorf("%+v: a kill loses %.2f s of the link; %.2f s are in flight", n, most, begun)
					}
				}
			}
		}
	}
}

// losses sums up what was noted: the mean of what would have been lost, the most, and the most in flight later than at the
// start.
func (s *sim) losses() (mean, most, begun float64) {
	if len(s.killed) == 0 {
		return 0, 0, 0
	}
	for _, l := range s.killed {
		mean += l / float64(len(s.killed))
	}
	return mean, slices.Max(s.killed), slices.Max(s.begun[min(len(s.begun)-1, 120):])
}

// If connections are slow by themselves it takes many of them, whatever they hold in flight.
func TestSlowConnectionsKeepTheirNumber(t *testing.T) {
	for _, conn := range []float64{0.5, 1, 2, 2.6, 4} {
		for _, total := range []float64{10, 30, 100, 500} {
			for _, up := range []bool{false, true} {
				if raced && total != 30 {
					continue
				}
				n := network{conn: conn * mb, total: total * mb, wait: 0.05, jitter: 0.2, up: up}
				if up {
					n.ahead = mib / 2
				}
				rate := min(n.total, 256*n.conn)
				size := int(60 * rate / part)
				s := run(n, auto(), of(size, part))
				least := float64(size) * part / rate
				t.Logf("up=%v, %.1f MB/s of %.0f: %.3f of the link's time, %.0f lanes", up, conn, total, s.now/least, s.laneTime/s.now)
				most := 1.3
				if conn < 1 { // a part takes 17 s, and the first ones are half of a minute
					most = 1.5
				}
				if s.now > most*least {
					t.Error("too slow")
				}
			}
		}
	}
}

// A link that becomes slow, or fast, midway.
func TestKeptWhenTheLinkChanges(t *testing.T) {
	for _, up := range []bool{false, true} {
		n := network{conn: 25 * mb, total: 200 * mb, wait: 0.03, jitter: 0.2, up: up, ahead: mib / 4, shifts: []shift{{20, 10 * mb}, {80, 200 * mb}}}
		s := run(n, auto(), of(1024, part))
		best := 80 + (1024*part-20*200*mb-60*10*mb)/(200*mb)
		var late float64 // the most in flight when the link has been slow for a while, in seconds of it
		for i, when := range s.ticks {
			if when > 60 && when < 80 {
				late = max(late, s.begun[i])
			}
		}
		t.Logf("up=%v: %.3f of the link's time, %.2f s in flight, %.1f %% in vain", up, s.now/best, late, 100*s.wasted/s.whole)
		if s.now > 1.15*best || late > 3.5 || s.wasted > 0.03*s.whole {
			t.Error("over the bound")
		}
	}
}
