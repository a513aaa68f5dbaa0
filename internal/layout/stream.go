package layout

import (
	"fmt"
	"math"
	"sort"

	"haul.example/haul/store"
)

const (
	// growEvery is the number of parts of a stream after which the part size doubles.
	growEvery = 1000
	// maxGrown is the size, in bytes, over which parts do not grow by themselves if the store has no known MaxPart: that of
	// S3.
	maxGrown = 5 << 30
	// equalPart is the part size, in bytes, for streams of unknown length whose parts may not grow: a stream may then have
	// 312 GiB by S3's limit of 10,000 parts, which is a human genome of the deepest kind, for a price in memory.
	equalPart = 32 * mib
)

// Stream is a plan for an upload whose length is not known, or not for certain. Its parts start small and double after
// every 1000, so that ten thousand of them, from 8 MiB on, hold more than 7 TiB.
//
// If a length is expected, equal parts hold it, and half of the parts are left in case it was wrong.
type Stream struct {
	first  int64 // size of the first parts
	steady int   // how many of them there are before the sizes grow
	max    int64 // the size over which parts do not grow
	limits store.Limits
}

// NewStream plans a stream with parts of want bytes at first; 0 lets it choose. About expected bytes will come; 0 is
// unknown.
func NewStream(want, expected int64, l store.Limits) (Stream, error) {
	if want < 0 || expected < 0 {
		return Stream{}, fmt.Errorf("plan: part size %d, expected size %d: %w", want, expected, store.Invalid)
	}
	if err := fits(expected, l); err != nil {
		return Stream{}, err
	}
	if want == 0 {
		return newStream(choose(expected, l), expected, l), nil
	}
	if l.MaxPart > 0 && want > l.MaxPart {
		return Stream{}, overMax(want, l)
	}
	if want < l.MinPart {
		return Stream{}, underMin(want, max(want, l.MinPart), l)
	}
	s := newStream(want, expected, l)
	if reach := s.Reach(); reach < expected {
		least := leastFirst(want, expected, l)
		return Stream{}, fmt.Errorf("parts of %s at first hold %s of a stream of %s; use at least %s: %w",
			exactly(want), roughly(reach), roughly(expected), exactly(least), store.Invalid)
	}
	return s, nil
}

// choose returns the size of the first parts.
func choose(expected int64, l store.Limits) int64 {
	size := int64(defaultPart)
	if l.EqualParts && expected == 0 {
		size = equalPart
	}
	if l.MaxParts > 0 {
		size = max(size, wholeMiB(divUp(expected, max(1, int64(l.MaxParts)/2))))
	}
	return limitTo(max(size, wholeMiB(l.MinPart)), l.MaxPart)
}

// leastFirst returns the least whole MiB over want that reaches expected, or MaxPart; fits has seen that this does.
func leastFirst(want, expected int64, l store.Limits) int64 {
	from := want/mib + 1
	highest := limitTo(wholeMiB(expected), l.MaxPart)
	n := sort.Search(int(divUp(highest, mib)-from), func(i int) bool {
		return newStream((from+int64(i))*mib, expected, l).Reach() >= expected
	})
	return min((from+int64(n))*mib, highest)
}

func newStream(first, expected int64, l store.Limits) Stream {
	s := Stream{first: first, steady: growEvery, max: maxGrown, limits: l}
	if l.MaxPart > 0 {
		s.max = l.MaxPart
	}
	s.max = max(s.max, first)
	if l.EqualParts {
		s.max = first
	}
	// So many equal parts hold what is expected; if they leave too few in case it was wrong, growing is the better way to
	// hold it.
	if n := divUp(expected, first); l.MaxParts == 0 || n <= int64(l.MaxParts)/2 {
		s.steady = int(min(max(growEvery, n), math.MaxInt32/2))
	}
	return s
}

// PartSize returns the size of part n, counted from 1; the last part of the stream is smaller.
func (s Stream) PartSize(n int) int64 {
	if n < 1 {
		panic(fmt.Sprintf("layout: internal error: part %d of a stream", n))
	}
	size := s.first
	for grown := s.steady; grown < n && size < s.max; grown += growEvery {
		size = s.double(size)
	}
	return size
}

func (s Stream) double(size int64) int64 {
	if size > s.max/2 {
		return s.max
	}
	return 2 * size
}

// Reach returns the maximum number of bytes of the stream: what all parts hold that the store accepts, within what it
// accepts as an object.
func (s Stream) Reach() int64 {
	highest := int64(math.MaxInt64)
	if s.limits.MaxObject > 0 {
		highest = s.limits.MaxObject
	}
	if s.limits.MaxParts == 0 {
		return highest
	}
	reach, size := int64(0), s.first
	for left, run := int64(s.limits.MaxParts), int64(s.steady); left > 0; run = growEvery {
		if size == s.max {
			run = left
		}
		run = min(run, left)
		if size > (highest-reach)/run {
			return highest
		}
		reach += run * size
		left -= run
		size = s.double(size)
	}
	return reach
}
