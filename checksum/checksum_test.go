package checksum_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/checksum"
)

var (
	crcs = []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32}
	all  = checksum.All()
)

// The check values are those that the catalogue of CRCs (reveng) gives, and that sha256sum and similar tools print.
func TestCheckValues(t *testing.T) {
	want := map[checksum.Algorithm]string{
		checksum.CRC64NVME: "ae8b14860a799888",
		checksum.CRC32C:    "e3069283",
		checksum.CRC32:     "cbf43926",
		checksum.SHA256:    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
		checksum.SHA1:      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		checksum.SHA512: "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a" +
			"d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
		checksum.MD5:       "25f9e794323b453885f5181f1b624d0b",
		checksum.XXHASH3:   "72dcb18b67a17dff",
		checksum.XXHASH128: "33119477ede5dcd5e9716427681d5860",
		checksum.XXHASH64:  "8cb841db40e6ae83",
	}
	if len(want) != len(all) {
		t.Errorf("%d check values for %d algorithms", len(want), len(all))
	}
	for _, a := range all {
		s := checksum.Bytes(a, []byte("123456789"))
		if s.Hex() != want[a] {
			t.Errorf("%s of 123456789 is %s, not %s", a, s.Hex(), want[a])
		}
		if len(s.Value) != a.Size() {
			t.Errorf("%s: %d bytes, and Size says %d", a, len(s.Value), a.Size())
		}
	}
}

// Longer than what the xxHashes treat as short; from xxhsum.
func TestLongXXHashes(t *testing.T) {
	data := bytes.Repeat([]byte("GATTACA\n"), 1000)
	for a, want := range map[checksum.Algorithm]string{
		checksum.XXHASH3:   "ca17f36fdeb9004f",
		checksum.XXHASH128: "404e70f6caae3128ca17f36fdeb9004f",
		checksum.XXHASH64:  "e6c43aab0ae44977",
	} {
		if got := checksum.Bytes(a, data).Hex(); got != want {
			t.Errorf("%s: %s, not %s", a, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, want := range map[string]checksum.Algorithm{
		"": checksum.None, "none": checksum.None, "None": checksum.None,
		"crc64nvme": checksum.CRC64NVME, "CRC32C": checksum.CRC32C, "Crc32": checksum.CRC32,
		"sha256": checksum.SHA256, "SHA1": checksum.SHA1, "md5": checksum.MD5,
		"sha512": checksum.SHA512, "xxhash3": checksum.XXHASH3, "XXHASH64": checksum.XXHASH64, "xxHash128": checksum.XXHASH128,
	} {
		if a, err := checksum.Parse(name); a != want || err != nil {
			t.Errorf("Parse(%q) = %q, %v", name, a, err)
		}
	}
	if _, err := checksum.Parse("xxhash"); !errors.Is(err, checksum.ErrUnknown) {
		t.Errorf("xxhash gives %v", err)
	}
}

func TestNewPanicsWithoutAlgorithm(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("None has a hash")
		}
	}()
	checksum.None.New()
}

func TestNoneSumsNothing(t *testing.T) {
	s, err := checksum.Section(checksum.None, section("abc"), nil)
	if err != nil || !s.IsZero() {
		t.Errorf("Section gives %v, %v", s, err)
	}
	if s := checksum.Bytes(checksum.None, []byte("abc")); !s.IsZero() {
		t.Errorf("Bytes gives %v", s)
	}
	if s := checksum.Of(checksum.None, nil); !s.IsZero() {
		t.Errorf("Of gives %v", s)
	}
	if checksum.None.Size() != 0 || checksum.None.CanCombine() {
		t.Error("None has a size or combines")
	}
}

func TestSchemeInWords(t *testing.T) {
	for want, s := range map[string]checksum.Scheme{
		"nothing":               {},
		"full-object CRC64NVME": {Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject},
		"CRC32C, part by part":  {Algorithm: checksum.CRC32C, Kind: checksum.Composite},
		"MD5, part by part":     {Algorithm: checksum.MD5, Kind: checksum.Composite},
		"SHA256":                {Algorithm: checksum.SHA256},
	} {
		if got := s.String(); got != want {
			t.Errorf("%#v is %q, not %q", s, got, want)
		}
	}
}

func TestSection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 4096).Draw(t, "data")
		from := rapid.IntRange(0, len(data)).Draw(t, "from")
		n := rapid.IntRange(0, len(data)-from).Draw(t, "n")
		buf := make([]byte, rapid.IntRange(0, 600).Draw(t, "buffer"))
		a := rapid.SampledFrom(all).Draw(t, "algorithm")

		r := io.NewSectionReader(bytes.NewReader(data), int64(from), int64(n))
		at, _ := r.Seek(int64(n/2), io.SeekStart)
		s, err := checksum.Section(a, r, buf)
		if want := checksum.Bytes(a, data[from:from+n]); s != want || err != nil {
			t.Fatalf("got %v, %v, want %v", s, err, want)
		}
		if now, _ := r.Seek(0, io.SeekCurrent); now != at {
			t.Fatalf("the section was at %d, and is at %d", at, now)
		}
	})
}

