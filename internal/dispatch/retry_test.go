package dispatch

import (
	"testing"
	"time"
)

// TestOutOfPatience: each limit ends a request at its edge, and the first two not before the least number of tries.
func TestOutOfPatience(t *testing.T) {
	const limit = time.Minute
	const alone = maxAmongOthers * limit
	for _, c := range []struct {
		name string
		s    silence
		over bool
	}{
		{"nothing yet", silence{tries: 1}, false},
		{"silent for too long", silence{tries: leastTries, waited: limit}, true},
		{"almost", silence{tries: leastTries, waited: limit - 1, failing: limit - 1}, false},
		{"silent, and too few tries", silence{tries: leastTries - 1, waited: 10 * limit, failing: 10 * limit}, false},
		{"silent, too few tries, paused as long", silence{tries: 1, waited: limit, paused: limit}, true},
		{"silent, too few tries, paused almost as long", silence{tries: 1, waited: limit, paused: limit - 1}, false},
		{"paused, while others succeed", silence{tries: leastTries, paused: limit, failing: limit}, false},
		{"fails among others", silence{tries: leastTries, failing: alone}, true},
		{"fails among others, almost for too long", silence{tries: leastTries, failing: alone - 1}, false},
		{"fails among others, and too few tries", silence{tries: leastTries - 1, failing: alone}, false},
	} {
		if got := c.s.outlasts(limit); got != c.over {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
