package haul

import (
	"context"
	"fmt"
	"io"

	"haul.example/haul/store"
)

// UploadReaderAt uploads the first size bytes of r as the object to, as Upload does for a file: several goroutines read
// ranges of r, whose contents must not change during the call. A later call could not recognize r, so the upload cannot be
// resumed: it is aborted if it fails. It is an error if r is shorter than size.
func (c *Client) UploadReaderAt(ctx context.Context, r io.ReaderAt, size int64, to store.Ref, o UploadOptions) (Result, error) {
	defer c.alive()()
	t := c.begin("-", to.String(), o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	if size < 0 {
		return Result{}, fmt.Errorf("%w: size %d", store.Invalid, size)
	}
	t.o.resume = ResumeNever
	m := &multipart{transfer: t, up: store.Upload{Ref: to}}
	return (&upload{multipart: m, src: readerAt{r, size}, limits: c.store.Limits(to.Bucket)}).store(ctx)
}

// readerAt is content in an io.ReaderAt, which is trusted to stay as it is.
type readerAt struct {
	io.ReaderAt
	size int64
}

// Size returns the size in bytes.
func (r readerAt) Size() int64 { return r.size }

// Changed returns nil.
func (r readerAt) Changed() error { return nil }

// Touched returns false.
func (r readerAt) Touched() bool { return false }
