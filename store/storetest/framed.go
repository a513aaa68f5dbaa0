package storetest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"haul/store"
)

// unframe decodes a body of Content-Encoding aws-chunked: chunks, each behind its length in hex and maybe a signature, an
// empty one, and trailing headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unframe(r *bufio.Reader) ([]byte, http.Header, error) {
	var data []byte
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, nil, early(err)
		}
		text, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(text, 16, 64)
		if err != nil || n < 0 || n > most {
			return nil, nil, &store.Error{Kind: store.Invalid, Status: 400, Code: "InvalidRequest", Message: fmt.Sprintf("chunk of size %q", text)}
		}
		if n == 0 {
			break
		}
		at := len(data)
		data = append(data, make([]byte, n)...)
		if _, err := io.ReadFull(r, data[at:]); err != nil {
			return nil, nil, early(err)
		}
		if _, err := r.Discard(len("\r\n")); err != nil {
			return nil, nil, early(err)
		}
	}
	trailer := http.Header{}
	for {
		line, err := r.ReadString('\n')
		k, v, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok {
			trailer.Set(textproto.TrimString(k), textproto.TrimString(v))
		}
		if err == io.EOF || err == nil && !ok {
			return data, trailer, nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// early tells an end in the middle from an end.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
