package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"haul.example/haul/store"
)

// BucketSetting returns a setting of a bucket as S3 writes it; empty if the bucket does not have it.
func (s *Store) BucketSetting(ctx context.Context, bucket string, what store.BucketSetting) (string, error) {
	ask := map[store.BucketSetting]func(context.Context, string) (string, error){
		store.Versioning: s.Versioning, store.ObjectLock: s.objectLock, store.AbortUploads: s.abortUploads,
		store.RequestPayment: s.requestPayment, store.DefaultEncryption: s.defaultEncryption,
	}[what]
	if ask == nil {
		return "", &store.Error{Kind: store.Unsupported, Ref: store.Ref{Bucket: bucket}, Err: fmt.Errorf("no setting %q", what)}
	}
	value, err := ask(ctx, bucket)
	var e *store.Error
	switch {
	case !errors.As(err, &e):
	case notConfigured(e.Code):
		return "", nil
	case e.Kind == store.BadAnswer, e.Kind == store.Invalid: // of servers that do not know the request
		e.Kind, e.Hint = store.Unsupported, ""
	}
	return value, err
}

// notConfigured reports S3's codes for a bucket that does not have a setting:
// ObjectLockConfigurationNotFoundError, NoSuchLifecycleConfiguration, ServerSideEncryptionConfigurationNotFoundError.
func notConfigured(code string) bool {
	return strings.HasSuffix(code, "ConfigurationNotFoundError") || code == "NoSuchLifecycleConfiguration" || code == "ObjectLockConfigurationNotFound"
}

func (s *Store) objectLock(ctx context.Context, bucket string) (string, error) {
	out, _, err := ask(ctx, s, bucketCall("GetObjectLockConfiguration", bucket), (*awss3.Client).GetObjectLockConfiguration, &awss3.GetObjectLockConfigurationInput{Bucket: &bucket})
	if err != nil || out.ObjectLockConfiguration == nil {
		return "", err
	}
	lock := out.ObjectLockConfiguration
	if lock.Rule == nil || lock.Rule.DefaultRetention == nil {
		return string(lock.ObjectLockEnabled), nil
	}
	d := lock.Rule.DefaultRetention
	if d.Years != nil {
		return fmt.Sprintf("%s %d years", d.Mode, *d.Years), nil
	}
	return fmt.Sprintf("%s %d days", d.Mode, aws.ToInt32(d.Days)), nil
}

// abortUploads returns the days of the rule that aborts uploads of all keys; the earliest, if there are several.
func (s *Store) abortUploads(ctx context.Context, bucket string) (string, error) {
	in := &awss3.GetBucketLifecycleConfigurationInput{Bucket: &bucket}
	out, _, err := ask(ctx, s, bucketCall("GetBucketLifecycleConfiguration", bucket), (*awss3.Client).GetBucketLifecycleConfiguration, in)
	if err != nil {
		return "", err
	}
	least := int32(0)
	for _, r := range out.Rules {
		if a := r.AbortIncompleteMultipartUpload; r.Status == types.ExpirationStatusEnabled && a != nil && forAll(r) {
			if days := aws.ToInt32(a.DaysAfterInitiation); least == 0 || days < least {
				least = days
			}
		}
	}
	if least == 0 {
		return "", nil
	}
	return fmt.Sprint(least), nil
}

// forAll reports whether a rule is about all keys.
func forAll(r types.LifecycleRule) bool {
	//lint:ignore SA1019 older rules have their prefix there
	if aws.ToString(r.Prefix) != "" {
		return false
	}
	f := r.Filter
	return f == nil || f.And == nil && f.Tag == nil && aws.ToString(f.Prefix) == ""
}

func (s *Store) requestPayment(ctx context.Context, bucket string) (string, error) {
	in := &awss3.GetBucketRequestPaymentInput{Bucket: &bucket}
	out, _, err := ask(ctx, s, bucketCall("GetBucketRequestPayment", bucket), (*awss3.Client).GetBucketRequestPayment, in)
	if err != nil {
		return "", err
	}
	return string(out.Payer), nil
}

func (s *Store) defaultEncryption(ctx context.Context, bucket string) (string, error) {
	in := &awss3.GetBucketEncryptionInput{Bucket: &bucket}
	out, _, err := ask(ctx, s, bucketCall("GetBucketEncryption", bucket), (*awss3.Client).GetBucketEncryption, in)
	if err != nil || out.ServerSideEncryptionConfiguration == nil {
		return "", err
	}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if by := r.ApplyServerSideEncryptionByDefault; by != nil {
			return string(by.SSEAlgorithm), nil
		}
	}
	return "", nil
}
