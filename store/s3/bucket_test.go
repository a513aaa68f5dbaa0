package s3_test

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

func TestLevel(t *testing.T) {
	first := answer(200, `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>
		<Contents><Key>runs/a</Key><Size>5</Size></Contents><CommonPrefixes><Prefix>runs/b+c/</Prefix></CommonPrefixes></ListBucketResult>`)
	last := answer(200, `<ListBucketResult><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>runs/d/</Prefix></CommonPrefixes></ListBucketResult>`)
	srv := script(t, first, last)
	s := open(t, s3.Config{Endpoint: srv.URL})
	var got []store.Entry
	for page, err := range s.Level(context.Background(), "lab", "runs/", "", &store.Attrs{PageSize: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
	}
	want := []store.Entry{{Prefix: "runs/b c/"}, {Object: store.Object{Ref: store.Ref{Bucket: "lab", Key: "runs/a"}, Size: 5}}, {Prefix: "runs/d/"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if q := srv.last(t).query; q.Get("delimiter") != "/" || q.Get("max-keys") != "7" || q.Get("continuation-token") != "t1" {
		t.Errorf("query is %v", q)
	}
}

func TestBuckets(t *testing.T) {
	srv := script(t,
		answer(200, `<ListAllMyBucketsResult><Buckets><Bucket><Name>lab</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate><BucketRegion>eu-west-1</BucketRegion></Bucket>
			<Bucket><Name>other</Name></Bucket><Bucket><Name>lab-2</Name><BucketRegion>us-east-1</BucketRegion></Bucket></Buckets><ContinuationToken>t1</ContinuationToken></ListAllMyBucketsResult>`),
		answer(200, `<ListAllMyBucketsResult><Buckets><Bucket><Name>lab-3</Name></Bucket></Buckets></ListAllMyBucketsResult>`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	var got []store.Bucket
	for b, err := range s.Buckets(context.Background(), store.BucketQuery{Prefix: "lab", Region: "eu-west-1", PageSize: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b)
	}
	want := []store.Bucket{{Name: "lab", Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Region: "eu-west-1"}, {Name: "lab-3"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if q := srv.last(t).query; q.Get("prefix") != "lab" || q.Get("bucket-region") != "eu-west-1" || q.Get("max-buckets") != "3" || q.Get("continuation-token") != "t1" {
		t.Errorf("query is %v", q)
	}
}

func TestBucket(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, "", "x-amz-bucket-region: eu-west-1")).URL})
	if b, err := s.Bucket(context.Background(), "lab"); err != nil || b != (store.Bucket{Name: "lab", Region: "eu-west-1"}) {
		t.Errorf("%+v, %v", b, err)
	}
	for text, want := range map[string]string{"": "us-east-1", "eu-west-1": "eu-west-1"} {
		s = open(t, s3.Config{Endpoint: script(t, answer(200, ""), answer(200, "<LocationConstraint>"+text+"</LocationConstraint>")).URL})
		if b, err := s.Bucket(context.Background(), "lab"); err != nil || b.Region != want {
			t.Errorf("%+v, %v", b, err)
		}
	}
	s = open(t, s3.Config{Endpoint: script(t, answer(200, ""), fails(403, "AccessDenied", "")).URL})
	if b, err := s.Bucket(context.Background(), "lab"); err != nil || b.Region != "" {
		t.Errorf("%+v, %v", b, err)
	}
	s = open(t, s3.Config{Endpoint: script(t, answer(404, "")).URL})
	if _, err := s.Bucket(context.Background(), "lab"); !errors.Is(err, store.NoBucket) {
		t.Error(err)
	}
	s = open(t, s3.Config{Endpoint: script(t, fails(409, "BucketNotEmpty", "")).URL})
	if err := s.DeleteBucket(context.Background(), "lab"); !errors.Is(err, store.NotEmpty) || store.Retryable(err) {
		t.Error(err)
	}
}

func TestMakeBucket(t *testing.T) {
	for name, x := range map[string]struct {
		bucket store.NewBucket
		body   []string
	}{
		"regional":  {store.NewBucket{Name: "lab-123456789012-us-east-1-an"}, nil},
		"here":      {store.NewBucket{Name: "lab"}, nil},
		"elsewhere": {store.NewBucket{Name: "lab", Region: "eu-west-1"}, []string{"<LocationConstraint>eu-west-1</LocationConstraint>"}},
		"with tags": {store.NewBucket{Name: "lab", Tags: map[string]string{"a": "1", "b": ""}}, []string{"<Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value></Value></Tag>"}},
	} {
		srv := script(t, answer(200, ""))
		s := open(t, s3.Config{Endpoint: srv.URL, Region: "us-east-1"})
		if err := s.MakeBucket(context.Background(), x.bucket); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := srv.last(t).header.Get("X-Amz-Bucket-Namespace"), map[bool]string{true: "account-regional"}[name == "regional"]; got != want {
			t.Errorf("%s: namespace %q, not %q", name, got, want)
		}
		body := string(srv.last(t).body)
		for _, want := range x.body {
			if !strings.Contains(body, want) {
				t.Errorf("%s: body is %s", name, body)
			}
		}
		if len(x.body) == 0 && body != "" {
			t.Errorf("%s: body is %s", name, body)
		}
	}
}

func TestSetWebsite(t *testing.T) {
	srv := script(t, answer(200, ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	if err := s.SetWebsite(context.Background(), "lab", store.Website{Index: "index.html", Error: "404.html"}); err != nil {
		t.Error(err)
	}
	r := srv.last(t)
	if body := string(r.body); !r.query.Has("website") || !strings.Contains(body, "<Suffix>index.html</Suffix>") || !strings.Contains(body, "<Key>404.html</Key>") {
		t.Errorf("%s %s", r, body)
	}
}

func TestPresign(t *testing.T) {
	for name, x := range map[string]struct {
		c    s3.Config
		ref  store.Ref
		good time.Duration
		want string
	}{
		"AWS":        {s3.Config{Region: "eu-west-1"}, store.Ref{Bucket: "lab", Key: "a b/ü+"}, time.Hour, "https://lab.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC%2B"},
		"dots":       {s3.Config{Region: "eu-west-1"}, store.Ref{Bucket: "lab.org", Key: "a"}, time.Hour, "https://s3.eu-west-1.amazonaws.com/lab.org/a"},
		"accelerate": {s3.Config{Accelerate: true}, store.Ref{Bucket: "lab", Key: "a"}, time.Hour, "https://lab.s3-accelerate.amazonaws.com/a"},
		"path":       {s3.Config{Endpoint: "http://127.0.0.1:9000/s3"}, store.Ref{Bucket: "lab", Key: "a//b"}, time.Hour, "http://127.0.0.1:9000/s3/lab/a//b"},
		"virtual":    {s3.Config{Endpoint: "https://s3.example.org", Addressing: s3.AddressVirtual}, store.Ref{Bucket: "lab", Key: "a"}, 7 * 24 * time.Hour, "https://lab.s3.example.org/a"},
	} {
		got, err := open(t, x.c).Presign(context.Background(), x.ref, x.good)
		address, query, _ := strings.Cut(got, "?")
		q, qerr := url.ParseQuery(query)
		if err != nil || qerr != nil || address != x.want || len(q.Get("X-Amz-Signature")) != 64 || q.Get("X-Amz-SignedHeaders") != "host" {
			t.Errorf("%s: %s, %v, want %s", name, got, err, x.want)
		}
	}
	s := open(t, s3.Config{})
	for _, x := range []struct {
		ref  store.Ref
		good time.Duration
	}{{store.Ref{Bucket: "lab"}, time.Hour}, {store.Ref{Key: "a"}, time.Hour}, {ref, 0}, {ref, 8 * 24 * time.Hour}} {
		if got, err := s.Presign(context.Background(), x.ref, x.good); !errors.Is(err, store.Invalid) {
			t.Errorf("%+v: %s, %v", x, got, err)
		}
	}
	if _, err := open(t, s3.Config{NoSignRequest: true}).Presign(context.Background(), ref, time.Hour); !errors.Is(err, store.Invalid) {
		t.Error(err)
	}
}

func TestHeadTellsOfArchives(t *testing.T) {
	srv := script(t, answer(200, "", "Content-Length: 0", `x-amz-restore: ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"`, "x-amz-storage-class: GLACIER",
		"x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: arn:key"))
	o, err := open(t, s3.Config{Endpoint: srv.URL}).Head(context.Background(), store.GetRequest{Ref: ref})
	if err != nil || o.Restore != (store.Restore{Until: time.Date(2029, 12, 21, 0, 0, 0, 0, time.UTC)}) || o.KMSKeyID != "arn:key" {
		t.Errorf("%+v, %v", o, err)
	}
	srv = script(t, answer(200, "", "Content-Length: 0", `x-amz-restore: ongoing-request="true"`))
	if o, err := open(t, s3.Config{Endpoint: srv.URL}).Head(context.Background(), store.GetRequest{Ref: ref}); err != nil || !o.Restore.Ongoing {
		t.Errorf("%+v, %v", o, err)
	}
}
