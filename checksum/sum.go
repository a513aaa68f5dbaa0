package checksum

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Sum is a finished checksum. Its zero value means no sum; Sums can be compared with ==.
type Sum struct {
	Algorithm Algorithm
	// Value holds the raw bytes, most significant first, as S3 encodes them.
	Value string
	// Parts is 0 for the sum of plain bytes, and N for a composite of N parts.
	Parts int
}

// FromBase64 parses a sum as S3 writes it in headers and XML: the Base64 of the raw bytes, and "-N" for a composite of N
// parts. It accepts only canonical Base64.
func FromBase64(a Algorithm, s string) (Sum, error) {
	if a.Size() == 0 {
		return Sum{}, fmt.Errorf("%w %q", ErrUnknown, string(a))
	}
	text, parts, ok := cutParts(s)
	if !ok {
		return Sum{}, fmt.Errorf("%s sum %q: the number of parts is wrong", a, s)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Sum{}, fmt.Errorf("%s sum %q: %w", a, s, err)
	}
	if len(raw) != a.Size() {
		return Sum{}, fmt.Errorf("%s sum %q: %d bytes instead of %d", a, s, len(raw), a.Size())
	}
	// The decoder ignores line ends and stray bits; a sum has one spelling.
	if base64.StdEncoding.EncodeToString(raw) != text {
		return Sum{}, fmt.Errorf("%s sum %q: stray characters", a, s)
	}
	return Sum{Algorithm: a, Value: string(raw), Parts: parts}, nil
}

// FromETag parses an ETag, without its quotes, that has the form of an MD5: 32 hexadecimal digits, and "-N" for an object
// of N parts. Whether it really is one depends on the store and on the encryption; false means that it can't be.
func FromETag(etag string) (Sum, bool) {
	text, parts, ok := cutParts(etag)
	if !ok || len(text) != 2*MD5.Size() {
		return Sum{}, false
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return Sum{}, false
	}
	return Sum{Algorithm: MD5, Value: string(raw), Parts: parts}, true
}

// cutParts removes the "-N"; without one, parts is 0. N is a plain decimal number from 1.
func cutParts(s string) (text string, parts int, ok bool) {
	text, number, found := strings.Cut(s, "-")
	if !found {
		return s, 0, true
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != number {
		return "", 0, false
	}
	return text, int(n), true
}

// IsZero reports whether there is no sum.
func (s Sum) IsZero() bool { return s == Sum{} }

// Base64 returns the sum as S3 writes it in headers and XML, with "-N" for a composite.
func (s Sum) Base64() string { return base64.StdEncoding.EncodeToString([]byte(s.Value)) + s.suffix() }

// Hex returns the sum as md5sum and similar tools write it, with "-N" for a composite: for MD5, that is the ETag.
func (s Sum) Hex() string { return hex.EncodeToString([]byte(s.Value)) + s.suffix() }

func (s Sum) suffix() string {
	if s.Parts == 0 {
		return ""
	}
	return "-" + strconv.Itoa(s.Parts)
}

// String returns the algorithm and the sum, such as "CRC64NVME rosUhgp5mIg="; no sum gives the empty string.
func (s Sum) String() string {
	if s.IsZero() {
		return ""
	}
	return string(s.Algorithm) + " " + s.Base64()
}

// MarshalText returns String, so that a Sum is safe in JSON, which raw bytes are not.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses what MarshalText returned.
func (s *Sum) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Sum{}
		return nil
	}
	name, value, _ := strings.Cut(string(text), " ")
	sum, err := FromBase64(Algorithm(name), value)
	if err != nil {
		return err
	}
	*s = sum
	return nil
}
