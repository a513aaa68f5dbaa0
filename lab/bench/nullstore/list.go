package nullstore

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list answers ListObjects and ListObjectsV2.
func (s *Server) list(h *head, bucket string) answer {
	q := listing{bucket: bucket, most: 1000}
	kind, _ := h.param("list-type")
	q.v2 = kind == "2"
	q.prefix, _ = h.param("prefix")
	q.delimiter, _ = h.param("delimiter")
	if v, ok := h.param("max-keys"); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return answer{status: 400, body: errorXML("InvalidArgument", "max-keys is no number.")}
		}
		q.most = min(q.most, n)
	}
	encoding, _ := h.param("encoding-type")
	q.encode = encoding == "url"
	q.after, _ = h.param("marker")
	if q.v2 {
		q.after, _ = h.param("start-after")
		if token, ok := h.param("continuation-token"); ok {
			after, err := base64.URLEncoding.DecodeString(token)
			if err != nil {
				return answer{status: 400, body: errorXML("InvalidArgument", "The continuation token is not one of this store's.")}
			}
			q.token, q.after = token, string(after)
		}
	}
	return answer{status: 200, fields: []field{{"Content-Type", "application/xml"}}, body: q.page(s.names())}
}

// names gives the names of all objects in order, and the objects. Neither may be changed.
func (s *Server) names() ([]string, func(string) *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorted == nil {
		s.sorted = slices.Sorted(maps.Keys(s.objects))
	}
	return s.sorted, s.find
}

// listing is what a request wants listed.
type listing struct {
	bucket, prefix, delimiter string
	after, token              string
	most                      int
	v2, encode                bool
}

// page makes one page of at most so many keys and common prefixes.
func (q listing) page(names []string, find func(string) *object) string {
	var body strings.Builder
	count, last, more, group := 0, "", false, ""
	begin := q.bucket + "/" + max(q.prefix, q.after)
	at, _ := slices.BinarySearch(names, begin)
	for _, name := range names[at:] {
		key, ok := strings.CutPrefix(name, q.bucket+"/")
		if !ok || !strings.HasPrefix(key, q.prefix) {
			break
		}
		common := q.common(key)
		if key <= q.after || common != "" && (common == group || q.after >= common && strings.HasPrefix(q.after, common)) {
			continue
		}
		if count == q.most {
			more = true
			break
		}
		o := find(name)
		switch {
		case common != "":
			body.WriteString("<CommonPrefixes>" + tag("Prefix", q.text(common)) + "</CommonPrefixes>")
			group, last = common, common
		case o == nil: // removed meanwhile
			continue
		default:
			body.WriteString("<Contents>" + tag("Key", q.text(key)) + tag("LastModified", o.modified.UTC().Format(time.RFC3339)) +
				tag("ETag", `"`+o.etag+`"`) + tag("Size", strconv.FormatInt(o.size, 10)) + tag("StorageClass", "STANDARD") + "</Contents>")
			last = key
		}
		count++
	}
	return document("ListBucketResult", append(q.head(count, last, more), body.String())...)
}

// common gives the common prefix that a key falls under, or "".
func (q listing) common(key string) string {
	if q.delimiter == "" {
		return ""
	}
	before, _, ok := strings.Cut(key[len(q.prefix):], q.delimiter)
	if !ok {
		return ""
	}
	return q.prefix + before + q.delimiter
}

func (q listing) head(count int, last string, more bool) []string {
	tags := []string{tag("Name", q.bucket), tag("Prefix", q.text(q.prefix)), tag("MaxKeys", strconv.Itoa(q.most)),
		tag("IsTruncated", strconv.FormatBool(more))}
	if q.delimiter != "" {
		tags = append(tags, tag("Delimiter", q.text(q.delimiter)))
	}
	if q.encode {
		tags = append(tags, tag("EncodingType", "url"))
	}
	if !q.v2 {
		tags = append(tags, tag("Marker", q.text(q.after)))
		if more {
			tags = append(tags, tag("NextMarker", q.text(last)))
		}
		return tags
	}
	tags = append(tags, tag("KeyCount", strconv.Itoa(count)))
	if q.token != "" {
		tags = append(tags, tag("ContinuationToken", q.token))
	}
	if more {
		tags = append(tags, tag("NextContinuationToken", base64.URLEncoding.EncodeToString([]byte(last))))
	}
	return tags
}

func (q listing) text(key string) string {
	if !q.encode {
		return key
	}
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
