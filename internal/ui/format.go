package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var units = []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// unitOf gives the index of the binary unit in which n bytes read best, and its size.
func unitOf(n float64) (int, float64) {
	u, size := 0, 1.0
	for n/size >= 1023.5 && u < len(units)-1 {
		u++
		size *= 1024
	}
	return u, size
}

// number gives v with one decimal where that says something.
func number(v float64, unit int) string {
	if unit == 0 || v >= 99.95 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// Bytes gives n bytes in binary units, such as "7.9 GiB".
func Bytes(n int64) string {
	u, size := unitOf(float64(n))
	return number(float64(n)/size, u) + " " + units[u]
}

// Of gives "3.1 of 7.9 GiB"; without a total it gives just the first.
func Of(n, total int64) string {
	if total <= 0 {
		return Bytes(n)
	}
	return pair(n, total, " of ")
}

// pair gives two amounts in the unit of the larger.
func pair(n, total int64, between string) string {
	u, size := unitOf(float64(total))
	return number(float64(n)/size, u) + between + number(float64(total)/size, u) + " " + units[u]
}

// perSecond gives a rate in bytes a second, such as "412 MiB/s".
func perSecond(rate float64) string {
	u, size := unitOf(rate)
	return number(rate/size, u) + " " + units[u] + "/s"
}

// short gives a duration in at most two units without spaces, such as "12s", "3m05s", "2h14m", "3d04h".
func short(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}

// took gives a duration as the last line has it, such as "40 ms", "19.2 s", "3m05s".
func took(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 0.9995:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case s < 59.95:
		return fmt.Sprintf("%.1f s", s)
	}
	return short(d)
}

// age gives a long time in one unit, such as "5 min", "3 h", "12 d".
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// Printable gives s with its control characters and broken bytes escaped, so that a key or a server's message can neither
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

// isBidi tells whether r changes the direction of the text around it.
func isBidi(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f'
}

// width gives the columns that s takes on a terminal, about: East Asian letters count two.
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
