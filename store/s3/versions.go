package s3

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"haul.example/haul/store"
)

var _ store.Versioner = (*Store)(nil)

// VersionsPage lists versions of objects whose keys begin with prefix, and delete markers.
func (s *Store) VersionsPage(ctx context.Context, bucket, prefix string, after store.Ref) (page []store.Version, next store.Ref, err error) {
	in := &awss3.ListObjectVersionsInput{Bucket: &bucket, EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = &prefix
	}
	if after.Key != "" {
		in.KeyMarker, in.VersionIdMarker = &after.Key, version(after)
	}
	c := &call{op: "ListObjectVersions", ref: store.Ref{Bucket: bucket}}
	out, _, err := ask(ctx, s, c, (*awss3.Client).ListObjectVersions, in)
	if err != nil {
		return nil, next, err
	}
	decode := decoder(string(out.EncodingType))
	if !repeats(out.Prefix, in.Prefix, decode) || !repeats(out.KeyMarker, in.KeyMarker, decode) {
		return nil, next, c.wrong(foreignHint, "the answer to another request came")
	}
	page = versionsOf(bucket, out, decode)
	for _, v := range page {
		if v.Version == "" || !strings.HasPrefix(v.Key, prefix) || v.Key == "" {
			return nil, next, c.wrong(foreignHint, "a version without an ID, or of another key, came")
		}
	}
	if !aws.ToBool(out.IsTruncated) {
		return page, next, nil
	}
	next = store.Ref{Bucket: bucket, Key: decode(aws.ToString(out.NextKeyMarker)), Version: aws.ToString(out.NextVersionIdMarker)}
	if next.Key < after.Key || next.Key == "" || next.Key == after.Key && next.Version == after.Version {
		return nil, next, c.wrong(foreignHint, "the response does not say where the next page starts")
	}
	return page, next, nil
}

func versionsOf(bucket string, out *awss3.ListObjectVersionsOutput, decode func(string) string) (page []store.Version) {
	for _, v := range out.Versions {
		page = append(page, store.Version{Object: store.Object{
			Ref:  store.Ref{Bucket: bucket, Key: decode(aws.ToString(v.Key)), Version: aws.ToString(v.VersionId)},
			Size: aws.ToInt64(v.Size), ETag: etag(aws.ToString(v.ETag)), Modified: timeOf(v.LastModified), StorageClass: string(v.StorageClass),
		}})
	}
	for _, d := range out.DeleteMarkers {
		page = append(page, store.Version{Deleted: true, Object: store.Object{
			Ref:      store.Ref{Bucket: bucket, Key: decode(aws.ToString(d.Key)), Version: aws.ToString(d.VersionId)},
			Modified: timeOf(d.LastModified),
		}})
	}
	return page
}

// Versioning returns whether a bucket keeps versions: Enabled, Suspended, or "" if it never did.
func (s *Store) Versioning(ctx context.Context, bucket string) (string, error) {
	out, _, err := ask(ctx, s, bucketCall("GetBucketVersioning", bucket), (*awss3.Client).GetBucketVersioning, &awss3.GetBucketVersioningInput{Bucket: &bucket})
	if err != nil {
		return "", err
	}
	return string(out.Status), nil
}

// SetVersioning sets it to Enabled or Suspended.
func (s *Store) SetVersioning(ctx context.Context, bucket, status string) error {
	in := &awss3.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(status)}}
	_, err := s.do(ctx, bucketCall("PutBucketVersioning", bucket), func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutBucketVersioning(ctx, in, sumByMD5)
		return err
	})
	return err
}
