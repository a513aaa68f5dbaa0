package dispatch

import (
	"sync"
	"time"

	"haul.example/haul/internal/pace"
)

const (
	// leastBandwidth, in bytes per second, is the lowest limit: below it, connections would be cut as stalled.
	leastBandwidth = 64 << 10
	// credit is how long a limit remembers that less moved than might have: longer than timers are late, and too short for
	// a noticeable burst.
	credit = 100 * time.Millisecond
	// laneBandwidth is the least share of a limit that a lane should have, so that a request does not take forever.
	laneBandwidth = 256 << 10
	leastLanes    = 4
)

// rateLimiter is a token bucket for all bytes of objects that a Dispatcher moves, in both directions; nil is no limit.
type rateLimiter struct {
	rate float64 // bytes per second

	mu   sync.Mutex
	next time.Time // when all that was taken so far has had its time
}

func newLimit(bandwidth int64) *rateLimiter {
	if bandwidth <= 0 {
		return nil
	}
	return &rateLimiter{rate: float64(max(bandwidth, leastBandwidth))}
}

// take counts n bytes, and returns how long it takes until they may have moved.
func (l *rateLimiter) take(n int) time.Duration {
	if l == nil || n <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if earliest := now.Add(-credit); l.next.Before(earliest) {
		l.next = earliest
	}
	l.next = l.next.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	return l.next.Sub(now)
}

// lanesFor returns the highest number of lanes that a limit has use for; 0 leaves it to pace.
func lanesFor(bandwidth int64) int {
	if bandwidth <= 0 {
		return 0
	}
	return int(min(max(bandwidth/laneBandwidth, leastLanes), pace.DefaultMax))
}