func TestSectionOfLargeBytes(t *testing.T) {
	data := bytes.Repeat([]byte("GATTACA"), 100_000)
	for _, buf := range [][]byte{nil, make([]byte, 1<<20), make([]byte, 1000)} {
		s, err := checksum.Section(checksum.CRC64NVME, io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), buf)
		if s != checksum.Bytes(checksum.CRC64NVME, data) || err != nil {
			t.Errorf("buffer of %d: %v, %v", len(buf), s, err)
		}
	}
}

func TestSectionThatIsShort(t *testing.T) {
	r := io.NewSectionReader(strings.NewReader("abc"), 0, 10)
	if _, err := checksum.Section(checksum.CRC32, r, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// ofSize draws a sum with a value that no bytes need to have.
func ofSize(t *rapid.T, a checksum.Algorithm) checksum.Sum {
	value := rapid.SliceOfN(rapid.Byte(), a.Size(), a.Size()).Draw(t, "value")
	return checksum.Sum{Algorithm: a, Value: string(value)}
}

func TestCombineIsTheSumOfAllBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(crcs).Draw(t, "algorithm")
		var parts []checksum.Sized
		var whole []byte
		for _, part := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 1, 9).Draw(t, "parts") {
			parts = append(parts, checksum.Sized{Sum: checksum.Bytes(a, part), Size: int64(len(part))})
			whole = append(whole, part...)
		}
		got, err := checksum.Combine(parts)
		if want := checksum.Bytes(a, whole); got != want || err != nil {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	})
}

func TestCombineOfLargeParts(t *testing.T) {
	data := bytes.Repeat([]byte("ACGTNacgtn\n"), 1<<18)
	for _, a := range crcs {
		var parts []checksum.Sized
		for rest := data; len(rest) > 0; {
			n := min(1<<20, len(rest))
			parts = append(parts, checksum.Sized{Sum: checksum.Bytes(a, rest[:n]), Size: int64(n)})
			rest = rest[n:]
		}
		got, err := checksum.Combine(parts)
		if want := checksum.Bytes(a, data); got != want || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

// Sizes that cannot be summed in a test: combining in any grouping gives the same.
func TestCombineIsAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(crcs).Draw(t, "algorithm")
		parts := make([]checksum.Sized, 5)
		total := int64(0)
		for i := range parts {
			parts[i] = checksum.Sized{Sum: ofSize(t, a), Size: rapid.Int64Range(0, math.MaxInt64/8).Draw(t, "size")}
			if i < 3 {
				total += parts[i].Size
			}
		}
		want, err := checksum.Combine(parts)
		if err != nil {
			t.Fatal(err)
		}
		head, err := checksum.Combine(parts[:3])
		if err != nil {
			t.Fatal(err)
		}
		got, err := checksum.Combine(append([]checksum.Sized{{Sum: head, Size: total}}, parts[3:]...))
		if got != want || err != nil {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	})
}

func TestCombineOfOneAndOfNone(t *testing.T) {
	if s, err := checksum.Combine(nil); !s.IsZero() || err != nil {
		t.Errorf("no parts give %v, %v", s, err)
	}
	one := checksum.Sized{Sum: checksum.Bytes(checksum.CRC64NVME, []byte("x")), Size: 1}
	if s, err := checksum.Combine([]checksum.Sized{one}); s != one.Sum || err != nil {
		t.Errorf("one part gives %v, %v", s, err)
	}
}

func TestCombineRefuses(t *testing.T) {
	good := checksum.Sized{Sum: checksum.Bytes(checksum.CRC32, []byte("x")), Size: 1}
	for name, parts := range map[string][]checksum.Sized{
		"MD5":            {{Sum: checksum.Bytes(checksum.MD5, nil)}},
		"no sum":         {{Size: 1}},
		"a missing sum":  {good, {Size: 1}},
		"two algorithms": {good, {Sum: checksum.Bytes(checksum.CRC32C, nil)}},
		"a composite":    {{Sum: checksum.Sum{Algorithm: checksum.CRC32, Value: "1234", Parts: 2}, Size: 9}},
		"a short sum":    {{Sum: checksum.Sum{Algorithm: checksum.CRC32, Value: "123"}}},
		"a size below 0": {{Sum: good.Sum, Size: -1}},
	} {
		if s, err := checksum.Combine(parts); err == nil || !s.IsZero() {
			t.Errorf("%s gives %v, %v", name, s, err)
		}
	}
}

