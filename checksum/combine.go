package checksum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/minio/crc64nvme"
)

// Sized is the sum of a run of bytes and their number.
type Sized struct {
	Sum  Sum
	Size int64
}

// Combine returns the sum of a whole, S3's FULL_OBJECT, from those of its parts in order, without their bytes. All must be
// of one algorithm for which CanCombine holds, none a composite. Without parts it returns the zero Sum, since there is no
// algorithm; Bytes(a, nil) is the sum of no bytes by a.
//
// The cost is one multiplication per part, about a tenth of a microsecond, and some thirty for every new size among them.
func Combine(parts []Sized) (Sum, error) {
	if len(parts) == 0 {
		return Sum{}, nil
	}
	a := parts[0].Sum.Algorithm
	f, ok := fields[a]
	if !ok {
		return Sum{}, fmt.Errorf("combine %s sums: only those of CRCs can be", name(a))
	}
	shifts := map[int64]uint64{}
	whole := uint64(0)
	for i, p := range parts {
		if err := check(a, p.Sum); err != nil {
			return Sum{}, fmt.Errorf("combine part %d of %d: %w", i+1, len(parts), err)
		}
		if p.Size < 0 {
			return Sum{}, fmt.Errorf("combine part %d of %d: size %d", i+1, len(parts), p.Size)
		}
		shift, ok := shifts[p.Size]
		if !ok {
			shift = f.shift(uint64(p.Size))
			shifts[p.Size] = shift
		}
		whole = f.mul(shift, whole) ^ toUint(p.Sum.Value)
	}
	return Sum{Algorithm: a, Value: fromUint(whole, a.Size())}, nil
}

// Compose returns S3's COMPOSITE: the sum of the raw sums of the parts, one after the other. By MD5, it is the ETag of an
// object in parts. All must be of one algorithm, none a composite, and there must be at least one.
func Compose(parts []Sum) (Sum, error) {
	if len(parts) == 0 {
		return Sum{}, errors.New("compose: no parts")
	}
	a := parts[0].Algorithm
	if a.Size() == 0 {
		return Sum{}, fmt.Errorf("compose %s sums: %w", name(a), ErrUnknown)
	}
	h := a.New()
	for i, p := range parts {
		if err := check(a, p); err != nil {
			return Sum{}, fmt.Errorf("compose part %d of %d: %w", i+1, len(parts), err)
		}
		h.Write([]byte(p.Value))
	}
	whole := Of(a, h)
	whole.Parts = len(parts)
	return whole, nil
}

// check returns why s cannot be the sum by a of a part's bytes, or nil.
func check(a Algorithm, s Sum) error {
	switch {
	case s.Algorithm != a:
		return fmt.Errorf("it is summed by %s, the first by %s", name(s.Algorithm), a)
	case s.Parts != 0:
		return errors.New("it is a composite itself")
	case len(s.Value) != a.Size():
		return fmt.Errorf("a %s sum of %d bytes instead of %d", a, len(s.Value), a.Size())
	}
	return nil
}

func name(a Algorithm) string {
	if a == None {
		return "no algorithm"
	}
	return string(a)
}

// field does arithmetic on polynomials over GF(2) modulo the polynomial P of a CRC.
//
// A CRC of bytes m is, but for its inversions at start and end, m(x)·x^w mod P. To append n bytes is to multiply by x^8n
// and to add the CRC of the new bytes; the inversions cancel. So crc(AB) = crc(A)·x^(8·len B) mod P + crc(B). The power is
// computed by squaring. This is the method of crc32_combine in zlib (crc32.c, multmodp and x2nmodp, by Mark Adler, since
// version 1.2.12), here for any width up to 64.
//
// Polynomials are reflected as in the CRCs themselves: the highest of the w bits is x^0, the lowest x^(w-1).
type field struct {
	one  uint64 // x^0: the highest bit
	poly uint64 // P without its term x^w
}

var fields = map[Algorithm]field{
	CRC32:     {one: 1 << 31, poly: crc32.IEEE},
	CRC32C:    {one: 1 << 31, poly: crc32.Castagnoli},
	CRC64NVME: {one: 1 << 63, poly: crc64nvme.NVME},
}

// mul returns a·b mod P. It does not branch on the values of a and b, which no processor could predict.
func (f field) mul(a, b uint64) uint64 {
	product := uint64(0)
	for i := bits.Len64(f.one) - 1; i >= 0; i-- {
		product ^= b & -(a >> i & 1)
		b = b>>1 ^ f.poly&-(b&1) // times x
	}
	return product
}

// shift returns x^(8n) mod P: what appending n bytes multiplies by.
func (f field) shift(n uint64) uint64 {
	power := f.one
	for square := f.one >> 8; n != 0; n >>= 1 { // x^8
		if n&1 != 0 {
			power = f.mul(power, square)
		}
		square = f.mul(square, square)
	}
	return power
}

// toUint reads the most significant byte first.
func toUint(raw string) uint64 {
	v := uint64(0)
	for i := range len(raw) {
		v = v<<8 | uint64(raw[i])
	}
	return v
}

// fromUint writes v in size bytes, the most significant first.
func fromUint(v uint64, size int) string {
	raw := binary.BigEndian.AppendUint64(nil, v)
	return string(raw[len(raw)-size:])
}
