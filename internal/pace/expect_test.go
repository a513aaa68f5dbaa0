package pace

import (
	"testing"
	"time"
)

// TestExpect: what an earlier run found out about the link bounds what is in flight from the start, and no longer than it is true.
func TestExpect(t *testing.T) {
	const mib = 1 << 20
	p := New(Config{Start: 16})
	p.Expect(1 * mib)
	if !p.Admits(0, 0) || !p.Admits(1, 2*mib) || p.Admits(1, 4*mib) {
		t.Error("the bound is not what the link moves in three seconds")
	}
	if got := p.Rate(); got != 1*mib {
		t.Errorf("the rate is %d", got)
	}
	now, arrived := time.Unix(0, 0), int64(0)
	for range 60 { // 10 MiB a second arrive
		p.Tick(now, Load{Busy: 1, Waiting: 3, Flying: 8 * mib, Moved: arrived})
		now, arrived = now.Add(100*time.Millisecond), arrived+mib
	}
	if got := p.Rate(); got < 8*mib {
		t.Errorf("the rate of a link that is faster is %d", got)
	}
	if !p.Admits(3, 20*mib) {
		t.Error("a link that is faster stays bounded")
	}
	p.Expect(1 * mib)
	if got := p.Rate(); got < 8*mib {
		t.Errorf("a measure of this run is replaced: %d", got)
	}
}
