package checksum_test

import (
	"strings"
	"testing"

	"haul.example/haul/checksum"
)

// What a server sends is parsed without harm, and what is accepted has one spelling (an ETag may come in capitals).
func FuzzFromServer(f *testing.F) {
	f.Add("rosUhgp5mIg=")
	f.Add("y/Q5Jg==-3")
	f.Add("9e107d9d372bb6826bd81d3542a419d6")
	f.Add("9E107D9D372BB6826BD81D3542A419D6-10000")
	f.Add("y/Q5Jg==-0")
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range append(all, checksum.None) {
			sum, err := checksum.FromBase64(a, s)
			if err != nil {
				if !sum.IsZero() {
					t.Errorf("%s %q is refused, and gives %#v", a, s, sum)
				}
				continue
			}
			if sum.Base64() != s || len(sum.Value) != a.Size() || sum.Parts < 0 {
				t.Errorf("%s %q gives %#v", a, s, sum)
			}
		}
		if sum, ok := checksum.FromETag(s); ok && (sum.Hex() != strings.ToLower(s) || len(sum.Value) != 16) {
			t.Errorf("ETag %q gives %#v", s, sum)
		}
	})
}
