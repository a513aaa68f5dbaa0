package s3

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// call describes one operation.
type call struct {
	op  string // in S3's words
	ref store.Ref
	// header is sent and signed on top of what the SDK sends.
	header http.Header
	attrs  *store.Attrs
	// sums names the algorithm of a checksum that the request relies on, so that a refusal of it can be recognized.
	sums checksum.Algorithm
	// size of the body in bytes.
	size int64
	// part is the number of the part that the request sends, or how many parts it names.
	part int
	// slow answers may take minutes (Complete, Copy).
	slow bool
	// pinned: a 412 is about the state of the object that is read; else about the one that is written.
	pinned bool
	// stream: the answer's body continues after the call.
	stream bool
	// everywhere: the call is not about a bucket.
	everywhere bool
}

// newCall returns a call that touches the bytes of an object, and so needs the customer's key.
func newCall(op string, ref store.Ref, a *store.Attrs) call {
	c := newPlainCall(op, ref, a)
	if a != nil {
		customerHeaders(c.header, customerPrefix, a.Encryption.Customer)
	}
	return c
}

// newPlainCall returns any other call on an object.
func newPlainCall(op string, ref store.Ref, a *store.Attrs) call {
	c := call{op: op, ref: ref, attrs: a, header: http.Header{}}
	if a != nil {
		set(c.header, "X-Amz-Request-Payer", a.RequestPayer)
	}
	return c
}

// makers are the operations that give an object its key. If a store once accepted a key with other bytes, those that read
// and delete still work.
var makers = []string{"PutObject", "CreateMultipartUpload", "CopyObject"}

// check refuses a call on an object whose key cannot be sent, or whose attributes were invalid.
func (c *call) check(attrs error) error {
	switch {
	case c.ref.Key == "":
		return c.invalid("name an object: s3://BUCKET/KEY", errors.New("no key is named"))
	case attrs != nil:
		return c.locate(attrs)
	case !utf8.ValidString(c.ref.Key) && slices.Contains(makers, c.op):
		return c.invalid("object keys must be UTF-8: rename the file (for example with convmv -f latin1 -t utf8), or choose another key",
			fmt.Errorf("the name %q is not UTF-8", c.ref.Key))
	}
	return nil
}

// withSums calls try with a request for the sums of an object, if the server supports that. Servers that do not may fail on
// the very request; it is repeated without, and sums are not requested again.
func (s *Store) withSums(c *call, try func() (*roundTrip, error)) (*roundTrip, error) {
	if !s.profile.has(checksumMode) {
		return try()
	}
	c.header.Set(sumMode, "ENABLED")
	x, err := try()
	if err == nil {
		s.profile.foundSupported(checksumMode)
		return x, nil
	}
	if s.profile.sure(checksumMode) || x == nil || x.fault == nil || !chokes(x.fault) {
		return x, err
	}
	c.header.Del(sumMode)
	plain, again := try()
	if again != nil {
		return x, err
	}
	s.profile.foundMissing(checksumMode)
	return plain, nil
}
