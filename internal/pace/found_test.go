package pace_test

import (
	"testing"

	"haul.example/haul/internal/pace"
)

func TestFound(t *testing.T) {
	full, sparse := network{conn: 25 * mb, total: 500 * mb, wait: 0.03}, network{conn: 1 * mb, total: 10000 * mb, wait: 0.03}
	for _, c := range []struct {
		name          string
		network       network
		p             *pace.Pace
		parts         int
		done, highest bool
		alone         bool // within a tenth of the rate of a connection
	}{
		{"a full link", full, auto(), 1024, true, false, true},
		{"slow connections", sparse, auto(), 4096, true, true, true},
		{"a fixed number", full, pace.New(pace.Config{Fixed: 7}), 64, false, false, false},
	} {
		run(c.network, c.p, of(c.parts, part))
		f := c.p.Found()
		alone := f.Alone > 0.9*c.network.conn && f.Alone < 1.1*c.network.conn
		if f.Done != c.done || f.Highest != c.highest || alone != c.alone {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	if f := pace.New(pace.Config{Start: 4, Max: 4}).Found(); f.Done || !f.Highest || f.Alone != 0 {
		t.Errorf("before the first tick: %+v", f)
	}
}
