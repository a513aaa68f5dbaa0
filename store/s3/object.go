package s3

import (
	"net/http"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

const (
	sumPrefix   = "X-Amz-Checksum-"
	sumType     = "X-Amz-Checksum-Type"
	sumMode     = "X-Amz-Checksum-Mode"
	contentMD5  = "Content-Md5"
	ifMatch     = "If-Match"
	ifNoneMatch = "If-None-Match"
)

// algorithms are those whose sums are read from answers.
var algorithms = checksum.All()

// sumHeaders name the headers that carry a sum of each algorithm to and from the server.
var sumHeaders = func() map[checksum.Algorithm]string {
	names := map[checksum.Algorithm]string{}
	for _, a := range algorithms {
		names[a] = http.CanonicalHeaderKey(sumPrefix + string(a))
	}
	return names
}()

// setSum puts the sum of the body into a request.
func setSum(h http.Header, s checksum.Sum) {
	switch s.Algorithm {
	case checksum.None:
	case checksum.MD5:
		h.Set(contentMD5, s.Base64())
	default:
		h.Set(sumHeaders[s.Algorithm], s.Base64())
	}
}

// objectFrom reads what an answer's headers say of an object; its Size is for the caller to set.
func objectFrom(ref store.Ref, h http.Header) store.Object {
	o := store.Object{
		Ref:          ref,
		ETag:         etag(h.Get("ETag")),
		Encryption:   h.Get(sseHeader),
		KMSKeyID:     h.Get(kmsKeyHeader),
		StorageClass: h.Get("X-Amz-Storage-Class"),
		Restore:      restore(h.Get("X-Amz-Restore")),
	}
	// A bucket that keeps no versions has one of the name null, which S3 returns on request, and others do not know.
	if v := h.Get("X-Amz-Version-Id"); v != "" && v != "null" {
		o.Version = v
	}
	if h.Get(customerPrefix+"Algorithm") != "" {
		o.Encryption = customerEncryption
	}
	if t, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		o.Modified = t
	}
	o.Sums = sumsFrom(h, o.ETag)
	return o
}

// restore reads x-amz-restore: ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT".
func restore(v string) store.Restore {
	r := store.Restore{Ongoing: strings.Contains(v, `ongoing-request="true"`)}
	if _, rest, ok := strings.Cut(v, `expiry-date="`); ok {
		date, _, _ := strings.Cut(rest, `"`)
		if t, err := http.ParseTime(date); err == nil {
			r.Until = t
		}
	}
	return r
}

// etag removes the quotes, and the mark of a weak ETag that some proxies add.
func etag(s string) string { return strings.Trim(strings.TrimPrefix(s, "W/"), `"`) }

// sumsFrom reads the sums of a whole object.
func sumsFrom(h http.Header, etag string) []checksum.Sum {
	var sums []checksum.Sum
	for _, a := range algorithms {
		if s := wholeSumOf(a, h.Get(sumHeaders[a]), h.Get(sumType), etag); !s.IsZero() {
			sums = append(sums, s)
		}
	}
	return sums
}

// wholeSumOf reads the sum of an object. Servers say in different ways that it is one of sums of parts: by "-N" after the
// value, or by the type, or not at all if they predate types; then it is for all but CRC64NVME.
func wholeSumOf(a checksum.Algorithm, value, kind, etag string) checksum.Sum {
	if value == "" {
		return checksum.Sum{}
	}
	s, err := checksum.FromBase64(a, strings.TrimSpace(value))
	if err != nil || s.Parts != 0 {
		return s
	}
	n := 0
	if m, ok := checksum.FromETag(etag); ok {
		n = m.Parts
	}
	composite := kind == string(checksum.Composite) || kind == "" && n > 0 && a != checksum.CRC64NVME
	if !composite {
		return s
	}
	if n == 0 {
		return checksum.Sum{} // of how many parts is unknown, so nothing can be compared
	}
	s.Parts = n
	return s
}

// partSum reads the sum of one part from the values that an XML answer or a header has for each algorithm.
func partSum(value func(checksum.Algorithm) string) checksum.Sum {
	for _, a := range algorithms {
		v := value(a)
		if v == "" {
			continue
		}
		if s, err := checksum.FromBase64(a, v); err == nil && s.Parts == 0 && !s.IsZero() {
			return s
		}
	}
	return checksum.Sum{}
}

func headerSum(h http.Header) checksum.Sum {
	return partSum(func(a checksum.Algorithm) string { return h.Get(sumHeaders[a]) })
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
