package checksum

import (
	"hash"
	"math"
)

// Running sums bytes that are written to it in order: as one, or part by part.
type Running struct {
	a      Algorithm
	h      hash.Hash
	sizes  []int64 // of the parts, or
	every  int64   // of each part; 0 if all is one
	filled int64   // of the current part
	sums   []Sum
}

// NewRunning returns a sum of parts of these sizes in bytes, or, if there are none, of all bytes as one. The algorithm must
// not be None.
func NewRunning(a Algorithm, sizes []int64) *Running { return &Running{a: a, h: a.New(), sizes: sizes} }

// NewRunningEqual returns a sum of any number of parts of one size in bytes.
func NewRunningEqual(a Algorithm, size int64) *Running {
	return &Running{a: a, h: a.New(), every: size}
}

// Write adds the next bytes; it returns no error. What comes after the last part is not summed.
func (r *Running) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		size, ok := r.part()
		if !ok {
			break
		}
		if r.filled == size {
			r.end()
			continue
		}
		k := min(int64(len(p)), size-r.filled)
		r.h.Write(p[:k])
		p, r.filled = p[k:], r.filled+k
	}
	return n, nil
}

// part returns the size of the current part; false if there are no more.
func (r *Running) part() (int64, bool) {
	switch {
	case r.every > 0:
		return r.every, true
	case len(r.sizes) == 0:
		return math.MaxInt64, true
	case len(r.sums) == len(r.sizes):
		return 0, false
	}
	return r.sizes[len(r.sums)], true
}

// end ends a part.
func (r *Running) end() {
	r.sums = append(r.sums, Of(r.a, r.h))
	r.h.Reset()
	r.filled = 0
}

// Sum returns the sum of what was written: by parts, their composite. Nothing can be written after it.
func (r *Running) Sum() (Sum, error) {
	switch {
	case r.every > 0:
		r.end() // the last one, or an empty one
	case len(r.sizes) == 0:
		return Of(r.a, r.h), nil
	}
	for len(r.sums) < len(r.sizes) {
		r.end()
	}
	return Compose(r.sums)
}
