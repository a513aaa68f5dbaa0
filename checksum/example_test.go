package checksum_test

import (
	"fmt"
	"io"
	"strings"

	"haul.example/haul/checksum"
)

// The whole is never read: its sum comes from those of its parts.
func ExampleCombine() {
	head, tail := "@read1\nGATTACA\n", "+\nIIIIIII\n"
	whole, err := checksum.Combine([]checksum.Sized{
		{Sum: checksum.Bytes(checksum.CRC64NVME, []byte(head)), Size: int64(len(head))},
		{Sum: checksum.Bytes(checksum.CRC64NVME, []byte(tail)), Size: int64(len(tail))},
	})
	fmt.Println(whole, err)
	fmt.Println(whole == checksum.Bytes(checksum.CRC64NVME, []byte(head+tail)))
	// Output:
	// CRC64NVME YCq+/PxS0pg= <nil>
	// true
}

// By MD5, a composite is the ETag of an object that was uploaded in parts.
func ExampleCompose() {
	etag, err := checksum.Compose([]checksum.Sum{
		checksum.Bytes(checksum.MD5, []byte("part one")),
		checksum.Bytes(checksum.MD5, []byte("part two")),
	})
	fmt.Println(etag.Hex(), err)
	// Output: 0732917abc3288784e318ac0aab1757a-2 <nil>
}

func ExampleSection() {
	file := strings.NewReader("header, bytes of the part, trailer")
	part := io.NewSectionReader(file, 8, 17)
	sum, err := checksum.Section(checksum.CRC32C, part, nil)
	fmt.Println(sum, err)
	fmt.Println(sum == checksum.Bytes(checksum.CRC32C, []byte("bytes of the part")))
	// Output:
	// CRC32C hUk2Tw== <nil>
	// true
}

func ExampleParse() {
	a, err := checksum.Parse("crc64nvme")
	fmt.Println(a, a.Size(), a.CanCombine(), err)
	_, err = checksum.Parse("crc16")
	fmt.Println(err)
	// Output:
	// CRC64NVME 8 true <nil>
	// unknown checksum algorithm "crc16": must be one of CRC64NVME, CRC32C, CRC32, XXHASH3, XXHASH128, XXHASH64, SHA256, SHA1, SHA512, MD5, or none
}

func ExampleFromBase64() {
	s, err := checksum.FromBase64(checksum.CRC32, "y/Q5Jg==-3")
	fmt.Println(s.Hex(), s.Parts, err)
	// Output: cbf43926-3 3 <nil>
}

func ExampleFromETag() {
	s, ok := checksum.FromETag("9e107d9d372bb6826bd81d3542a419d6-12")
	fmt.Println(s.Algorithm, s.Parts, ok)
	_, ok = checksum.FromETag("an ETag of another kind")
	fmt.Println(ok)
	// Output:
	// MD5 12 true
	// false
}

func ExampleOf() {
	h := checksum.SHA1.New()
	io.WriteString(h, "123456789")
	fmt.Println(checksum.Of(checksum.SHA1, h).Hex())
	// Output: f7c3bc1d808e04732adf679965ccc34ca7ae3441
}

func ExampleScheme_String() {
	fmt.Println(checksum.Scheme{Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject})
	fmt.Println(checksum.Scheme{Algorithm: checksum.MD5, Kind: checksum.Composite})
	fmt.Println(checksum.Scheme{})
	// Output:
	// full-object CRC64NVME
	// MD5, part by part
	// nothing
}
