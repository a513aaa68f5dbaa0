package storetest

import (
	"encoding/base64"
	"net/http"

	"haul.example/haul/store"
)

// list answers both versions of ListObjects, with a page as Memory.List would yield it.
func (q *request) list() (err error) {
	m, bucket, v := q.s.memory, q.on.ref.Bucket, q.query
	ref := store.Ref{Bucket: bucket, Key: v.Get("prefix")}
	c, err := m.begin(q.r.Context(), List, target{ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	_, err = m.mayList(ref, q.attrs())
	m.mu.Unlock()
	if err != nil {
		return err
	}
	encoding, prefix, delimiter := v.Get("encoding-type"), v.Get("prefix"), v.Get("delimiter")
	out := listXML{
		Name: bucket, Prefix: coded(encoding, prefix), Delimiter: coded(encoding, delimiter), EncodingType: encoding,
		MaxKeys: q.limit(v.Get("max-keys")),
	}
	after := v.Get("marker")
	if v.Get("list-type") == "2" {
		out.StartAfter, out.ContinuationToken = coded(encoding, v.Get("start-after")), v.Get("continuation-token")
		token, err := base64.URLEncoding.DecodeString(out.ContinuationToken)
		if err != nil {
			return invalid(List, q.on.ref, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = max(string(token), v.Get("start-after"))
	}
	last := q.page(&out, prefix, delimiter, after)
	if v.Get("list-type") == "2" {
		n := len(out.Contents) + len(out.CommonPrefixes)
		out.KeyCount = &n
		if out.IsTruncated {
			out.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
		}
	} else {
		marker := coded(encoding, after)
		out.Marker = &marker
		if out.IsTruncated {
			out.NextMarker = coded(encoding, last)
		}
	}
	q.xml(http.StatusOK, out)
	return nil
}

// page fills a page with what comes after a key or common prefix, and returns its last one.
func (q *request) page(out *listXML, prefix, delimiter, after string) (last string) {
	m, encoding := q.s.memory, out.EncodingType
	m.mu.Lock()
	defer m.mu.Unlock()
	page, more := m.buckets[out.Name].page(listing{ref: store.Ref{Key: prefix}, delimiter: delimiter, after: after, most: out.MaxKeys})
	out.IsTruncated = more
	for _, e := range page {
		last = e.Name()
		if e.Prefix != "" {
			out.CommonPrefixes = append(out.CommonPrefixes, prefixXML{coded(encoding, e.Prefix)})
			continue
		}
		out.Contents = append(out.Contents, objectXML{
			Key: coded(encoding, e.Object.Key), LastModified: stamp(e.Object.Modified), ETag: quoted(e.Object.ETag), Size: e.Object.Size,
			StorageClass: classXML(e.Object.StorageClass),
		})
	}
	return last
}
