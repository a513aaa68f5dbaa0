package s3server

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// headerAlgorithms are those that are sent in headers named x-amz-checksum-…. S3 has one of MD5, too, which haul does not send.
var headerAlgorithms = slices.DeleteFunc(checksum.All(), func(a checksum.Algorithm) bool { return a == checksum.MD5 })

func checksumHeader(a checksum.Algorithm) string {
	return "x-amz-checksum-" + strings.ToLower(string(a))
}

// sentSum returns the checksum in headers, Content-MD5 if there is no other; the store may not support it.
func (q *request) sentSum(hs ...http.Header) (checksum.Sum, error) {
	for _, h := range hs {
		for _, a := range headerAlgorithms {
			if v := h.Get(checksumHeader(a)); v != "" {
				return q.parseSum(a, v)
			}
		}
	}
	if v := q.r.Header.Get("Content-MD5"); v != "" {
		return q.parseSum(checksum.MD5, v)
	}
	return checksum.Sum{}, nil
}

func (q *request) parseSum(a checksum.Algorithm, v string) (checksum.Sum, error) {
	s, err := checksum.FromBase64(a, v)
	if err != nil {
		return s, q.invalid("InvalidRequest", "Value for "+string(a)+" is invalid.")
	}
	return s, nil
}

// attrs reads the headers that are stored with an object.
func (q *request) attrs() *store.Attrs {
	h := q.r.Header
	a := &store.Attrs{
		Headers: store.Headers{
			ContentType: h.Get("Content-Type"), ContentEncoding: contentEncoding(h), ContentDisposition: h.Get("Content-Disposition"),
			ContentLanguage: h.Get("Content-Language"), CacheControl: h.Get("Cache-Control"), Expires: h.Get("Expires"),
		},
		StorageClass: h.Get("x-amz-storage-class"),
		ACL:          h.Get("x-amz-acl"),
		RequestPayer: h.Get("x-amz-request-payer"),
		Encryption: store.Encryption{
			SSE: h.Get("x-amz-server-side-encryption"), KMSKeyID: h.Get("x-amz-server-side-encryption-aws-kms-key-id"),
			Customer:   customerKey(h, "x-amz-server-side-encryption-customer-"),
			CopySource: customerKey(h, "x-amz-copy-source-server-side-encryption-customer-"),
		},
	}
	for k, v := range h {
		if name, ok := strings.CutPrefix(strings.ToLower(k), "x-amz-meta-"); ok {
			if a.Metadata == nil {
				a.Metadata = map[string]string{}
			}
			a.Metadata[name] = strings.Join(v, ",")
		}
	}
	if tags, err := url.ParseQuery(h.Get("x-amz-tagging")); err == nil && len(tags) > 0 {
		a.Tags = map[string]string{}
		for k := range tags {
			a.Tags[k] = tags.Get(k)
		}
	}
	return a
}

// contentEncoding returns that header without aws-chunked.
func contentEncoding(h http.Header) string {
	var left []string
	for word := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if word = strings.TrimSpace(word); word != "" && word != "aws-chunked" {
			left = append(left, word)
		}
	}
	return strings.Join(left, ",")
}

func customerKey(h http.Header, prefix string) store.CustomerKey {
	return store.CustomerKey{Algorithm: h.Get(prefix + "algorithm"), Key: store.Secret(h.Get(prefix + "key"))}
}

// describe writes the headers of an object into an answer.
func (q *request) describe(o store.Object) {
	h := q.w.Header()
	a := o.Attrs.Headers
	if a.ContentType == "" {
		a.ContentType = "binary/octet-stream"
	}
	for k, v := range map[string]string{
		"Content-Type": a.ContentType, "Content-Encoding": a.ContentEncoding, "Content-Disposition": a.ContentDisposition,
		"Content-Language": a.ContentLanguage, "Cache-Control": a.CacheControl, "Expires": a.Expires,
		"x-amz-storage-class": o.StorageClass, "Last-Modified": o.Modified.UTC().Format(http.TimeFormat), "Accept-Ranges": "bytes",
	} {
		if v != "" {
			h.Set(k, v)
		}
	}
	for k, v := range maps.All(o.Attrs.Metadata) {
		h.Set("x-amz-meta-"+k, v)
	}
	q.stateHeaders(o)
	if strings.EqualFold(q.r.Header.Get("x-amz-checksum-mode"), "ENABLED") {
		q.sumHeaders(o.Sum)
		for _, s := range o.Sums {
			h.Set("x-amz-checksum-type", string(kindOf(s)))
		}
	}
}

// stateHeaders write what identifies a state of an object.
func (q *request) stateHeaders(o store.Object) {
	h := q.w.Header()
	h.Set("ETag", quoted(o.ETag))
	if o.Version != "" {
		h.Set("x-amz-version-id", o.Version)
	}
	switch o.Encryption {
	case "":
	case "SSE-C":
		h.Set("x-amz-server-side-encryption-customer-algorithm", "AES256")
	default:
		h.Set("x-amz-server-side-encryption", o.Encryption)
	}
}

// sumHeaders write the checksums that sum returns.
func (q *request) sumHeaders(sum func(checksum.Algorithm) checksum.Sum) {
	for _, a := range headerAlgorithms {
		if s := sum(a); !s.IsZero() {
			q.w.Header().Set(checksumHeader(a), s.Base64())
		}
	}
}

// offsets parses a range header: first byte and length; a length of 0 means that there is no range, and a first byte below
// 0 the last so many bytes.
func offsets(header string) (first, length int64, err error) {
	text, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return 0, 0, nil
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok || strings.Contains(to, ",") {
		return 0, 0, nil // as RFC 9110 has it, ranges that are not understood are ignored
	}
	if from == "" {
		n, err := strconv.ParseInt(to, 10, 64)
		return -n, n, err
	}
	if first, err = strconv.ParseInt(from, 10, 64); err != nil {
		return 0, 0, err
	}
	if to == "" {
		return first, math.MaxInt64 - first, nil
	}
	last, err := strconv.ParseInt(to, 10, 64)
	if err != nil || last < first {
		return 0, 0, fmt.Errorf("range %q", header)
	}
	return first, last - first + 1, nil
}

// received is the payload, and the checksum that was sent with it, or comes after it.
type received struct {
	body *io.SectionReader
	sum  checksum.Sum
	late func() checksum.Sum // nil: there is nothing after the payload
}

func (q *request) received() (r received, err error) {
	var f *framed
	if r.body, f, err = q.payload(); err != nil {
		return r, err
	}
	if r.sum, err = q.sentSum(q.r.Header); f != nil {
		r.late = func() checksum.Sum { return q.trailingSum(f) }
	}
	return r, err
}

// whole returns a payload with nothing after it.
func (q *request) whole() (received, error) {
	r, err := q.received()
	if err != nil || r.late == nil {
		return r, err
	}
	data, err := io.ReadAll(r.body)
	if err != nil {
		return r, q.call.Failed(err)
	}
	r.body = io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
	if sum := r.late(); !sum.IsZero() {
		r.sum = sum
	}
	return r, nil
}
