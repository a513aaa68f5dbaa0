package store

import (
	"context"
	"time"
)

// The interfaces of this file are optional. A Store that has them explains how it was set up and what its server can do; no
// transfer needs them.

// Setting is a value and where it was found, such as "AWS_REGION" or "profile lab".
type Setting struct{ Value, From string }

// Login is who makes the requests. It holds no secret.
type Login struct {
	// From is where the credentials were found; empty if requests are not signed.
	From string
	// KeyEnd is the last four characters of the access key ID.
	KeyEnd string
	// Expires is when the credentials expire; zero if they do not, or if that is not known.
	Expires time.Time
}

// Explainer is a Store that explains how it was set up.
type Explainer interface {
	// Endpoint returns the URL that requests about a bucket go to, without a path; an empty bucket is none in particular.
	Endpoint(ctx context.Context, bucket string) (Setting, error)
	// Region returns the region that requests about a bucket are signed for, as far as it is known.
	Region(bucket string) Setting
	// Login finds the credentials, which may take a request to whatever provides them.
	Login(context.Context) (Login, error)
	// RefusesLogin reports whether an error means that the server accepts no request with these credentials.
	RefusesLogin(error) bool
}

// BucketSetting names a setting of a bucket.
type BucketSetting string

// The settings that matter to transfers.
const (
	// Versioning is "Enabled" or "Suspended".
	Versioning BucketSetting = "versioning"
	// ObjectLock is "Enabled", or the default retention of new objects, such as "GOVERNANCE 30 days".
	ObjectLock BucketSetting = "object lock"
	// AbortUploads is the number of days after which unfinished uploads are aborted.
	AbortUploads BucketSetting = "lifecycle"
	// RequestPayment is "BucketOwner" or "Requester".
	RequestPayment BucketSetting = "requester pays"
	// DefaultEncryption is that of objects that ask for none, such as "AES256" or "aws:kms".
	DefaultEncryption BucketSetting = "encryption"
)

// Inspector is a Store that reports the settings of buckets.
type Inspector interface {
	// BucketSetting returns a setting as S3 writes it; empty if the bucket does not have it. The error is of kind
	// Unsupported if the server does not know the setting.
	BucketSetting(ctx context.Context, bucket string, s BucketSetting) (string, error)
}

// MatchingWriter is a Store that can replace an object only in a known state.
type MatchingWriter interface {
	// PutIfMatch is Put, if the object that it replaces has that ETag; another is an Error of kind Changed.
	PutIfMatch(ctx context.Context, r PutRequest, etag string) (Object, error)
}
