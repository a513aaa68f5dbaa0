package evidence

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What tools make of a size is among the few cuts that are tried.
func TestCutsOfTools(t *testing.T) {
	const gib, tib = 1 << 30, 1 << 40
	for _, c := range []struct {
		tool       string
		size, part int64
	}{
		{"aws", 33_000_000, 8 * mib},
		{"aws, doubled", 100 * gib, 16 * mib},
		{"aws, doubled twice", 300 * gib, 32 * mib},
		{"s3cmd", 33_000_000, 15 * mib},
		{"s5cmd", 4 * gib, 50 * mib},
		{"s5cmd, by the SDK's rule", tib, tib/10_000 + 1},
		{"rclone", 33_000_000, 5 * mib},
		{"rclone, large", tib, 105 * mib},
		{"mc", 33_000_000, 16 * mib},
		{"mc, large", tib, 112 * mib},
		{"the SDK for Java, large", tib, (tib + 9_999) / 10_000},
		{"haul, large", tib, 105 * mib},
		{"Hadoop", 10 * gib, 64 * mib},
		{"an odd whole number of mebibytes", 10 * gib, 37 * mib},
		{"decimal", 10 * gib, 100 * mb},
	} {
		got := PartSizes(c.size, int((c.size+c.part-1)/c.part))
		if !slices.Contains(got, c.part) {
			t.Errorf("%s: %d bytes in parts of %d: tried are %v", c.tool, c.size, c.part, got)
		}
	}
}

// All cuts make as many parts as were asked for, no cut comes twice, and there are never many.
func TestCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 5<<42).Draw(t, "size")
		count := rapid.IntRange(0, 10_001).Draw(t, "count")
		got := PartSizes(size, count)
		if len(got) > maxGuesses {
			t.Errorf("%d cuts", len(got))
		}
		for i, part := range got {
			if n := (size + part - 1) / part; n != int64(count) || slices.Contains(got[:i], part) {
				t.Errorf("%d bytes in parts of %d make %d, want %d", size, part, n, count)
			}
		}
	})
}
