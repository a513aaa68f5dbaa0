package checksum_test

import (
	"bytes"
	"io"
	"testing"

	"haul.example/haul/checksum"
)

func BenchmarkSection(b *testing.B) {
	data := bytes.Repeat([]byte("GATTACA\n"), 1<<20) // 8 MiB
	r := io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
	buf := make([]byte, 256<<10)
	for _, a := range all {
		b.Run(string(a), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := checksum.Section(a, r, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCombine(b *testing.B) {
	for _, a := range crcs {
		equal := make([]checksum.Sized, 10_000)
		growing := make([]checksum.Sized, 10_000)
		for i := range equal {
			equal[i] = checksum.Sized{Sum: checksum.Bytes(a, []byte{byte(i)}), Size: 8 << 20}
			growing[i] = checksum.Sized{Sum: equal[i].Sum, Size: 8<<20 + int64(i)}
		}
		for name, parts := range map[string][]checksum.Sized{"10000-equal": equal, "10000-different": growing} {
			b.Run(string(a)+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := checksum.Combine(parts); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
