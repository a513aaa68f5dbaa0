package s5line

import "unicode/utf8"

// match reports whether a pattern matches all of a name. It backtracks only to the last *, so that no pattern takes longer than the
// product of both lengths.
func match(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			n += letter(name[n:])
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			from += letter(name[from:])
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// letter is the length of the first character of s; a byte that is not UTF-8 is one.
func letter(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
