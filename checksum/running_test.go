package checksum_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/checksum"
)

// Bytes that come in pieces of any size give the sum that they have as one, or part by part.
func TestRunning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom([]checksum.Algorithm{checksum.CRC64NVME, checksum.MD5, checksum.SHA256}).Draw(t, "algorithm")
		b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		var sizes []int64
		var sums []checksum.Sum
		if rapid.Bool().Draw(t, "in parts") {
			left := b
			for len(left) > 0 || sizes == nil {
				n := rapid.IntRange(min(1, len(left)), len(left)).Draw(t, "part")
				sizes, sums, left = append(sizes, int64(n)), append(sums, checksum.Bytes(a, left[:n])), left[n:]
			}
		}
		r := checksum.NewRunning(a, sizes)
		if every := rapid.Int64Range(0, 100).Draw(t, "part size"); every > 0 {
			r, sizes, sums = checksum.NewRunningEqual(a, every), []int64{every}, nil
			for left := b; len(left) > 0 || sums == nil; {
				n := min(int(every), len(left))
				sums, left = append(sums, checksum.Bytes(a, left[:n])), left[n:]
			}
		}
		for left := b; len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "write")
			if k, err := r.Write(left[:n]); k != n || err != nil {
				t.Fatalf("Write gave %d, %v", k, err)
			}
			left = left[n:]
		}
		want := checksum.Bytes(a, b)
		if sizes != nil {
			want, _ = checksum.Compose(sums)
		}
		if got, err := r.Sum(); got != want || err != nil {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	})
}

func ExampleRunning() {
	r := checksum.NewRunning(checksum.MD5, []int64{8, 8})
	fmt.Fprint(r, "part one", "part two")
	etag, err := r.Sum()
	fmt.Println(etag.Hex(), err)
	// Output: 0732917abc3288784e318ac0aab1757a-2 <nil>
}

func ExampleNewRunningEqual() {
	r := checksum.NewRunningEqual(checksum.MD5, 8)
	fmt.Fprint(r, "part one", "part two")
	etag, err := r.Sum()
	fmt.Println(etag.Hex(), err)
	// Output: 0732917abc3288784e318ac0aab1757a-2 <nil>
}
