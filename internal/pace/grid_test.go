package pace_test

import (
	"fmt"
	"testing"

	"haul/internal/pace"
)

const (
	mb      = 1e6
	mib     = 1 << 20
	part    = 8 * mib
	oneGiB  = 128
	fourGiB = 512
)

// grid is the links that the default must do well on.
func grid() (links []network) {
	for _, conn := range []float64{10, 25, 90} {
		for _, total := range []float64{100, 500, 2000} {
			for _, wait := range []float64{0.001, 0.03, 0.1} {
				links = append(links, network{conn: conn * mb, total: total * mb, wait: wait})
			}
		}
	}
	return links
}

func auto() *pace.Pace { return pace.New(pace.Config{Cores: 2}) }

// Regret is the time with no setting over that with the best fixed number of lanes.
func TestRegret(t *testing.T) {
	for _, up := range []bool{false, true} {
		for _, jitter := range []float64{0, 0.2} {
			t.Run(fmt.Sprintf("up=%v,jitter=%v", up, jitter), func(t *testing.T) {
				t.Parallel()
				t.Logf("%8s %8s %6s | %21s | %21s", "MB/s", "link", "ms", "1 GiB: best s, x", "4 GiB: best s, x")
				for _, n := range grid() {
					n.up, n.jitter = up, jitter
					if up {
						n.ahead = mib / 2
					}
					line := fmt.Sprintf("%8.0f %8.0f %6.0f |", n.conn/mb, n.total/mb, n.wait*1000)
					for _, size := range []struct {
						parts int
						bound float64
					}{{oneGiB, 1.25}, {fourGiB, 1.10}} {
						parts := of(size.parts, part)
						best, lanes := sweep(n, parts)
						s := run(n, auto(), parts)
						regret := s.now / best
						line += fmt.Sprintf(" %6.2f (%3d) %5.3f %4.0f |", best, lanes, regret, s.laneTime/s.now)
						if regret > size.bound {
							line += " OVER"
							t.Errorf("%+v, %d parts: %.3f of the best", n, size.parts, regret)
						}
					}
					t.Log(line)
				}
			})
		}
	}
}
