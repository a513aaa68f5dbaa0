// Package checksum TBD.
package checksum


// Algorithm names one of the checksums that S3 knows. The zero value is None.
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

// Kind tells how the checksum of an object in parts is made from its bytes.
type Kind string

// FullObject sums all bytes as one; Composite sums the raw sums of the parts, one after the other.
const (
	FullObject Kind = "FULL_OBJECT"
	Composite  Kind = "COMPOSITE"
)

// Scheme is how an upload is summed: every part by Algorithm, the whole by Kind. The zero Scheme sums nothing.
type Scheme struct {
	Algorithm Algorithm
	Kind      Kind
}

// Sum is a finished checksum. Its zero value is no sum; two Sums are equal when == says so.
type Sum struct {
	Algorithm Algorithm
	// Value holds the raw bytes, most significant first, as S3 encodes them.
	Value string
	// Parts is 0 for the sum of plain bytes, and N for a composite of N parts.
	Parts int
}
