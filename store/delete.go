package store

import "context"

// MaxDelete is the maximum number of objects in one DeleteMany
// (docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
const MaxDelete = 1000

// Deleter is the part of a store that deletes objects. It is not an error if an object does not exist. Of the attributes,
// only RequestPayer is used; nil means none.
type Deleter interface {
	// Delete deletes an object, or only the version that ref names.
	Delete(ctx context.Context, ref Ref, a *Attrs) error
	// DeleteMany deletes up to MaxDelete objects of one bucket with one request. It returns the result for each, in the order
	// of refs: nil if the object is gone, else an Error. If the request itself fails, the second result is the error, and
	// some of the objects may be gone. An Error of kind Unsupported reports that this store, or this name, requires Delete.
	DeleteMany(ctx context.Context, refs []Ref, a *Attrs) ([]error, error)
}
