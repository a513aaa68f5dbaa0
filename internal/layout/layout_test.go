package layout_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
	tib = 1 << 40
)

// s3 are the limits of Amazon S3 (qfacts.html of its user guide).
var s3 = store.Limits{MaxParts: 10_000, MinPart: 5 * mib, MaxPart: 5 * gib, MaxPut: 5 * gib, MaxObject: 50_000 * gib}

func TestParts(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, want int64
		limits     store.Limits
		part       int64
		count      int
	}{
		{"empty", 0, 0, s3, 8 * mib, 1},
		{"one byte", 1, 0, s3, 8 * mib, 1},
		{"one part", 8 * mib, 0, s3, 8 * mib, 1},
		{"one byte more", 8*mib + 1, 0, s3, 8 * mib, 2},
		{"the last of 8 MiB", 80_000 * mib, 0, s3, 8 * mib, 10_000},
		{"the first of 9 MiB", 80_000*mib + 1, 0, s3, 9 * mib, 8889},
		{"1 TiB", tib, 0, s3, 105 * mib, 9987},
		{"the largest", 50_000 * gib, 0, s3, 5 * gib, 10_000},
		{"no limits", 100 * tib, 0, store.Limits{}, 8 * mib, 13_107_200},
		{"large parts only", 100 * mib, 0, store.Limits{MinPart: 10*mib + 1}, 11 * mib, 10},
		{"small parts only", 10 * mib, 0, store.Limits{MaxPart: 3*mib + 1, MaxParts: 4}, 3*mib + 1, 4},
		{"a wish", 100 * mib, 5 * mib, s3, 5 * mib, 20},
		{"an odd wish", 100 * mib, 7_000_001, s3, 7_000_001, 15},
		{"the least wish", 100 * gib, 10_737_419, s3, 10_737_419, 10_000},
		{"a wish below the least part, in one part", mib, mib, s3, mib, 1},
		{"a wish over the size", mib, 64 * mib, s3, 64 * mib, 1},
		{"any wish without limits", 100, 1, store.Limits{}, 1, 100},
	} {
		got, err := layout.Parts(c.size, c.want, c.limits)
		if want := (layout.Split{Size: c.size, PartSize: c.part, Count: c.count}); got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, want)
		}
	}
}

func TestPartsRefused(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, want int64
		limits     store.Limits
		kind       store.Kind
		says       string
	}{
		{"over the object", 50_000*gib + 1, 0, s3, store.TooLarge, "the store takes 48.8 TiB"},
		{"over all parts", 11 * mib, 0, store.Limits{MaxParts: 10, MaxPart: mib}, store.TooLarge, "11.0 MiB in one object, and the store takes 10 parts of 1 MiB"},
		{"over the object, with a wish", tib, 5 * mib, store.Limits{MaxObject: gib}, store.TooLarge, "1.0 GiB"},
		{"too many", 100 * gib, 5 * mib, s3, store.Invalid, "100.0 GiB in parts of 5 MiB makes 20480 parts, and the store takes 10000; use at least 11 MiB"},
		{"too small", 10 * mib, 4 * mib, s3, store.Invalid, "no less than 5 MiB; use at least 5 MiB"},
		{"too small and too many", 100 * gib, 4 * mib, s3, store.Invalid, "use at least 11 MiB"},
		{"too large", 10 * gib, 6 * gib, s3, store.Invalid, "5 GiB at most"},
		{"the least is no whole MiB", 100, 1, store.Limits{MaxParts: 10, MaxPart: 10}, store.Invalid, "use at least 10 bytes"},
		{"a size below 0", -1, 0, s3, store.Invalid, ""},
		{"a wish below 0", 1, -1, s3, store.Invalid, ""},
	} {
		got, err := layout.Parts(c.size, c.want, c.limits)
		if !errors.Is(err, c.kind) || store.KindOf(err) != c.kind || got != (layout.Split{}) {
			t.Errorf("%s: %+v, %v, want kind %q", c.name, got, err, c.kind)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q does not say %q", c.name, err, c.says)
		}
	}
}

func drawLimits(t *rapid.T) store.Limits {
	l := store.Limits{
		MaxParts:   rapid.SampledFrom([]int{0, 1, 7, 1000, 10_000}).Draw(t, "MaxParts"),
		MinPart:    rapid.SampledFrom([]int64{0, 1, 100 * kib, 5 * mib, 12*mib + 5}).Draw(t, "MinPart"),
		MaxPart:    rapid.SampledFrom([]int64{0, 20 * mib, 100*mib + 3, 5 * gib}).Draw(t, "MaxPart"),
		MaxObject:  rapid.SampledFrom([]int64{0, 5 * tib, 50_000 * gib}).Draw(t, "MaxObject"),
		EqualParts: rapid.Bool().Draw(t, "EqualParts"),
	}
	return l
}

