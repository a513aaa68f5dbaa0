// Package layout decides how an object is split into parts. It is arithmetic on numbers that are passed in; it makes no
// requests.
//
// A part has 8 MiB while that makes no more parts than the store accepts, and above that the smallest whole MiB that does.
// 8 MiB is what Amazon's own fast client (aws-c-s3) starts with: enough that a request's fixed cost does not show, little
// enough that many parts are in flight at once and that a lost one is cheap. By S3's limit of 10,000 parts it lasts up to
// 78 GiB.
//
// A part size that the user asked for is used or refused, never changed. Errors are of kind store.TooLarge if the store
// cannot take the object at all, and store.Invalid if another part size would work; they say which.
package layout

import (
	"fmt"
	"math"

	"haul.example/haul/store"
)

const (
	mib = 1 << 20

	// defaultPart is the part size, in bytes, until a limit forces another.
	defaultPart = 8 * mib
	// maxOnePut is the size, in bytes, up to which a single request is better: split in two, it would take three requests
	// more to gain a few hundredths of a second.
	maxOnePut = 16 * mib
)

// Split is an object of Size bytes, split into Count parts of PartSize bytes, of which only the last may be smaller. An
// empty object has one part, an empty one.
type Split struct {
	Size, PartSize int64
	Count          int
}

// Part returns the range of part n, counted from 1 to Count.
func (l Split) Part(n int) store.Range {
	if n < 1 || n > l.Count {
		panic(fmt.Sprintf("layout: internal error: part %d of %d", n, l.Count))
	}
	offset := int64(n-1) * l.PartSize
	return store.Range{Offset: offset, Length: min(l.PartSize, l.Size-offset)}
}

func split(size, partSize int64) Split {
	return Split{Size: size, PartSize: partSize, Count: int(max(1, divUp(size, partSize)))}
}

// Sizes returns the sizes of reported parts, in order: there must be so many, and they must make up size bytes; else it
// returns nil.
func Sizes(parts []store.Part, count int, size int64) []int64 {
	if len(parts) != count || count == 0 {
		return nil
	}
	sizes := make([]int64, count)
	for i, p := range parts {
		if p.Size < 0 || p.Size > size {
			return nil
		}
		sizes[i] = p.Size
		size -= p.Size
	}
	if size != 0 {
		return nil
	}
	return sizes
}

// OnePut reports whether an object of size bytes is uploaded by a single Put rather than in parts. It does not know a part
// size that the user asked for: one that is smaller than the object asks for parts.
func OnePut(size int64, l store.Limits) bool {
	return size <= maxOnePut && (l.MaxPut == 0 || size <= l.MaxPut)
}

// Parts splits an upload of size bytes into parts of want bytes; 0 lets it choose.
func Parts(size, want int64, l store.Limits) (Split, error) {
	if size < 0 || want < 0 {
		return Split{}, fmt.Errorf("layout: size %d, part size %d: %w", size, want, store.Invalid)
	}
	if err := fits(size, l); err != nil {
		return Split{}, err
	}
	least := leastPart(size, l)
	if want == 0 {
		return split(size, limitTo(wholeMiB(max(defaultPart, least)), l.MaxPart)), nil
	}
	switch {
	case l.MaxPart > 0 && want > l.MaxPart:
		return Split{}, overMax(want, l)
	case want < size && want < l.MinPart:
		return Split{}, underMin(want, least, l)
	case l.MaxParts > 0 && divUp(size, want) > int64(l.MaxParts):
		return Split{}, fmt.Errorf("%s in parts of %s makes %d parts, and the store takes %d; use at least %s: %w",
			roughly(size), exactly(want), divUp(size, want), l.MaxParts, exactly(least), store.Invalid)
	}
	return split(size, want), nil
}

// fits refuses what the store cannot take with any part size.
func fits(size int64, l store.Limits) error {
	if l.MaxObject > 0 && size > l.MaxObject {
		return fmt.Errorf("%s in one object, and the store takes %s: %w", roughly(size), roughly(l.MaxObject), store.TooLarge)
	}
	if l.MaxPart > 0 && l.MaxParts > 0 && divUp(size, l.MaxPart) > int64(l.MaxParts) {
		return fmt.Errorf("%s in one object, and the store takes %d parts of %s: %w",
			roughly(size), l.MaxParts, exactly(l.MaxPart), store.TooLarge)
	}
	return nil
}

// leastPart returns the part size to name if another does not work: MinPart, or the least whole MiB that makes no more than
// MaxParts parts.
func leastPart(size int64, l store.Limits) int64 {
	if l.MaxParts <= 0 || size <= l.MinPart {
		return l.MinPart
	}
	if least := divUp(size, int64(l.MaxParts)); least > l.MinPart {
		return limitTo(wholeMiB(least), l.MaxPart)
	}
	return l.MinPart
}

func overMax(want int64, l store.Limits) error {
	return fmt.Errorf("a part size of %s, and the store takes %s at most: %w", exactly(want), exactly(l.MaxPart), store.Invalid)
}

func underMin(want, least int64, l store.Limits) error {
	return fmt.Errorf("a part size of %s, and the store takes no less than %s; use at least %s: %w",
		exactly(want), exactly(l.MinPart), exactly(least), store.Invalid)
}

// divUp divides and rounds up.
func divUp(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// wholeMiB rounds up to a whole MiB, as far as an int64 goes.
func wholeMiB(n int64) int64 {
	if n > math.MaxInt64-mib {
		return n
	}
	return divUp(n, mib) * mib
}

// limitTo returns the lesser of both; a limit of 0 is none.
func limitTo(n, limit int64) int64 {
	if limit > 0 {
		return min(n, limit)
	}
	return n
}

var units = []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// exactly formats n bytes in the largest unit of which they are a whole number.
func exactly(n int64) string {
	u := 0
	for n != 0 && n%1024 == 0 && u < len(units)-1 {
		n /= 1024
		u++
	}
	return fmt.Sprintf("%d %s", n, units[u])
}

// roughly formats n bytes for people, with one decimal.
func roughly(n int64) string {
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f /= 1024
		u++
	}
	if u == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}
