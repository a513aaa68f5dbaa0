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

// DownloadWriterAt writes object from to w, by ranges in parallel, each at its own offset: w is written from several
// goroutines, but never twice at the same place at once. What was written before an error stays written, and is not resumed.
//
// If w is an io.ReaderAt too, as an [os.File] is that was opened for both, everything is verified as in Download: bytes that
// differ from what the store records are fetched once more, and if they still differ the error is ErrMismatch. Otherwise
// they are verified if the store recorded a CRC of the whole, or with ReadTwice; Proof says so. Digests need an io.ReaderAt.
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
