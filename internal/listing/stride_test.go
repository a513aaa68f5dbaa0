package listing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/listing"
)

func TestStrideAhead(t *testing.T) {
	for _, x := range []struct {
		first, last, from string
		strides           int
		want              string // empty: no guess
	}{
		{"run_000000", "run_000999", "run_000999", 4, "run_004995"},
		{"run/0001/a.bam", "run/0101/a.bam", "run/0101/a.bam", 3, "run/0401"},
		{"s8.fq", "s9.fq", "s9.fq", 1, ""}, // s10 comes before s9, so there is nothing to count on to
		{"s08.fq", "s09.fq", "s09.fq", 1, "s10"},
		{"s08.fq", "s09.fq", "s97.fq", 1, "s98"},
		{"s08.fq", "s09.fq", "s99.fq", 1, ""},
		{"s08.fq", "s09.fq", "t01.fq", 1, ""}, // another row of keys
		{"a", "a", "a", 1, ""},
		{"a", "a-b", "a-b", 1, ""},
		{"x/é1", "x/é3", "x/é3", 2, "x/é7"},
		{"x/a", "x/é", "x/é", 2, ""},
		{"", "", "", 1, ""},
	} {
		got, ok := listing.Stride{First: x.first, Last: x.last}.Ahead(x.from, x.strides)
		if got != x.want || ok != (x.want != "") {
			t.Errorf("from %q to %q, %d ahead of %q: %q, %t; want %q", x.first, x.last, x.strides, x.from, got, ok, x.want)
		}
	}
}

// TestStrideOfRealKeys: on evenly spread keys a guess is near the key that it is about.
func TestStrideOfRealKeys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, make := range map[string]func(i int) string{
		"counted":     func(i int) string { return fmt.Sprintf("runs/42/read_%07d.fastq.gz", i) },
		"folders":     func(i int) string { return fmt.Sprintf("runs/s%05d/lane%d.bam", i/4, i%4) },
		"hexadecimal": func(int) string { return fmt.Sprintf("%016x", random.Uint64()) },
		"capitals":    func(int) string { return fmt.Sprintf("obj/%016X.cram", random.Uint64()) },
	} {
		keys := []string{}
		for i := range 100_000 {
			keys = append(keys, make(i))
		}
		slices.Sort(keys)
		for at := 1000; at+4000 < len(keys); at += 1000 {
			guess, ok := listing.Stride{First: keys[at-1000], Last: keys[at-1]}.Ahead(keys[at-1], 3)
			if !ok {
				continue // at a carry; the next page helps
			}
			got, _ := slices.BinarySearch(keys, guess)
			if got-at < 2000 || got-at > 12000 {
				t.Errorf("%s: after %q, 3000 ahead is said to be %q, which is %d", name, keys[at-1], guess, got-at)
			}
		}
	}
}

func TestStrideGivesLaterKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[0-9a-zA-Zé/_. -]{0,20}`)
		s := listing.Stride{First: key.Draw(t, "first"), Last: key.Draw(t, "last")}
		from := key.Draw(t, "from")
		if got, ok := s.Ahead(from, rapid.IntRange(0, 1000).Draw(t, "strides")); ok && got <= from {
			t.Errorf("%q is not after %q", got, from)
		}
	})
}
