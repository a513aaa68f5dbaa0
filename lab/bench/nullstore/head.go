package nullstore

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// head is the head of a request. Its strings lie in one copy of what came.
type head struct {
	method string
	path   string // as it came, percent-encoded
	query  string
	fields []field
}

type field struct{ name, value string } // the name in lower case

var errHead = errors.New("not a request of HTTP/1.1")

// parseHead reads a head, given without the empty line at its end.
func parseHead(text string) (*head, error) {
	line, rest, _ := strings.Cut(text, "\r\n")
	method, line, ok1 := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(line, " ")
	if !ok1 || !ok2 || version != "HTTP/1.1" {
		return nil, errHead
	}
	if i := strings.Index(target, "://"); i > 0 { // as a proxy is asked
		slash := strings.IndexByte(target[i+3:], '/')
		if slash < 0 {
			return nil, errHead
		}
		target = target[i+3+slash:]
	}
	h := &head{method: method, fields: make([]field, 0, 24)}
	h.path, h.query, _ = strings.Cut(target, "?")
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, errHead
		}
		h.fields = append(h.fields, field{strings.ToLower(name), strings.TrimSpace(value)})
	}
	return h, nil
}

func (h *head) get(name string) string {
	for _, f := range h.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// is reports whether a field has that value, in any case.
func (h *head) is(name, value string) bool { return strings.EqualFold(h.get(name), value) }

// length is the length of the body as it stands on the wire; -1 when it is in the coding "chunked".
func (h *head) length() (int64, error) {
	if h.is("transfer-encoding", "chunked") {
		return -1, nil
	}
	v := h.get("content-length")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, errHead
	}
	return n, nil
}

// awsChunked reports whether the body is in S3's own coding.
func (h *head) awsChunked() bool {
	return strings.HasPrefix(h.get("x-amz-content-sha256"), "STREAMING-") || strings.Contains(h.get("content-encoding"), "aws-chunked")
}

// names gives bucket and key.
func (h *head) names() (bucket, key string, err error) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(h.path, "/"), "/")
	if strings.IndexByte(key, '%') >= 0 {
		key, err = url.PathUnescape(key)
	}
	return bucket, key, err
}

// param gives a parameter of the query, and whether it is there.
func (h *head) param(name string) (string, bool) {
	for rest := h.query; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		k, v, _ := strings.Cut(pair, "=")
		if k != name {
			continue
		}
		if strings.ContainsAny(v, "%+") {
			if plain, err := url.QueryUnescape(v); err == nil {
				v = plain
			}
		}
		return v, true
	}
	return "", false
}

func (h *head) has(name string) bool {
	_, ok := h.param(name)
	return ok
}

// byteRange gives the range that is asked for of an object of that size: offset, length, and whether one was asked for at all.
func (h *head) byteRange(size int64) (offset, length int64, partial, ok bool) {
	v := h.get("range")
	if v == "" {
		return 0, size, false, true
	}
	first, last, found := strings.Cut(strings.TrimPrefix(v, "bytes="), "-")
	if !found || strings.Contains(last, ",") {
		return 0, 0, true, false
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		n = min(n, size)
		return size - n, n, true, err == nil && n > 0
	}
	offset, err := strconv.ParseInt(first, 10, 64)
	if err != nil || offset < 0 || offset >= size {
		return 0, 0, true, false
	}
	end := size - 1
	if last != "" {
		if end, err = strconv.ParseInt(last, 10, 64); err != nil || end < offset {
			return 0, 0, true, false
		}
		end = min(end, size-1)
	}
	return offset, end - offset + 1, true, true
}
