package array

import "math/bits"

// PerObject is what an object costs beside its bytes, in bytes: about what a connection to S3 moves (some 90 MB/s) in the time
// that a request takes to be answered (some 30 ms).
const PerObject = 2 << 20

// Balance deals things out to shards as they come, and never takes one back, so that it needs no memory for them.
//
// Things are sorted into classes by their cost, one for each power of two, and each is given to the shard that has least of its
// class, and of these to the one that has least of all. Of one class, no shard then has more than another by more than the
// largest thing of that class. Over all classes that adds up to less than twice the largest thing of all, since classes
// halve; and each shard has about as many things of each class as every other, so that not only the bytes but also the
// numbers of objects are even. What is large is cut before, and its ranges come last, each to the shard that has least of all
// (Graham's list scheduling, SIAM Journal on Applied Mathematics, 1969): they level what is left.
type Balance struct {
	classes [64][]int64 // cost by shard, of each class
	all     []int64     // cost by shard
	next    int         // where the search begins, so that equals take turns
}

// NewBalance begins with nothing.
func NewBalance(shards int) *Balance { return &Balance{all: make([]int64, shards)} }

// Give gives the shard that an object of that size, in bytes, goes to.
func (b *Balance) Give(size int64) int {
	n := bits.Len64(uint64(size + PerObject))
	if b.classes[n] == nil {
		b.classes[n] = make([]int64, len(b.all))
	}
	shard := b.least(b.classes[n])
	b.classes[n][shard] += size + PerObject
	return b.give(shard, size)
}

// Level gives the shard that a range of that size goes to.
func (b *Balance) Level(size int64) int { return b.give(b.least(b.all), size) }

func (b *Balance) least(class []int64) int {
	best := b.next
	for i := range class {
		if class[i] < class[best] || class[i] == class[best] && b.all[i] < b.all[best] {
			best = i
		}
	}
	return best
}

func (b *Balance) give(shard int, size int64) int {
	b.all[shard] += size + PerObject
	b.next = (shard + 1) % len(b.all)
	return shard
}
