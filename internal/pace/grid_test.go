package pace_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"haul.example/haul/internal/pace"
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

// Regret is the time with no setting over that with the best fixed number of lanes. testdata/regret.tsv has that of each link, from which
// the documentation draws a picture.
func TestRegret(t *testing.T) {
	var kept [4]strings.Builder
	t.Cleanup(func() { checkKept(t, kept[:]) }) // when all parts of the test have ended
	for i, up := range []bool{false, true} {
		for j, jitter := range []float64{0, 0.2} {
			kept := &kept[2*i+j]
			t.Run(fmt.Sprintf("up=%v,jitter=%v", up, jitter), func(t *testing.T) {
				t.Parallel()
				if raced && !(up && jitter > 0) {
					t.Skip("the race detector makes it slow")
				}
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
						keep(kept, n, size.parts, regret)
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

const keptColumns = "direction\tjitter\tGiB\tMB/s of a connection\tMB/s of the link\tms\tregret\n"

// keep adds a line of testdata/regret.tsv.
func keep(w *strings.Builder, n network, parts int, regret float64) {
	direction := "download"
	if n.up {
		direction = "upload"
	}
	fmt.Fprintf(w, "%s\t%g\t%d\t%.0f\t%.0f\t%.0f\t%.3f\n", direction, n.jitter, parts/oneGiB, n.conn/mb, n.total/mb, n.wait*1000, regret)
}

// checkKept compares the lines with testdata/regret.tsv, or with HAUL_UPDATE=1 writes it. Other processors round otherwise, so that a
// regret may differ a little.
func checkKept(t *testing.T, kept []strings.Builder) {
	const file, near = "testdata/regret.tsv", 0.02
	text := keptColumns
	for i := range kept {
		text += kept[i].String()
	}
	if raced {
		return
	}
	if os.Getenv("HAUL_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(string(data), "\n"), strings.Split(text, "\n")
	if len(want) != len(got) {
		t.Fatalf("%s has %d lines, and the grid %d; after a change of the grid run HAUL_UPDATE=1 go test -run TestRegret ./internal/pace", file, len(want), len(got))
	}
	for i := range want {
		if !nearly(want[i], got[i], near) {
			t.Errorf("%s: %q is now %q; if that is what you want, run HAUL_UPDATE=1 go test -run TestRegret ./internal/pace", file, want[i], got[i])
		}
	}
}

// nearly compares two lines: their last columns are numbers that may differ by so much.
func nearly(want, got string, by float64) bool {
	i, j := strings.LastIndexByte(want, '\t')+1, strings.LastIndexByte(got, '\t')+1
	a, err1 := strconv.ParseFloat(want[i:], 64)
	b, err2 := strconv.ParseFloat(got[j:], 64)
	return want == got || want[:i] == got[:j] && err1 == nil && err2 == nil && math.Abs(a-b) <= by
}

// What is measured on the way is never as neat as that: the default must bear it, with a little more time.
func TestRegretOfRoughMeasures(t *testing.T) {
	for _, c := range []struct {
		name   string
		bounds [2]float64 // of 1 GiB and 4 GiB
		rough  func(*network)
	}{
		{"a tick every 50 ms", [2]float64{1.45, 1.15}, func(n *network) { n.tick = 0.05 }},
		{"256 KiB seen at once", [2]float64{1.35, 1.15}, func(n *network) { n.slice = 256 << 10 }},
		{"4 MiB in each socket's buffer", [2]float64{1.25, 1.15}, func(n *network) { n.up, n.ahead = true, 4*mib }},
		{"connections that differ by half", [2]float64{1.3, 1.15}, func(n *network) { n.jitter = 0.5 }},
		{"slow start of TCP", [2]float64{1.8, 1.25}, func(n *network) { n.ramp = n.wait }},
		{"the same, up", [2]float64{1.6, 1.3}, func(n *network) { n.ramp, n.up, n.ahead = n.wait, true, mib/2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if raced {
				t.Skip("the race detector makes it slow")
			}
			var worst [2]float64
			for _, n := range grid() {
				c.rough(&n)
				for i, count := range []int{oneGiB, fourGiB} {
					best, _ := sweep(n, of(count, part))
					regret := run(n, auto(), of(count, part)).now / best
					worst[i] = max(worst[i], regret)
					if regret > c.bounds[i] {
						t.Errorf("%.0f MB/s of %.0f, %.0f ms, %d parts: %.3f of the best", n.conn/mb, n.total/mb, n.wait*1000, count, regret)
					}
				}
			}
			t.Logf("worst: %.3f for 1 GiB, %.3f for 4 GiB", worst[0], worst[1])
		})
	}
}
