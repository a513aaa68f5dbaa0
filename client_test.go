package haul_test

import (
	"testing"

	"haul.example/haul"
	"haul.example/haul/store/storetest"
)

// MaxConcurrency bounds what haul chooses, and no more.
func TestMaxConcurrency(t *testing.T) {
	for bound, want := range map[int]int{1: 1, 3: 3, 0: 16, 1000: 16} {
		if got := haul.New(storetest.New(), haul.Options{MaxConcurrency: bound}).Progress().Lanes; got != want {
			t.Errorf("bound %d: %d lanes at first, want %d", bound, got, want)
		}
	}
}
