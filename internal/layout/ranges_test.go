package layout_test

import (
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

func TestRangesCoverEveryGapOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 1<<30).Draw(t, "size")
		var kept []store.Range
		for range rapid.IntRange(0, 4).Draw(t, "kept") {
			off := rapid.Int64Range(0, size).Draw(t, "offset")
			kept = append(kept, store.Range{Offset: off, Length: rapid.Int64Range(0, size-off).Draw(t, "length")})
		}
		gaps := layout.Gaps(size, kept)
		even := rapid.Bool().Draw(t, "even")
		part := rapid.Int64Range(1<<20, 64<<20).Draw(t, "part")
		r := layout.NewRanges(gaps, part, even)
		covered := kept
		var at int64
		for {
			next, ok := r.Next(rapid.IntRange(1, 64).Draw(t, "lanes"))
			if !ok {
				break
			}
			if next.Length <= 0 || next.Length > part || next.Offset < at {
				t.Fatalf("range %+v after %d", next, at)
			}
			for _, k := range kept {
				if k.Length > 0 && next.Offset < k.End() && k.Offset < next.End() {
					t.Fatalf("range %+v lies in what is kept: %+v", next, k)
				}
			}
			at = next.End()
			covered = append(covered, next)
		}
		if left := layout.Gaps(size, covered); len(left) > 0 {
			t.Fatalf("left out: %+v", left)
		}
	})
}

func TestRangesShrinkNearTheEnd(t *testing.T) {
	const mib = 1 << 20
	r := layout.NewRanges([]store.Range{{Length: 100 * mib}}, 8*mib, false)
	var sizes []int64
	for {
		next, ok := r.Next(4)
		if !ok {
			break
		}
		sizes = append(sizes, next.Length)
	}
	if sizes[0] != 8*mib || sizes[len(sizes)-1] > mib || len(sizes) > 35 {
		t.Errorf("%d ranges: %v", len(sizes), sizes)
	}
	for i := 1; i < len(sizes); i++ {
		if sizes[i] > sizes[i-1] {
			t.Errorf("range %d grows: %v", i, sizes)
		}
	}
	even := layout.NewRanges([]store.Range{{Length: 20}}, 8, true)
	for _, want := range []int64{8, 8, 4} {
		if next, _ := even.Next(4); next.Length != want {
			t.Errorf("even range of %d, want %d", next.Length, want)
		}
	}
}

func TestRangeSize(t *testing.T) {
	for _, c := range []struct{ size, want, least, most int64 }{
		{0, 0, 8 << 20, 8 << 20}, {1 << 40, 0, 100 << 20, 110 << 20}, {1 << 40, 5, 100 << 20, 110 << 20}, {50_000, 5, 5, 5},
	} {
		if got := layout.RangeSize(c.size, c.want); got < c.least || got > c.most {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
