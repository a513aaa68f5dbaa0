package layout

import (
	"fmt"
	"slices"

	"haul.example/haul/store"
)

const (
	// maxRanges is about how many ranges a download is split into. No store requires it; it bounds the memory and the
	// record that a download keeps of them, as the limit of parts does for an upload.
	maxRanges = 10_000
	// leastRange is the smallest range, in bytes, that is still worth a request of its own near the end.
	leastRange = mib
	// rangeStep is what sizes of ranges are whole multiples of, in bytes.
	rangeStep = 256 << 10
)

// RangeSize returns the size, in bytes, of the ranges that a download of size bytes is split into: what the user wants, or
// 8 MiB if that is 0; and more for objects for which that would make too many.
func RangeSize(size, want int64) int64 {
	if want > 0 {
		return max(want, divUp(size, maxRanges))
	}
	return max(defaultPart, wholeMiB(divUp(size, maxRanges)))
}

// Ranges hands out the ranges of a download, from front to back. While there is much left they have the full size; near the
// end they shrink with what is left, so that all lanes end at about the same time and none waits for one long last range.
// That is guided self-scheduling (Polychronopoulos and Kuck, IEEE Transactions on Computers, 1987).
type Ranges struct {
	gaps []store.Range
	left int64 // bytes in gaps
	size int64
	even bool
}

// NewRanges splits gaps, which are in order and do not overlap, into ranges of size bytes; equal ones, but for the last of
// each gap, if even is set.
func NewRanges(gaps []store.Range, size int64, even bool) *Ranges {
	if size <= 0 {
		panic(fmt.Sprintf("layout: internal error: ranges of %d bytes", size))
	}
	r := &Ranges{gaps: slices.Clone(gaps), size: size, even: even}
	for _, g := range gaps {
		r.left += g.Length
	}
	return r
}

// Next returns the next range, if so many lanes share the work; false after the last one.
func (r *Ranges) Next(lanes int) (store.Range, bool) {
	for len(r.gaps) > 0 && r.gaps[0].Length == 0 {
		r.gaps = r.gaps[1:]
	}
	if len(r.gaps) == 0 {
		return store.Range{}, false
	}
	size := r.size
	if share := divUp(r.left, 2*int64(max(lanes, 1))); !r.even && share < size {
		size = min(size, max(leastRange, divUp(share, rangeStep)*rangeStep))
	}
	g := &r.gaps[0]
	next := store.Range{Offset: g.Offset, Length: min(size, g.Length)}
	g.Offset += next.Length
	g.Length -= next.Length
	r.left -= next.Length
	return next, true
}

// Gaps returns what of an object of size bytes is not in kept, in order. Kept may be in any order; overlaps count once, and
// what is outside does not count.
func Gaps(size int64, kept []store.Range) []store.Range {
	kept = slices.Clone(kept)
	slices.SortFunc(kept, func(a, b store.Range) int {
		if a.Offset < b.Offset {
			return -1
		}
		return 1
	})
	var gaps []store.Range
	var at int64
	for _, k := range kept {
		if k.Offset > at {
			gaps = append(gaps, store.Range{Offset: at, Length: min(k.Offset, size) - at})
		}
		if at = max(at, k.End()); at >= size {
			return gaps
		}
	}
	if at < size {
		gaps = append(gaps, store.Range{Offset: at, Length: size - at})
	}
	return gaps
}
