package s3server

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"haul.example/haul/store"
)

func (q *request) headBucket() error {
	b, err := q.s.memory.Bucket(q.r.Context(), q.call.On.Ref.Bucket)
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
	body, err := io.ReadAll(io.LimitReader(q.body, maxBody))
	if err != nil || len(body) == 0 {
		return err
	}
	if err := xml.Unmarshal(body, v); err != nil {
		return q.invalid("MalformedXML", fmt.Sprint("The XML you provided was not well-formed: ", err))
	}
	return nil
}

func (q *request) createBucket() error {
	var in createBucketXML
	if err := q.document(&in); err != nil {
		return err
	}
	b := store.NewBucket{Name: q.call.On.Ref.Bucket, Region: in.LocationConstraint}
	for _, t := range in.Tag {
		if b.Tags == nil {
			b.Tags = map[string]string{}
		}
		b.Tags[t.Key] = t.Value
	}
	if err := q.s.memory.MakeBucket(q.r.Context(), b); err != nil {
		return err
	}
	q.w.Header().Set("Location", "/"+q.call.On.Ref.Bucket)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) deleteBucket() error {
	if err := q.s.memory.DeleteBucket(q.r.Context(), q.call.On.Ref.Bucket); err != nil {
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
		return q.invalid("InvalidArgument", "A value for IndexDocument Suffix must be provided")
	}
	if err := q.s.memory.SetWebsite(q.r.Context(), q.call.On.Ref.Bucket, store.Website(in)); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) location() error {
	b, err := q.s.memory.Bucket(q.r.Context(), q.call.On.Ref.Bucket)
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
		return q.invalid("InvalidArgument", "The continuation token provided is incorrect")
	}
	page, more, err := q.s.memory.BucketsPage(q.r.Context(), store.BucketQuery{Prefix: v.Get("prefix"), PageSize: most}, string(after))
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
