package layout_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

// r2 are the limits of Cloudflare R2, whose parts must be equal.
var r2 = store.Limits{MaxParts: 10_000, MinPart: 5 * mib, MaxPart: 5 * gib, MaxObject: 5 * tib, EqualParts: true}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		name           string
		want, expected int64
		limits         store.Limits
		parts          map[int]int64
		reach          int64
	}{
		{"unknown", 0, 0, s3, map[int]int64{
			1: 8 * mib, 1000: 8 * mib, 1001: 16 * mib, 2000: 16 * mib, 2001: 32 * mib, 9001: 4 * gib, 10_000: 4 * gib,
		}, 1000 * 1023 * 8 * mib},
		{"a wish", 64 * mib, 0, s3, map[int]int64{1: 64 * mib, 1001: 128 * mib, 7000: 4 * gib, 7001: 5 * gib, 10_000: 5 * gib},
			1000*127*64*mib + 3000*5*gib},
		{"small and expected", 0, gib, s3, map[int]int64{1: 8 * mib, 1001: 16 * mib}, 1000 * 1023 * 8 * mib},
		{"expected", 0, 50 * gib, s3, map[int]int64{1: 11 * mib, 4655: 11 * mib, 4656: 22 * mib, 5655: 22 * mib, 5656: 44 * mib},
			(4655 + 1000*(2+4+8+16+32) + 345*64) * 11 * mib},
		{"the largest expected", 0, 50_000 * gib, s3, map[int]int64{1: 5 * gib, 10_000: 5 * gib}, 50_000 * gib},
		{"a wish and expected", 64 * mib, 100 * gib, s3, map[int]int64{1: 64 * mib, 1600: 64 * mib, 1601: 128 * mib},
			(1600+1000*(2+4+8+16+32)+1000*64)*64*mib + 2400*5*gib},
		{"a wish that must grow", 5 * mib, 100 * gib, s3, map[int]int64{1000: 5 * mib, 1001: 10 * mib}, 1000 * 1023 * 5 * mib},
		{"equal parts", 0, 0, r2, map[int]int64{1: 32 * mib, 10_000: 32 * mib}, 320_000 * mib},
		{"equal parts and expected", 0, 50 * gib, r2, map[int]int64{1: 11 * mib, 10_000: 11 * mib}, 110_000 * mib},
		{"equal parts and a wish", 8 * mib, 0, r2, map[int]int64{1: 8 * mib, 10_000: 8 * mib}, 80_000 * mib},
		{"no limits", 0, 0, store.Limits{}, map[int]int64{1: 8 * mib, 1001: 16 * mib, 50_000: 5 * gib}, math.MaxInt64},
		{"an object's limit", 0, 0, store.Limits{MaxParts: 10_000, MaxObject: tib}, map[int]int64{1: 8 * mib}, tib},
	} {
		s, err := layout.NewStream(c.want, c.expected, c.limits)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for n, want := range c.parts {
			if got := s.PartSize(n); got != want {
				t.Errorf("%s: part %d has %d, not %d", c.name, n, got, want)
			}
		}
		if got := s.Reach(); got != c.reach {
			t.Errorf("%s: reaches %d, not %d", c.name, got, c.reach)
		}
	}
}

func TestStreamRefused(t *testing.T) {
	for _, c := range []struct {
		name           string
		want, expected int64
		limits         store.Limits
		kind           store.Kind
		says           string
	}{
		{"over the object", 0, 50_001 * gib, s3, store.TooLarge, "48.8 TiB"},
		{"over all parts", 0, 11 * mib, store.Limits{MaxParts: 10, MaxPart: mib}, store.TooLarge, "10 parts of 1 MiB"},
		{"too small", 4 * mib, 0, s3, store.Invalid, "use at least 5 MiB"},
		{"too large", 6 * gib, 0, s3, store.Invalid, "5 GiB at most"},
		{"equal parts too small", 8 * mib, 100 * gib, r2, store.Invalid, "hold 78.1 GiB of a stream of 100.0 GiB; use at least 11 MiB"},
		{"too small to grow enough", 5 * mib, 20 * tib, s3, store.Invalid, "use at least 45 MiB"},
		{"a wish below 0", -1, 0, s3, store.Invalid, ""},
		{"a size below 0", 0, -1, s3, store.Invalid, ""},
	} {
		_, err := layout.NewStream(c.want, c.expected, c.limits)
		if !errors.Is(err, c.kind) || store.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want kind %q", c.name, err, c.kind)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q does not say %q", c.name, err, c.says)
		}
	}
}

func TestStreamKeepsTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, expected, want := drawLimits(t), drawSize(t, "expected"), drawWant(t)
		s, err := layout.NewStream(want, expected, l)
		if err != nil {
			if _, other := layout.NewStream(0, expected, l); errors.Is(err, store.Invalid) == (other != nil) {
				t.Fatalf("%d by %d: %v; by any: %v", expected, want, err, other)
			}
			return
		}
		if want > 0 && s.PartSize(1) != want {
			t.Fatalf("wanted %d, got %d", want, s.PartSize(1))
		}
		checkStream(t, s, l, expected)
	})
}

// checkStream adds up all parts.
func checkStream(t *rapid.T, s layout.Stream, l store.Limits, expected int64) {
	count := l.MaxParts
	if count == 0 {
		count = 12_000
	}
	sum, before := int64(0), s.PartSize(1)
	for n := 1; n <= count; n++ {
		size := s.PartSize(n)
		if size < before || size > 2*before || size < l.MinPart || l.MaxPart > 0 && size > l.MaxPart || l.EqualParts && size != before {
			t.Fatalf("part %d has %d after %d, by %+v", n, size, before, l)
		}
		before = size
		sum += size
	}
	if l.MaxObject > 0 {
		sum = min(sum, l.MaxObject)
	}
	if got := s.Reach(); l.MaxParts > 0 && got != sum || got < expected {
		t.Fatalf("reaches %d; the parts hold %d, and %d are expected", got, sum, expected)
	}
}

func TestStreamPartOutside(t *testing.T) {
	s, err := layout.NewStream(0, 0, s3)
	if err != nil {
		t.Fatal(err)
	}
	mustPanic(t, func() { s.PartSize(0) })
}
