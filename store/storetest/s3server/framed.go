package s3server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// framed decodes a body of Content-Encoding aws-chunked as it comes: runs of bytes, each after its length in hex and
// perhaps a signature, an empty one, and trailing headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
type framed struct {
	r     *bufio.Reader
	left  int64 // of this run
	begun bool
	last  bool // run was
}

// Read returns the bytes without their framing, and io.EOF before the trailing headers.
func (f *framed) Read(p []byte) (int, error) {
	for f.left == 0 {
		if f.last {
			return 0, io.EOF
		}
		if err := f.next(); err != nil {
			return 0, early(err)
		}
	}
	n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, early(err)
}

// next reads up to the bytes of the next run.
func (f *framed) next() error {
	if f.begun {
		if _, err := f.r.Discard(len("\r\n")); err != nil {
			return err
		}
	}
	f.begun = true
	line, err := f.r.ReadString('\n')
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(strings.TrimSpace(line), ";")
	n, err := strconv.ParseInt(text, 16, 64)
	if err != nil || n < 0 {
		return &store.Error{Kind: store.Invalid, Status: 400, Code: "InvalidRequest", Message: fmt.Sprintf("a run of size %q", text)}
	}
	f.left, f.last = n, n == 0
	return nil
}

// trailer reads the trailing headers, after all bytes have been read.
func (f *framed) trailer() (http.Header, error) {
	if n, err := f.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return nil, &store.Error{Kind: store.Invalid, Status: 400, Code: "IncompleteBody", Message: "not as many bytes came as were announced"}
	}
	h := http.Header{}
	for {
		line, err := f.r.ReadString('\n')
		k, v, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok {
			h.Set(textproto.TrimString(k), textproto.TrimString(v))
		}
		if err == io.EOF || err == nil && !ok {
			return h, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// early distinguishes an end in the middle from a proper end.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// noSum is the sum of no bytes at all, for a checksum that could not be read: it matches nothing.
var noSum = checksum.Sum{Algorithm: checksum.CRC64NVME, Value: "none"}

// trailingSum returns what the trailing headers say, for a Memory to ask for after the last byte.
func (q *request) trailingSum(f *framed) checksum.Sum {
	h, err := f.trailer()
	if err != nil {
		return noSum
	}
	sum, err := q.sentSum(h)
	if err != nil {
		return noSum
	}
	return sum
}
