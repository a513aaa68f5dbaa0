package checksum

import "hash"

// Running sums bytes that are written to it in order: as one, or part by part.
type Running struct {
	a     Algorithm
	h     hash.Hash
	sizes []int64
	left  int64 // in the current part
	sums  []Sum
}

// NewRunning begins a sum of parts of these sizes in bytes, or, where there are none, of all bytes as one. The algorithm must not be
// None.
func NewRunning(a Algorithm, sizes []int64) *Running {
	r := &Running{a: a, h: a.New(), sizes: sizes}
	if sizes != nil {
		r.left = sizes[0]
	}
	return r
}

// Write takes the next bytes; it gives no error. What comes after the last part is not summed.
func (r *Running) Write(p []byte) (int, error) {
	n := len(p)
	if r.sizes == nil {
		r.h.Write(p)
		return n, nil
	}
	for len(p) > 0 && len(r.sums) < len(r.sizes) {
		k := min(int64(len(p)), r.left)
		r.h.Write(p[:k])
		p, r.left = p[k:], r.left-k
		if r.left == 0 {
			r.sums = append(r.sums, Of(r.a, r.h))
			r.h.Reset()
			if len(r.sums) < len(r.sizes) {
				r.left = r.sizes[len(r.sums)]
			}
		}
	}
	return n, nil
}

// Sum gives the sum of what was written: by parts, their composite.
func (r *Running) Sum() (Sum, error) {
	if r.sizes == nil {
		return Of(r.a, r.h), nil
	}
	for len(r.sums) < len(r.sizes) { // parts without bytes at the end
		r.sums = append(r.sums, Bytes(r.a, nil))
	}
	return Compose(r.sums)
}
