package store_test

import (
	"fmt"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// What an object's own fields record: a sum of all bytes, and an ETag, if the encryption leaves it an MD5.
func ExampleObject_FullSum() {
	o := store.Object{
		ETag: "9e107d9d372bb6826bd81d3542a419d6-12",
		Sums: []checksum.Sum{checksum.Bytes(checksum.SHA256, nil), checksum.Bytes(checksum.CRC32, nil)},
	}
	fmt.Println(o.FullSum())
	tag, ok := o.MD5()
	fmt.Println(tag.Parts, ok)
	o.Encryption = "aws:kms"
	_, ok = o.MD5()
	fmt.Println(ok)
	// Output:
	// CRC32 AAAAAA==
	// 12 true
	// false
}
