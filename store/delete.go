package store

import "context"

// MaxDelete is how many objects one DeleteMany may name
// (docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
const MaxDelete = 1000

// Deleter is the part of a store that takes objects away. What is not there is not an error. Of the attributes only
// RequestPayer counts; nil asks for nothing.
type Deleter interface {
	// Delete takes an object away, or the one version that ref names.
	Delete(ctx context.Context, ref Ref, a *Attrs) error
	// DeleteMany takes up to MaxDelete objects of one bucket away by one request. It gives what became of each, in the
	// order of refs: nil if it is gone, else an Error. Where the request itself failed, that is the error, and nothing may
	// be concluded: some of them may be gone. Kind Unsupported: this store deletes, or this name can be deleted, only by
	// Delete.
	DeleteMany(ctx context.Context, refs []Ref, a *Attrs) ([]error, error)
}
