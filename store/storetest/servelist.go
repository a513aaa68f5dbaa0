package storetest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"haul/store"
)

// list answers both versions of ListObjects, a page as Memory.List would give it.
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

// page fills a page with what comes after a key or common prefix, and gives its last one.
func (q *request) page(out *listXML, prefix, delimiter, after string) (last string) {
	m, encoding := q.s.memory, out.EncodingType
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[out.Name]
	group := ""
	for _, key := range b.keys(prefix, after) {
		common := ""
		if delimiter != "" {
			if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
				common = key[:len(prefix)+i+len(delimiter)]
			}
		}
		o := b.current(key)
		switch {
		case o == nil, common != "" && common == group, common != "" && common <= after:
			continue
		case len(out.Contents)+len(out.CommonPrefixes) >= out.MaxKeys:
			out.IsTruncated = out.MaxKeys > 0
			return last
		case common != "":
			group, last = common, common
			out.CommonPrefixes = append(out.CommonPrefixes, prefixXML{coded(encoding, common)})
			continue
		}
		last = key
		out.Contents = append(out.Contents, objectXML{
			Key: coded(encoding, key), LastModified: stamp(o.info.Modified), ETag: quoted(o.info.ETag), Size: o.info.Size,
			StorageClass: classXML(o.info.StorageClass),
		})
	}
	return last
}

func (q *request) headBucket() error {
	q.w.Header().Set("x-amz-bucket-region", q.s.region)
	if !q.s.memory.HasBucket(q.on.ref.Bucket) {
		return refuse(HeadBucket, q.on.ref, store.NoBucket, "The specified bucket does not exist")
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) createBucket() error {
	if q.s.memory.HasBucket(q.on.ref.Bucket) {
		e := refuse(CreateBucket, q.on.ref, store.Conflict, "Your previous request to create the named bucket succeeded and you already own it.")
		e.Code = "BucketAlreadyOwnedByYou"
		return e
	}
	q.s.memory.CreateBucket(q.on.ref.Bucket)
	q.w.Header().Set("Location", "/"+q.on.ref.Bucket)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) location() error {
	if !q.s.memory.HasBucket(q.on.ref.Bucket) {
		return refuse(Location, q.on.ref, store.NoBucket, "The specified bucket does not exist")
	}
	region := q.s.region
	if region == "us-east-1" {
		region = "" // as S3 tells it since its first days
	}
	q.xml(http.StatusOK, locationXML{Region: region})
	return nil
}

func (q *request) listBuckets() error {
	m := q.s.memory
	m.mu.Lock()
	var out bucketsXML
	for name := range m.buckets {
		out.Bucket = append(out.Bucket, bucketXML{Name: name, CreationDate: stamp(modified())})
	}
	m.mu.Unlock()
	slices.SortFunc(out.Bucket, func(a, b bucketXML) int { return strings.Compare(a.Name, b.Name) })
	q.xml(http.StatusOK, out)
	return nil
}
