// Package amount formats sizes, rates and times for people: bytes in binary units, times in at most two units. It rounds,
// so exact values must be printed as numbers.
package amount

import (
	"fmt"
	"strconv"
	"time"
)

var units = []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// unitOf returns the index of the binary unit in which n bytes read best, and its size.
func unitOf(n float64) (int, float64) {
	u, size := 0, 1.0
	for n/size >= 1023.5 && u < len(units)-1 {
		u++
		size *= 1024
	}
	return u, size
}

// number returns v with one decimal if that adds information.
func number(v float64, unit int) string {
	if unit == 0 || v >= 99.95 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// Bytes returns n bytes in binary units, such as "7.9 GiB".
func Bytes(n int64) string {
	u, size := unitOf(float64(n))
	return number(float64(n)/size, u) + " " + units[u]
}

// Count returns "1 part", "2 parts".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// Of returns "3.1 of 7.9 GiB"; without a total it gives just the first.
func Of(n, total int64) string {
	if total <= 0 {
		return Bytes(n)
	}
	return Pair(n, total, " of ")
}

// Pair returns two amounts in the unit of the larger.
func Pair(n, total int64, between string) string {
	u, size := unitOf(float64(total))
	return number(float64(n)/size, u) + between + number(float64(total)/size, u) + " " + units[u]
}

// PerSecond returns a rate in bytes per second, such as "412 MiB/s".
func PerSecond(rate float64) string {
	u, size := unitOf(rate)
	return number(rate/size, u) + " " + units[u] + "/s"
}

// Short returns a duration in at most two units without spaces, such as "12s", "3m05s", "2h14m", "3d04h".
func Short(d time.Duration) string {
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

// Took returns a duration for the last line, such as "40 ms", "19.2 s", "3m05s".
func Took(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 0.9995:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case s < 59.95:
		return fmt.Sprintf("%.1f s", s)
	}
	return Short(d)
}

// Age returns a long time in one unit, such as "5 min", "3 h", "12 d".
func Age(d time.Duration) string {
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
