package storetest

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"haul.example/haul/store"
)

// Buckets lists the buckets in order of their names.
func (m *Memory) Buckets(ctx context.Context, q store.BucketQuery) iter.Seq2[store.Bucket, error] {
	return func(yield func(store.Bucket, error) bool) {
		after := ""
		for more := true; more; {
			var page []store.Bucket
			var err error
			if page, more, err = m.bucketsPage(ctx, q, after); err != nil {
				yield(store.Bucket{}, err)
				return
			}
			for _, b := range page {
				if after = b.Name; !yield(b, nil) {
					return
				}
			}
		}
	}
}

func (m *Memory) bucketsPage(ctx context.Context, q store.BucketQuery, after string) (page []store.Bucket, more bool, err error) {
	c, err := m.begin(ctx, ListBuckets, target{})
	defer c.end(&err)
	if err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.buckets)) {
		b := m.buckets[name]
		switch {
		case name <= after, !strings.HasPrefix(name, q.Prefix), q.Region != "" && b.region != q.Region:
		case q.PageSize > 0 && len(page) == q.PageSize:
			return page, true, nil
		default:
			page = append(page, store.Bucket{Name: name, Made: b.made, Region: b.region})
		}
	}
	return page, false, nil
}

// withBucket makes one call on a bucket that exists.
func (m *Memory) withBucket(ctx context.Context, op Op, name string, do func(*bucket) error) (err error) {
	ref := store.Ref{Bucket: name}
	c, err := m.begin(ctx, op, target{ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[name]
	if b == nil {
		return refuse(op, ref, store.NoBucket, "The specified bucket does not exist")
	}
	return do(b)
}

// Bucket checks that a bucket exists, and returns its region.
func (m *Memory) Bucket(ctx context.Context, name string) (found store.Bucket, err error) {
	err = m.withBucket(ctx, HeadBucket, name, func(b *bucket) error {
		found = store.Bucket{Name: name, Region: b.region}
		return nil
	})
	return found, err
}

// MakeBucket creates a bucket.
func (m *Memory) MakeBucket(ctx context.Context, b store.NewBucket) (err error) {
	ref := store.Ref{Bucket: b.Name}
	c, err := m.begin(ctx, CreateBucket, target{ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[b.Name] != nil {
		e := refuse(CreateBucket, ref, store.Exists, "Your previous request to create the named bucket succeeded and you already own it.")
		e.Status, e.Code = 409, "BucketAlreadyOwnedByYou"
		return e
	}
	made := m.makeBucket(b.Name)
	made.region, made.tags = b.Region, maps.Clone(b.Tags)
	return nil
}

// DeleteBucket deletes an empty bucket.
func (m *Memory) DeleteBucket(ctx context.Context, name string) error {
	return m.withBucket(ctx, DeleteBucket, name, func(b *bucket) error {
		if len(b.objects) > 0 || len(b.uploads) > 0 {
			return refuse(DeleteBucket, store.Ref{Bucket: name}, store.NotEmpty, "The bucket you tried to delete is not empty")
		}
		delete(m.buckets, name)
		return nil
	})
}

// SetWebsite makes a bucket a website; a Memory only records it.
func (m *Memory) SetWebsite(ctx context.Context, name string, w store.Website) error {
	return m.withBucket(ctx, SetWebsite, name, func(b *bucket) error {
		b.website = w
		return nil
	})
}

// Website returns what SetWebsite set.
func (m *Memory) Website(name string) store.Website {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.buckets[name]; b != nil {
		return b.website
	}
	return store.Website{}
}

// BucketTags returns the tags that a bucket was made with.
func (m *Memory) BucketTags(name string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.buckets[name]; b != nil {
		return maps.Clone(b.tags)
	}
	return nil
}

func (q *request) headBucket() error {
	b, err := q.s.memory.Bucket(q.r.Context(), q.on.ref.Bucket)
	q.w.Header().Set("x-amz-bucket-region", q.regionOf(b))
	if err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// regionOf returns a bucket's region: the server's, if it was not created in another.
func (q *request) regionOf(b store.Bucket) string {
	if b.Region != "" {
		return b.Region
	}
	return q.s.region
}

// document parses the XML of a request.
func (q *request) document(v any) error {
	body, err := io.ReadAll(io.LimitReader(q.body, most))
	if err != nil || len(body) == 0 {
		return err
	}
	if err := xml.Unmarshal(body, v); err != nil {
		return invalid(q.op, q.on.ref, "MalformedXML", fmt.Sprint("The XML you provided was not well-formed: ", err))
	}
	return nil
}

func (q *request) createBucket() error {
	var in createBucketXML
	if err := q.document(&in); err != nil {
		return err
	}
	b := store.NewBucket{Name: q.on.ref.Bucket, Region: in.LocationConstraint}
	for _, t := range in.Tag {
		if b.Tags == nil {
			b.Tags = map[string]string{}
		}
		b.Tags[t.Key] = t.Value
	}
	if err := q.s.memory.MakeBucket(q.r.Context(), b); err != nil {
		return err
	}
	q.w.Header().Set("Location", "/"+q.on.ref.Bucket)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) deleteBucket() error {
	if err := q.s.memory.DeleteBucket(q.r.Context(), q.on.ref.Bucket); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (q *request) setWebsite() error {
	var in websiteXML
	if err := q.document(&in); err != nil {
		return err
	}
	if in.Index == "" {
		return invalid(SetWebsite, q.on.ref, "InvalidArgument", "A value for IndexDocument Suffix must be provided")
	}
	if err := q.s.memory.SetWebsite(q.r.Context(), q.on.ref.Bucket, store.Website(in)); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) location() error {
	b, err := q.s.memory.Bucket(q.r.Context(), q.on.ref.Bucket)
	if err != nil {
		return err
	}
	region := q.regionOf(b)
	if region == "us-east-1" {
		region = "" // as S3 has answered since its first days
	}
	q.xml(http.StatusOK, locationXML{Region: region})
	return nil
}

func (q *request) listBuckets() error {
	v := q.query
	most, _ := strconv.Atoi(v.Get("max-buckets"))
	after, err := base64.URLEncoding.DecodeString(v.Get("continuation-token"))
	if err != nil {
		return invalid(ListBuckets, q.on.ref, "InvalidArgument", "The continuation token provided is incorrect")
	}
	page, more, err := q.s.memory.bucketsPage(q.r.Context(), store.BucketQuery{Prefix: v.Get("prefix"), PageSize: most}, string(after))
	if err != nil {
		return err
	}
	var out bucketsXML
	for _, b := range page {
		if want := v.Get("bucket-region"); want == "" || want == q.regionOf(b) {
			out.Buckets.Bucket = append(out.Buckets.Bucket, bucketXML{b.Name, stamp(b.Made), q.regionOf(b)})
		}
	}
	if more {
		out.ContinuationToken = base64.URLEncoding.EncodeToString([]byte(page[len(page)-1].Name))
	}
	q.xml(http.StatusOK, out)
	return nil
}
