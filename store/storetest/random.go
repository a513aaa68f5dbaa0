package storetest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"haul.example/haul/store"
)

// Rates are the probabilities, from 0 to 1, that a call goes wrong in each way. Their sum is at most 1.
type Rates struct {
	Error      float64 // Network, Unavailable or Throttled, without effect
	LoseAnswer float64 // Network, with effect
	Corrupt    float64 // a byte of the payload differs
	Truncate   float64 // the payload ends early
	Stall      float64 // the call hangs until its context ends
	Slow       float64 // the call takes up to a minute longer
	// AtMost limits how often calls of the same operation about the same part or range of the same key go wrong; 0 is no
	// limit.
	AtMost int
}

// random chooses faults by chance. What happens to the nth call of an operation about a part or a range depends only on the
// seed, whatever the order of the calls of a test.
type random struct {
	seed  uint64
	rates Rates
	calls map[string]int
	bad   map[string]int
}

// Random makes calls go wrong by chance, from now on; seed makes it the same every time. Scripted faults come first.
func (m *Memory) Random(seed uint64, r Rates) { m.script.Random(seed, r) }

// Random makes calls go wrong by chance, as Memory.Random does.
func (s *Script) Random(seed uint64, r Rates) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.random = &random{seed: seed, rates: r, calls: map[string]int{}, bad: map[string]int{}}
}

// rule decides about one call.
func (r *random) rule(op Op, on Target) rule {
	id := fmt.Sprintf("%s %d %d %d %s", op, on.Part, on.Range.Offset, on.Range.Length, on.Ref.Key)
	r.calls[id]++
	if r.rates.AtMost > 0 && r.bad[id] >= r.rates.AtMost {
		return rule{}
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", r.calls[id], id)
	dice := rand.New(rand.NewPCG(r.seed, h.Sum64()))
	x := dice.Float64()
	for _, way := range []struct {
		rate float64
		rule func() rule
	}{
		{r.rates.Error, func() rule { return rule{err: anyError(dice), after: somewhere(dice)} }},
		{r.rates.LoseAnswer, func() rule { return rule{late: store.Network} }},
		{r.rates.Corrupt, func() rule { return rule{corrupt: true, after: somewhere(dice)} }},
		{r.rates.Truncate, func() rule { return rule{truncate: true, length: somewhere(dice)} }},
		{r.rates.Stall, func() rule { return rule{stall: make(chan struct{}), after: somewhere(dice)} }},
		{r.rates.Slow, func() rule { return rule{slow: time.Duration(dice.Int64N(int64(time.Minute)))} }},
	} {
		if x < way.rate {
			r.bad[id]++
			return way.rule()
		}
		x -= way.rate
	}
	return rule{}
}

// somewhere returns an offset into a payload: mostly 0 or small, so that it lies inside.
func somewhere(dice *rand.Rand) int64 { return dice.Int64N(1 << dice.IntN(16)) }

func anyError(dice *rand.Rand) error {
	switch dice.IntN(4) {
	case 0:
		return store.Unavailable
	case 1:
		return &store.Error{
			Kind: store.Throttled, Status: 503, Code: "SlowDown", RetryAfter: time.Duration(dice.IntN(3)) * time.Second,
		}
	}
	return store.Network
}
