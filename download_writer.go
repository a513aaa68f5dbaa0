package haul

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

// DownloadWriterAt writes the object from to w, in parallel ranges, each at its own offset. Several goroutines write to w,
// but never to the same place at the same time. Data written before an error stays written; the download cannot be resumed.
//
// If w is also an io.ReaderAt, such as an [os.File] opened for reading and writing, everything is verified as in Download:
// bytes that do not match the recorded checksum are downloaded once more, and if they still differ the error is ErrMismatch.
// Otherwise the bytes are verified only if the store recorded a CRC of the whole object, or with ReadTwice; Proof reports it.
// Digests need an io.ReaderAt.
func (c *Client) DownloadWriterAt(ctx context.Context, from store.Ref, w io.WriterAt, o DownloadOptions) (Result, error) {
	defer c.alive()()
	t := c.begin(from.String(), "-", o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	d := &download{remote: &remote{transfer: t}, from: from, out: w, back: readable(w)}
	if d.back == nil && len(o.Digests) > 0 {
		return Result{}, fmt.Errorf("%w: Digests of what cannot be read back", store.Invalid)
	}
	obj, first, err := t.discover(ctx, from, layout.RangeSize(0, o.PartSize))
	if err != nil {
		return Result{}, err
	}
	d.remote = t.newSource(ctx, from, obj)
	if obj.Size == 0 {
		d.back = strings.NewReader("")
	}
	t.started(obj.Size, t.partsOf(obj.Size))
	if err := d.fetchMissing(ctx, first); err != nil {
		return Result{}, err
	}
	proof, err := d.settle(ctx)
	if err != nil {
		return Result{}, err
	}
	r, err := d.result(proof)
	if err != nil {
		return Result{}, err
	}
	r.Modified = time.Time{} // w is no file
	return t.done(r), nil
}

// readable returns w as a reader; nil if it is none, or is a file that was opened for writing only.
func readable(w io.WriterAt) io.ReaderAt {
	r, ok := w.(io.ReaderAt)
	if !ok {
		return nil
	}
	if _, err := r.ReadAt(make([]byte, 1), 0); err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return r
}
