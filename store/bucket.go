package store

import (
	"context"
	"iter"
	"time"
)

// Bucket is what a store tells about a bucket.
type Bucket struct {
	Name string
	// Made is when; zero if it is not told.
	Made time.Time
	// Region is empty if it is not told.
	Region string
}

// BucketQuery says which buckets a listing is to tell of. The zero value is all.
type BucketQuery struct {
	// Prefix is what their names begin with.
	Prefix string
	// Region that they are in. Stores that know no regions tell of all.
	Region string
	// PageSize is how many a page has at most; 0 leaves it to the store.
	PageSize int
}

// NewBucket is a bucket to be made.
type NewBucket struct {
	Name string
	// Region is empty for that of the store's own settings.
	Region string
	Tags   map[string]string
}

// Website is how a bucket answers as a web site.
type Website struct {
	// Index is the name that is put behind an address that ends in a slash; Error the key of the page for what is not there.
	Index, Error string
}

// Buckets is the part of a store that knows of buckets as a whole.
type Buckets interface {
	// Buckets lists the buckets of the caller, in order of their names if the store has one.
	Buckets(context.Context, BucketQuery) iter.Seq2[Bucket, error]
	// Bucket looks whether a bucket is there, and tells its region.
	Bucket(ctx context.Context, name string) (Bucket, error)
	// MakeBucket makes one. One that exists is an Error of kind Exists.
	MakeBucket(context.Context, NewBucket) error
	// DeleteBucket takes an empty one away; any other is an Error of kind NotEmpty.
	DeleteBucket(ctx context.Context, name string) error
	// SetWebsite lets a bucket answer as a web site.
	SetWebsite(ctx context.Context, name string, w Website) error
}
