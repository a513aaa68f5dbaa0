package evidence

import (
	"slices"
	"sync"
)

// fewOdd is how many ETags must have turned out not to be MD5s, and fewer to be one, before a store's ETags are ignored.
const fewOdd = 3

// Learned is what one process has learned of the ETags of one store. The zero value is nothing; it may be used from many
// goroutines.
type Learned struct {
	mu   sync.Mutex
	fits map[Kind]int
	odd  map[Kind]int
}

// Fit records that an ETag of a kind was the MD5 of the bytes: that does not happen by chance.
func (l *Learned) Fit(c Claim) {
	if c.IsETag() {
		l.count(&l.fits, c.Kind)
	}
}

// Odd records that an ETag was not the MD5 of bytes that are known to be right.
func (l *Learned) Odd(c Claim) {
	if c.IsETag() {
		l.count(&l.odd, c.Kind)
	}
}

func (l *Learned) count(of *map[Kind]int, k Kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *of == nil {
		*of = map[Kind]int{}
	}
	(*of)[k]++
}

// Known reports whether ETags of that kind were seen to be MD5s, and none to be something else.
func (l *Learned) Known(k Kind) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fits[k] > 0 && l.odd[k] == 0
}

// Useless reports whether several ETags of that kind were seen to be something else, and fewer to be an MD5.
func (l *Learned) Useless(k Kind) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.odd[k] >= fewOdd && l.odd[k] > l.fits[k]
}

// Apply removes from a record the weak claims that are useless.
func (l *Learned) Apply(r *Record) {
	r.Claims = slices.DeleteFunc(r.Claims, func(c Claim) bool { return c.Weak && l.Useless(c.Kind) })
}
