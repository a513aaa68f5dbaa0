package s3server

import (
	"encoding/base64"
	"net/http"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// list answers both versions of ListObjects, with a page as Memory.List would yield it.
func (q *request) list() error {
	v := q.query
	encoding, after := v.Get("encoding-type"), v.Get("marker")
	out := listXML{
		Name: q.call.On.Ref.Bucket, Prefix: coded(encoding, v.Get("prefix")), Delimiter: coded(encoding, v.Get("delimiter")), EncodingType: encoding,
		MaxKeys: q.limit(v.Get("max-keys")),
	}
	if v.Get("list-type") == "2" {
		out.StartAfter, out.ContinuationToken = coded(encoding, v.Get("start-after")), v.Get("continuation-token")
		token, err := base64.URLEncoding.DecodeString(out.ContinuationToken)
		if err != nil {
			return q.invalid("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = max(string(token), v.Get("start-after"))
	}
	last, err := q.page(&out, after)
	if err != nil {
		return err
	}
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
func (q *request) page(out *listXML, after string) (last string, err error) {
	page, more, err := q.s.memory.Page(q.r.Context(), storetest.Listing{
		Ref:       store.Ref{Bucket: out.Name, Key: q.query.Get("prefix")},
		Delimiter: q.query.Get("delimiter"), After: after, Most: out.MaxKeys,
	}, q.attrs())
	if err != nil {
		return "", err
	}
	encoding := out.EncodingType
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
	return last, nil
}
