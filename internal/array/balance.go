package array

import "math/bits"

// perObject is what an object costs beside its bytes, in bytes: about what a connection to S3 moves (some 90 MB/s) in the time
// that a request takes to be answered (some 30 ms).
const perObject = 2 << 20

// balance deals things out to shards as they come, and never takes one back, so that it needs no memory for them.
//
// Things are sorted into classes by their cost, one for each power of two, and each is given to the shard that has least of its
// class, and of these to the one that has least of all. Of one class, no shard then has more than another by more than the
// largest thing of that class. Over all classes that adds up to less than twice the largest thing of all, since classes
// halve; and each shard has about as many things of each class as every other, so that not only the bytes but also the
// numbers of objects are even. What is large is cut before, so that the largest thing is small beside a shard.
type balance struct {
	classes [64][]int64 // cost by shard, of each class
	all     []int64     // cost by shard
	next    int         // where the search begins, so that equals take turns
}

func newBalance(shards int) *balance { return &balance{all: make([]int64, shards)} }

// give gives the shard that a thing of that size goes to.
func (b *balance) give(size int64) int {
	cost := size + perObject
	n := bits.Len64(uint64(cost))
	if b.classes[n] == nil {
		b.classes[n] = make([]int64, len(b.all))
	}
	class, best := b.classes[n], b.next
	for i := range class {
		if class[i] < class[best] || class[i] == class[best] && b.all[i] < b.all[best] {
			best = i
		}
	}
	class[best] += cost
	b.all[best] += cost
	b.next = (best + 1) % len(b.all)
	return best
}
