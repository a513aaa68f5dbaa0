package store

import (
	"context"
	"iter"
	"time"
)

// Bucket is a bucket as a store reports it.
type Bucket struct {
	Name string
	// Made is the creation time; zero if it is not reported.
	Made time.Time
	// Region is empty if it is not reported.
	Region string
}

// BucketQuery selects the buckets of a listing. The zero value selects all.
type BucketQuery struct {
	// Prefix of their names.
	Prefix string
	// Region that they are in. Stores without regions return all.
	Region string
	// PageSize is the maximum number per page; 0 leaves it to the store.
	PageSize int
}

// NewBucket describes a bucket to create.
type NewBucket struct {
	Name string
	// Region is empty for the region in the store's own settings.
	Region string
	Tags   map[string]string
}

// Website configures a bucket as a website.
type Website struct {
	// Index is the name that is appended to an address that ends in a slash; Error is the key of the page for missing
	// objects.
	Index, Error string
}

// Buckets is the part of a store that manages buckets.
type Buckets interface {
	// Buckets lists the caller's buckets, in order of their names if the store has an order.
	Buckets(context.Context, BucketQuery) iter.Seq2[Bucket, error]
	// Bucket checks that a bucket exists, and returns its region.
	Bucket(ctx context.Context, name string) (Bucket, error)
	// MakeBucket creates a bucket. One that exists is an Error of kind Exists.
	MakeBucket(context.Context, NewBucket) error
	// DeleteBucket deletes an empty bucket; one that is not empty is an Error of kind NotEmpty.
	DeleteBucket(ctx context.Context, name string) error
	// SetWebsite makes a bucket serve a website.
	SetWebsite(ctx context.Context, name string, w Website) error
}