func drawSize(t *rapid.T, name string) int64 {
	return rapid.OneOf(
		rapid.Int64Range(0, 40*mib),
		rapid.Int64Range(0, 100*gib),
		rapid.Int64Range(0, 60_000*gib),
	).Draw(t, name)
}

func drawWant(t *rapid.T) int64 {
	return rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1*kib, 20*mib), rapid.Int64Range(1, 6*gib)).Draw(t, "want")
}

func TestPartsKeepTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, size, want := drawLimits(t), drawSize(t, "size"), drawWant(t)
		got, err := layout.Parts(size, want, l)
		if err != nil {
			checkRefusal(t, size, want, l, err)
			return
		}
		if want != 0 && got.PartSize != want {
			t.Fatalf("wanted %d, got %+v", want, got)
		}
		if got.Size != size || l.MaxParts > 0 && got.Count > l.MaxParts || l.MaxPart > 0 && got.PartSize > l.MaxPart {
			t.Fatalf("%+v breaks %+v", got, l)
		}
		if got.Count > 1 && got.PartSize < l.MinPart {
			t.Fatalf("%+v breaks %+v", got, l)
		}
		checkCover(t, got)
	})
}

// checkRefusal: what is too large is so for any part size, and else a part size works.
func checkRefusal(t *rapid.T, size, want int64, l store.Limits, err error) {
	_, other := layout.Parts(size, 0, l)
	switch {
	case errors.Is(err, store.TooLarge):
		if !errors.Is(other, store.TooLarge) {
			t.Fatalf("%d in parts of %d: %v; of any: %v", size, want, err, other)
		}
	case errors.Is(err, store.Invalid):
		if want == 0 || other != nil {
			t.Fatalf("%d in parts of %d: %v; of any: %v", size, want, err, other)
		}
	default:
		t.Fatalf("of no kind: %v", err)
	}
}

// checkCover: the parts follow one another from the first byte to the last, and only the last is smaller. Of many, it looks
// at both ends.
func checkCover(t *rapid.T, l layout.Split) {
	if l.Count < 1 || l.PartSize < 1 {
		t.Fatalf("%+v", l)
	}
	last := l.Part(l.Count)
	if last.End() != l.Size || last.Length < 0 || last.Length > l.PartSize || last.Length == 0 && l.Size > 0 {
		t.Fatalf("%+v ends with %+v", l, last)
	}
	end := int64(0)
	for n := 1; n <= min(l.Count, 100); n++ {
		r := l.Part(n)
		if r.Offset != end || n < l.Count && r.Length != l.PartSize {
			t.Fatalf("%+v has %+v for part %d", l, r, n)
		}
		end = r.End()
	}
	if l.Count > 1 && last.Offset != l.Part(l.Count-1).End() {
		t.Fatalf("%+v has a gap before %+v", l, last)
	}
}

// The part size chosen is the least of whole MiB from 8 MiB on.
func TestPartsAreAsSmallAsTheyMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 49_000*gib).Draw(t, "size")
		got, err := layout.Parts(size, 0, s3)
		if err != nil || got.PartSize%mib != 0 || got.PartSize < 8*mib {
			t.Fatalf("%+v, %v", got, err)
		}
		if got.PartSize > 8*mib && (got.PartSize-mib)*10_000 >= size {
			t.Fatalf("%+v: a MiB less would do", got)
		}
	})
}

func TestPartOutside(t *testing.T) {
	l, err := layout.Parts(20*mib, 0, s3)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{-1, 0, 4} {
		mustPanic(t, func() { l.Part(n) })
	}
}

func TestOnePut(t *testing.T) {
	for _, c := range []struct {
		size, maxPut int64
		want         bool
	}{
		{0, 0, true}, {16 * mib, 0, true}, {16*mib + 1, 0, false}, {16 * mib, 5 * gib, true},
		{mib, mib, true}, {mib + 1, mib, false},
	} {
		if got := layout.OnePut(c.size, store.Limits{MaxPut: c.maxPut}); got != c.want {
			t.Errorf("%d of %d: %v", c.size, c.maxPut, got)
		}
	}
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("did not panic")
		}
	}()
	f()
}

// Sizes believes no numbers that cannot be.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		sizes []int64
		count int
		size  int64
		ok    bool
	}{
		{[]int64{5, 5, 1}, 3, 11, true}, {[]int64{0}, 1, 0, true}, {[]int64{5, 5}, 3, 10, false}, {[]int64{5, 5}, 2, 11, false},
		{nil, 0, 0, false}, {[]int64{-5, 16}, 2, 11, false}, {[]int64{1 << 62, 1 << 62, 1 << 62, 1 << 62}, 4, 0, false}, {[]int64{1}, 1, -1, false},
	} {
		var parts []store.Part
		for _, n := range c.sizes {
			parts = append(parts, store.Part{Size: n})
		}
		if got := layout.Sizes(parts, c.count, c.size); (got != nil) != c.ok || c.ok && len(got) != c.count {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