func TestCompose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(all).Draw(t, "algorithm")
		var parts []checksum.Sum
		var raw []byte
		for range rapid.IntRange(1, 9).Draw(t, "parts") {
			s := ofSize(t, a)
			parts = append(parts, s)
			raw = append(raw, s.Value...)
		}
		want := checksum.Bytes(a, raw)
		want.Parts = len(parts)
		if got, err := checksum.Compose(parts); got != want || err != nil {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	})
}

func TestComposeRefuses(t *testing.T) {
	good := checksum.Bytes(checksum.MD5, nil)
	for name, parts := range map[string][]checksum.Sum{
		"no parts":       nil,
		"no sum":         {{}},
		"a missing sum":  {good, {}},
		"two algorithms": {good, checksum.Bytes(checksum.SHA1, nil)},
		"a composite":    {good, {Algorithm: checksum.MD5, Value: good.Value, Parts: 2}},
		"a short sum":    {{Algorithm: checksum.MD5, Value: "123"}},
	} {
		if s, err := checksum.Compose(parts); err == nil || !s.IsZero() {
			t.Errorf("%s gives %v, %v", name, s, err)
		}
	}
}

func TestSumsComeBackFromTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := ofSize(t, rapid.SampledFrom(all).Draw(t, "algorithm"))
		s.Parts = rapid.IntRange(0, 10_000).Draw(t, "N")
		if back, err := checksum.FromBase64(s.Algorithm, s.Base64()); back != s || err != nil {
			t.Fatalf("Base64 %s: %v, %v", s.Base64(), back, err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back checksum.Sum
		if err := json.Unmarshal(text, &back); back != s || err != nil {
			t.Fatalf("JSON %s: %v, %v", text, back, err)
		}
		if s.Algorithm == checksum.MD5 {
			if back, ok := checksum.FromETag(s.Hex()); back != s || !ok {
				t.Fatalf("ETag %s: %v, %v", s.Hex(), back, ok)
			}
		}
	})
}

func TestNoSumComesBackFromJSON(t *testing.T) {
	text, err := json.Marshal(checksum.Sum{})
	if err != nil || string(text) != `""` {
		t.Fatalf("%s, %v", text, err)
	}
	back := checksum.Bytes(checksum.MD5, nil)
	if err := json.Unmarshal(text, &back); err != nil || !back.IsZero() {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{`"CRC32"`, `"XX AAAA"`, `"CRC32 AAAA"`, `5`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestFromBase64Refuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":           "",
		"no Base64":         "????????",
		"too short":         "AAA=",
		"too long":          "AAAAAAAA",
		"a line end":        "AAAA\nAA==",
		"stray bits":        "AAAAAB==",
		"no padding":        "AAAAAA",
		"an empty N":        "AAAAAA==-",
		"no parts":          "AAAAAA==-0",
		"a padded N":        "AAAAAA==-07",
		"a signed N":        "AAAAAA==-+7",
		"two Ns":            "AAAAAA==-7-7",
		"an N out of range": "AAAAAA==-99999999999",
	} {
		if sum, err := checksum.FromBase64(checksum.CRC32, s); err == nil {
			t.Errorf("%s: %q gives %v", name, s, sum)
		}
	}
	if _, err := checksum.FromBase64(checksum.None, ""); !errors.Is(err, checksum.ErrUnknown) {
		t.Errorf("None gives %v", err)
	}
}

func TestFromETag(t *testing.T) {
	const digits = "9e107d9d372bb6826bd81d3542a419d6"
	for etag, parts := range map[string]int{
		digits: 0, digits + "-1": 1, digits + "-10000": 10_000, strings.ToUpper(digits): 0,
	} {
		s, ok := checksum.FromETag(etag)
		if !ok || s.Algorithm != checksum.MD5 || s.Parts != parts || s.Hex() != strings.ToLower(etag) {
			t.Errorf("%s gives %v, %v", etag, s, ok)
		}
	}
	for _, etag := range []string{
		"", "-2", digits[1:], digits + "0", digits + "-", digits + "-0", digits + "-x", `"` + digits + `"`,
		"W/" + digits, strings.Replace(digits, "9", "g", 1),
	} {
		if s, ok := checksum.FromETag(etag); ok || !s.IsZero() {
			t.Errorf("%q gives %v, %v", etag, s, ok)
		}
	}
}

func section(s string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(s), 0, int64(len(s)))
}
