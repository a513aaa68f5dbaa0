package store

import "context"

// MaxDelete is how many objects one DeleteMany may name
// (docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
const MaxDelete = 1000

// Deleter is the part of a store that deletes objects. It is not an error if an object does not exist. Of the attributes
// only RequestPayer counts; nil asks for nothing.
type Deleter interface {
	// Delete deletes an object, or the one version that ref names.
	Delete(ctx context.Context, ref Ref, a *Attrs) error
	// DeleteMany deletes up to MaxDelete objects of one bucket by one request. It returns what became of each, in the order
	// of refs: nil if it is gone, else an Error. If the request itself failed, that is the error, and nothing is known
	// about the objects: some of them may be gone. Kind Unsupported: this store deletes, or this name can be deleted, only
	// by Delete.
	DeleteMany(ctx context.Context, refs []Ref, a *Attrs) ([]error, error)
}
