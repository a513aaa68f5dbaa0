package listing

import "strings"

// Stride is how far the keys of a listing advance, as its newest page shows: from its first key to its last.
type Stride struct{ First, Last string }

// Bounds of the arithmetic: a carry goes this far to the left of the first letter that differs, and a number stays below
// 2^56.
const (
	carryDigits = 4
	maxNumber   = 1 << 56
)

// Ahead guesses the key that comes that many strides after a key. It takes the letters and digits around the first
// difference of the Stride as a number, as they are in run_000123 and in hexadecimal names, and counts on; what comes after
// that is cut off. The key need not exist. False reports that nothing can be guessed: there is no number, or it would
// overflow.
func (s Stride) Ahead(from string, strides int) (string, bool) {
	w := s.window()
	if w.size < 2 || len(from) < w.begin || from[:w.begin] != s.Last[:w.begin] {
		return "", false
	}
	first, last, here := w.number(s.First), w.number(s.Last), w.number(from)
	next := here + (last-first)*uint64(strides)
	if last <= first || next <= here || next >= w.size {
		return "", false
	}
	key := s.Last[:w.begin] + w.text(next)
	return key, key > from
}

// window is where keys have a number: from begin to end, in the digits of an alphabet.
type window struct {
	begin, end int
	digits     string
	size       uint64 // how many numbers fit
}

// The alphabets, each in the order of its bytes.
const (
	decimal = "0123456789"
	lower   = decimal + "abcdef"
	upper   = decimal + "ABCDEF"
	letters = decimal + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// window finds the number around the first difference.
func (s Stride) window() window {
	at := common(s.First, s.Last)
	w := window{begin: at, end: at, size: 1}
	used := run(s.First[at:]) + run(s.Last[at:])
	for _, w.digits = range []string{decimal, lower, upper, letters} {
		if strings.Trim(used, w.digits) == "" {
			break
		}
	}
	grow := func(i int) bool {
		n := uint64(len(w.digits))
		if i < 0 || i >= len(s.Last) || strings.IndexByte(w.digits, s.Last[i]) < 0 || w.size*n > maxNumber {
			return false
		}
		w.size *= n
		return true
	}
	if !grow(at) {
		return w
	}
	w.end++
	for at-w.begin < carryDigits && grow(w.begin-1) {
		w.begin--
	}
	for grow(w.end) {
		w.end++
	}
	return w
}

// run returns the letters and digits that a text begins with.
func run(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, letters))]
}

// number returns that of a key. Characters that are not digits there count as the nearest below, and missing ones as the
// lowest.
func (w window) number(key string) (n uint64) {
	for i := w.begin; i < w.end; i++ {
		digit := 0
		if i < len(key) {
			for digit+1 < len(w.digits) && w.digits[digit+1] <= key[i] {
				digit++
			}
		}
		n = n*uint64(len(w.digits)) + uint64(digit)
	}
	return n
}

// text formats a number.
func (w window) text(n uint64) string {
	digits := make([]byte, w.end-w.begin)
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = w.digits[n%uint64(len(w.digits))]
		n /= uint64(len(w.digits))
	}
	return string(digits)
}

// common returns the length of the common prefix.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
