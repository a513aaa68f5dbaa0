// Package checksum implements the checksums that S3 supports, and the two ways of making the sum of a whole from the sums
// of its parts.
//
//	sums := each part: Section(alg, part, buffer)
//	Combine(sums)  // FULL_OBJECT: the same sum as that of all bytes in one go; CRCs only, no byte is read again
//	Compose(sums)  // COMPOSITE: the sum of the raw sums of the parts; its text ends in "-N", N the number of parts
//
// A composite of MD5 is the ETag of an S3 object in parts. CRC64NVME is from github.com/minio/crc64nvme, XXHASH3 and XXHASH128
// from github.com/zeebo/xxh3, XXHASH64 from github.com/cespare/xxhash, and the others from the standard library. XXHASH3 is the
// 64-bit form of XXH3; all xxHashes have the seed 0 and are written most significant byte first, their canonical form.
//
// A CRC or an xxHash detects accidental damage; it does not protect against forgery. Nor do MD5 or SHA-1.
package checksum

import (
	"crypto/md5"  //nolint:gosec // S3's Content-MD5 and ETag
	"crypto/sha1" //nolint:gosec // one of S3's algorithms
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"
)

// Algorithm names one of the checksums that S3 supports. The zero value is None.
type Algorithm string

// The algorithms, under the names that S3's headers and XML use.
const (
	None      Algorithm = ""
	CRC64NVME Algorithm = "CRC64NVME"
	CRC32C    Algorithm = "CRC32C"
	CRC32     Algorithm = "CRC32"
	XXHASH3   Algorithm = "XXHASH3"
	XXHASH128 Algorithm = "XXHASH128"
	XXHASH64  Algorithm = "XXHASH64"
	SHA256    Algorithm = "SHA256"
	SHA1      Algorithm = "SHA1"
	SHA512    Algorithm = "SHA512"
	MD5       Algorithm = "MD5"
)

// hashes are the algorithms, the one that is cheapest to compute first.
var hashes = []struct {
	algorithm Algorithm
	size      int
	hash      func() hash.Hash
}{
	{CRC64NVME, crc64nvme.Size, func() hash.Hash { return crc64nvme.New() }},
	{CRC32C, crc32.Size, func() hash.Hash { return crc32.New(castagnoli) }},
	{CRC32, crc32.Size, func() hash.Hash { return crc32.NewIEEE() }},
	{XXHASH3, 8, func() hash.Hash { return xxh3.New() }},
	{XXHASH128, 16, func() hash.Hash { return xxh3.New128() }},
	{XXHASH64, 8, func() hash.Hash { return xxhash.New() }},
	{SHA256, sha256.Size, sha256.New},
	{SHA1, sha1.Size, sha1.New},
	{SHA512, sha512.Size, sha512.New},
	{MD5, md5.Size, md5.New},
}

// All returns the algorithms, the one that is cheapest to compute first.
func All() []Algorithm {
	all := make([]Algorithm, len(hashes))
	for i, h := range hashes {
		all[i] = h.algorithm
	}
	return all
}

// Kind says how the checksum of an object in parts is made from its bytes.
type Kind string

// FullObject sums all bytes as one; Composite sums the raw sums of the parts, one after the other.
const (
	FullObject Kind = "FULL_OBJECT"
	Composite  Kind = "COMPOSITE"
)

// ErrUnknown is in the chain of an error about an algorithm that is not known here.
var ErrUnknown = errors.New("unknown checksum algorithm")

// castagnoli is made once, since the standard library compares this pointer to choose the processor's own instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Parse returns the algorithm with that name, in any case. "none" and the empty name are None; another is ErrUnknown.
func Parse(name string) (Algorithm, error) {
	a := Algorithm(strings.ToUpper(name))
	switch {
	case a == None || a == "NONE":
		return None, nil
	case a.Size() == 0:
		return None, fmt.Errorf("%w %q: must be one of %s, or none", ErrUnknown, name, Names())
	}
	return a, nil
}

// Names lists all algorithms in a sentence.
func Names() string {
	var names []string
	for _, a := range All() {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

// New returns a running hash. It must not be called on None or on a name that is not an Algorithm here.
func (a Algorithm) New() hash.Hash {
	if i := a.index(); i >= 0 {
		return hashes[i].hash()
	}
	panic(fmt.Sprintf("checksum: internal error: no hash for algorithm %q", string(a)))
}

// Size returns the length of a raw sum in bytes; 0 for None and for names that are not an Algorithm here.
func (a Algorithm) Size() int {
	if i := a.index(); i >= 0 {
		return hashes[i].size
	}
	return 0
}

// index returns where an algorithm stands in hashes, or -1.
func (a Algorithm) index() int {
	for i := range hashes {
		if hashes[i].algorithm == a {
			return i
		}
	}
	return -1
}

// CanCombine reports whether Combine supports the algorithm: whether the sum of a whole follows from the sums and the sizes
// of its parts. That is so for the CRCs.
func (a Algorithm) CanCombine() bool {
	_, ok := fields[a]
	return ok
}

// Scheme is how an upload is summed: every part by Algorithm, the whole by Kind. The zero Scheme sums nothing.
type Scheme struct {
	Algorithm Algorithm `json:"algorithm,omitempty"`
	Kind      Kind      `json:"kind,omitempty"`
}

// String returns the scheme in words, such as "full-object CRC64NVME", "MD5, part by part", or "nothing".
func (s Scheme) String() string {
	switch {
	case s.Algorithm == None:
		return "nothing"
	case s.Kind == FullObject:
		return "full-object " + string(s.Algorithm)
	case s.Kind == Composite:
		return string(s.Algorithm) + ", part by part"
	}
	return string(s.Algorithm)
}

// Of returns the sum of a running hash, which may be written to afterwards. By None it returns the zero Sum.
func Of(a Algorithm, h hash.Hash) Sum {
	if a == None {
		return Sum{}
	}
	return Sum{Algorithm: a, Value: string(h.Sum(nil))}
}

// Bytes returns the sum of b. By None it returns the zero Sum.
func Bytes(a Algorithm, b []byte) Sum {
	if a == None {
		return Sum{}
	}
	h := a.New()
	h.Write(b)
	return Of(a, h)
}

// sliceSize is how much Section reads at a time, in bytes: the bytes are then summed while they are in the processor's
// second-level cache. CRC32C is three times as fast there as from memory.
const sliceSize = 256 << 10

// Section sums all of a section, from its start, whatever its offset, which it does not change. It reads in slices of buf;
// if buf is nil it allocates its own. Missing bytes are an io.ErrUnexpectedEOF. By None it reads nothing and returns the
// zero Sum.
func Section(a Algorithm, r *io.SectionReader, buf []byte) (Sum, error) {
	if a == None {
		return Sum{}, nil
	}
	if len(buf) == 0 {
		buf = make([]byte, min(sliceSize, max(1, r.Size())))
	}
	h := a.New()
	for off := int64(0); off < r.Size(); {
		slice := buf[:min(int64(len(buf)), sliceSize, r.Size()-off)]
		n, err := r.ReadAt(slice, off)
		if n < len(slice) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return Sum{}, fmt.Errorf("sum at byte %d of %d: %w", off+int64(n), r.Size(), err)
		}
		h.Write(slice)
		off += int64(n)
	}
	return Of(a, h), nil
}
