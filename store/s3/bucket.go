package s3

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"haul.example/haul/store"
)

// Buckets lists the caller's buckets. Servers that do not support prefixes are recognized by what they return.
func (s *Store) Buckets(ctx context.Context, q store.BucketQuery) iter.Seq2[store.Bucket, error] {
	return func(yield func(store.Bucket, error) bool) {
		in := &awss3.ListBucketsInput{}
		if q.Prefix != "" {
			in.Prefix = &q.Prefix
		}
		if q.Region != "" {
			in.BucketRegion = &q.Region
		}
		if q.PageSize > 0 {
			in.MaxBuckets = aws.Int32(int32(min(q.PageSize, math.MaxInt32)))
		}
		for t := newTurns(); ; {
			out, err := s.bucketsPage(ctx, in, t)
			if err != nil {
				yield(store.Bucket{}, err)
				return
			}
			for _, b := range out.Buckets {
				found := store.Bucket{Name: aws.ToString(b.Name), Made: timeOf(b.CreationDate), Region: aws.ToString(b.BucketRegion)}
				elsewhere := q.Region != "" && found.Region != "" && found.Region != q.Region
				if strings.HasPrefix(found.Name, q.Prefix) && !elsewhere && !yield(found, nil) {
					return
				}
			}
			if aws.ToString(out.ContinuationToken) == "" {
				return
			}
			in.ContinuationToken = out.ContinuationToken
		}
	}
}

func (s *Store) bucketsPage(ctx context.Context, in *awss3.ListBucketsInput, t *turns) (*awss3.ListBucketsOutput, error) {
	c := &call{op: "ListBuckets", everywhere: true}
	out, _, err := ask(ctx, s, c, (*awss3.Client).ListBuckets, in)
	if err != nil {
		return nil, err
	}
	first := ""
	for i, b := range out.Buckets {
		if aws.ToString(b.Name) == "" {
			return nil, c.wrong(foreignHint, "a bucket without a name came")
		}
		if i == 0 {
			first = *b.Name
		}
	}
	if what := t.page(first, aws.ToString(out.ContinuationToken)); what != "" {
		return nil, c.wrong(foreignHint, what)
	}
	return out, nil
}

func bucketCall(op, name string) *call { return &call{op: op, ref: store.Ref{Bucket: name}} }

// Bucket checks that a bucket exists, and returns its region.
func (s *Store) Bucket(ctx context.Context, name string) (store.Bucket, error) {
	_, x, err := ask(ctx, s, bucketCall("HeadBucket", name), (*awss3.Client).HeadBucket, &awss3.HeadBucketInput{Bucket: &name})
	var e *store.Error
	switch {
	case errors.As(err, &e) && e.Kind == store.NotFound: // an answer to HEAD has no code
		e.Kind = store.NoBucket
		return store.Bucket{}, err
	case err != nil:
		return store.Bucket{}, err
	}
	b := store.Bucket{Name: name, Region: x.answer.Get("X-Amz-Bucket-Region")}
	if b.Region == "" {
		b.Region = s.location(ctx, name)
	}
	return b, nil
}

// location asks for a bucket's region in S3's older way, or returns "". In its first days S3 had one region without a name.
func (s *Store) location(ctx context.Context, name string) string {
	in := &awss3.GetBucketLocationInput{Bucket: &name}
	out, _, err := ask(ctx, s, bucketCall("GetBucketLocation", name), (*awss3.Client).GetBucketLocation, in)
	if err != nil {
		return ""
	}
	return cmp.Or(string(out.LocationConstraint), defaultRegion)
}

// accountRegional is the end of names in S3's account-regional namespace: NAME-ACCOUNT-REGION-an.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
const accountRegional = "-an"

// MakeBucket creates a bucket, in the Store's region if none is named. Its name decides in which namespace it is.
func (s *Store) MakeBucket(ctx context.Context, b store.NewBucket) error {
	region := cmp.Or(b.Region, s.region)
	in := &awss3.CreateBucketInput{Bucket: &b.Name}
	if strings.HasSuffix(b.Name, accountRegional) {
		in.BucketNamespace = types.BucketNamespaceAccountRegional
	}
	if region != defaultRegion || len(b.Tags) > 0 {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{}
	}
	if region != defaultRegion {
		in.CreateBucketConfiguration.LocationConstraint = types.BucketLocationConstraint(region)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Tags)) {
		in.CreateBucketConfiguration.Tags = append(in.CreateBucketConfiguration.Tags, types.Tag{Key: &name, Value: aws.String(b.Tags[name])})
	}
	if s.regionFor(b.Name) != region && s.canMove() {
		s.learnRegion(b.Name, region)
	}
	_, _, err := ask(ctx, s, bucketCall("CreateBucket", b.Name), (*awss3.Client).CreateBucket, in)
	return err
}

// DeleteBucket deletes an empty bucket.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	_, _, err := ask(ctx, s, bucketCall("DeleteBucket", name), (*awss3.Client).DeleteBucket, &awss3.DeleteBucketInput{Bucket: &name})
	return err
}

// SetWebsite makes a bucket serve a website.
func (s *Store) SetWebsite(ctx context.Context, name string, w store.Website) error {
	site := &types.WebsiteConfiguration{}
	if w.Index != "" {
		site.IndexDocument = &types.IndexDocument{Suffix: &w.Index}
	}
	if w.Error != "" {
		site.ErrorDocument = &types.ErrorDocument{Key: &w.Error}
	}
	_, err := s.do(ctx, bucketCall("PutBucketWebsite", name), func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutBucketWebsite(ctx, &awss3.PutBucketWebsiteInput{Bucket: &name, WebsiteConfiguration: site}, sumByMD5)
		return err
	})
	return err
}
