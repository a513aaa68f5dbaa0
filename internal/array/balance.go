package array

import "math/bits"

// PerObject is what an object costs beside its bytes, in bytes: about what a connection to S3 transfers (some 90 MB/s) in the time
// of one response (some 30 ms).
const PerObject = 2 << 20

// Balance distributes objects over shards as they come. It never moves one again, so that it needs no memory for them.
//
// Objects are in classes by their cost, one for each power of two. Each goes to the shard that has least of its class, and of these
// to the one that has least of all. In one class, no shard then exceeds another by more than the largest object of that class. Over
// all classes that adds up to less than twice the largest object of all, since classes halve; and each shard has about as many
// objects of each class as every other, so that numbers of objects are balanced as well as bytes. Large objects are split before,
// and their ranges come last, each to the shard that has least of all (Graham's list scheduling, SIAM Journal on Applied
// Mathematics, 1969): they level what is left.
type Balance struct {
	classes [64][]int64 // cost by shard, of each class
	all     []int64     // cost by shard
	next    int         // where the search starts, so that equals take turns
}

// NewBalance returns an empty Balance.
func NewBalance(shards int) *Balance { return &Balance{all: make([]int64, shards)} }

// Give returns the shard for an object of that size, in bytes.
func (b *Balance) Give(size int64) int {
	n := bits.Len64(uint64(size + PerObject))
	if b.classes[n] == nil {
		b.classes[n] = make([]int64, len(b.all))
	}
	shard := b.least(b.classes[n])
	b.classes[n][shard] += size + PerObject
	return b.give(shard, size)
}

// Level returns the shard for a range of that size.
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
