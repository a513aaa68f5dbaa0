// Package checksum implements the checksums that S3 supports, and the two ways of making the sum of a whole from the sums
// of its parts.
//
//	sums := each part: Section(alg, part, buffer)
//	Combine(sums)  // FULL_OBJECT: the same sum as that of all bytes in one go; CRCs only, no byte is read again
//	Compose(sums)  // COMPOSITE: the sum of the raw sums of the parts; its text ends in "-N", N the number of parts
//
// A composite of MD5 is the ETag of an S3 object in parts. CRC64NVME is hardware-accelerated by github.com/minio/crc64nvme,
// the others by the standard library.
//
// A CRC detects accidental damage; it does not protect against forgery. Nor do MD5 or SHA-1.
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

	"github.com/minio/crc64nvme"
)

// Algorithm names one of the checksums that S3 supports. The zero value is None.
type Algorithm string

// The algorithms, under the names that S3's headers and XML use.
const (
	None      Algorithm = ""
	CRC64NVME Algorithm = "CRC64NVME"
	CRC32C    Algorithm = "CRC32C"
	CRC32     Algorithm = "CRC32"
	SHA256    Algorithm = "SHA256"
	SHA1      Algorithm = "SHA1"
	MD5       Algorithm = "MD5"
)

// SHA512 is found in lists of digests. Parse does not accept it: S3 does not take it.
const SHA512 Algorithm = "SHA512"

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
	case a.Size() == 0, a == SHA512:
		return None, fmt.Errorf("%w %q: there are CRC64NVME, CRC32C, CRC32, SHA256, SHA1, MD5 and none", ErrUnknown, name)
	}
	return a, nil
}

// New returns a running hash. It must not be called on None or on a name that is not an Algorithm here.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC64NVME:
		return crc64nvme.New()
	case CRC32C:
		return crc32.New(castagnoli)
	case CRC32:
		return crc32.NewIEEE()
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	case SHA1:
		return sha1.New() //nolint:gosec // see the import
	case MD5:
		return md5.New() //nolint:gosec // see the import
	}
	panic(fmt.Sprintf("checksum: internal error: no hash for algorithm %q", string(a)))
}

// Size returns the length of a raw sum in bytes; 0 for None and for names that are not an Algorithm here.
func (a Algorithm) Size() int {
	switch a {
	case CRC64NVME:
		return crc64nvme.Size
	case CRC32C, CRC32:
		return crc32.Size
	case SHA256:
		return sha256.Size
	case SHA512:
		return sha512.Size
	case SHA1:
		return sha1.Size
	case MD5:
		return md5.Size
	}
	return 0
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
