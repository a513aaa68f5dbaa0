package ui

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns s with its control characters and broken bytes escaped, so that a key or a server's message can neither
// move the cursor nor begin a line of its own.
func Printable(s string) string {
	var b strings.Builder
	for rest := s; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case unicode.IsControl(r), isBidi(r):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(rest[:size])
		}
		rest = rest[size:]
	}
	return b.String()
}

// isBidi reports whether r changes the direction of the text around it.
func isBidi(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f'
}

// width returns the columns that s takes on a terminal, about: East Asian letters count two.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x1f300:
		return 2
	}
	return 1
}

// shorten cuts the middle out of s so that it takes at most n columns: both ends of a file's name tell it apart.
func shorten(s string, n int) string {
	if width(s) <= n {
		return s
	}
	if n < 4 {
		return ""
	}
	runes := []rune(s)
	head, tail, used := 0, len(runes), 1
	for {
		if w := runeWidth(runes[tail-1]); used+w <= n {
			tail, used = tail-1, used+w
		} else {
			break
		}
		if w := runeWidth(runes[head]); used+w <= n {
			head, used = head+1, used+w
		} else {
			break
		}
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}
