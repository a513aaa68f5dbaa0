package haul

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"haul.example/haul/store"
)

// DownloadListed is Download of an object that a listing reported. A small one then costs one request, whose answer has the
// checksums too, and leaves no record, which would cost more than fetching it again. The error is of kind store.Changed if
// the object has changed since it was listed.
func (c *Client) DownloadListed(ctx context.Context, obj store.Object, path string, o Transfer) (Result, error) {
	defer c.alive()()
	if obj.Size > smallObject || o.PartSize != 0 && obj.Size > o.PartSize {
		return c.Download(ctx, obj.Ref, path, o)
	}
	if err := o.checkDigests(); err != nil {
		return Result{}, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Result{}, fmt.Errorf("find %s: %w", path, err)
	}
	if o.NoClobber {
		if _, err := os.Lstat(path); err == nil {
			return Result{}, fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
	}
	d := &download{remote: &remote{transfer: c.begin(obj.Ref.String(), path, o)}, from: obj.Ref, path: path}
	err = d.fetchWhole(ctx, obj)
	if err == nil {
		d.beginDigests()
		err = d.digests.whole(ctx, d.target)
	}
	if err != nil {
		if d.target == nil {
			return Result{}, err
		}
		return Result{}, d.fail(err)
	}
	return d.finish(ctx)
}

// fetchWhole downloads a small object by one request.
func (d *download) fetchWhole(ctx context.Context, listed store.Object) error {
	lease, err := d.c.memory.Take(ctx, min(d.c.lanes.buffer(), max(listed.Size, 1)))
	if err != nil {
		return err
	}
	defer lease.Release()
	if err := d.c.lanes.enter(ctx, listed.Size); err != nil {
		return err
	}
	defer d.c.lanes.leave(listed.Size)
	d.started(listed.Size, 1)
	var body *response
	err = d.try(ctx, func(ctx context.Context) error {
		ctx, o := d.cuttable(ctx)
		b, err := d.c.store.Get(ctx, store.GetRequest{Ref: listed.Ref, IfMatch: listed.ETag, Attrs: &d.o.Attrs})
		if err != nil {
			o.cut(nil)
			return err
		}
		o.answered(b)
		body = o
		return nil
	})
	if err != nil {
		return err
	}
	d.remote = d.newSource(ctx, listed.Ref, body.Body.Object)
	if listed.ETag != "" && (d.obj.ETag != listed.ETag || d.obj.Size != listed.Size) {
		body.close()
		return &store.Error{Kind: store.Changed, Op: "GetObject", Ref: listed.Ref}
	}
	err = d.withFile(ctx, func() (err error) {
		d.target, err = d.o.below().Create(d.path, d.obj.Size, nil)
		return err
	})
	if err != nil {
		body.close()
		return err
	}
	if d.obj.Size == 0 {
		d.c.meter.PartStart()
		d.c.meter.PartEnd(true)
		body.close()
		return nil
	}
	whole := store.Range{Length: d.obj.Size}
	sum, err := d.fetch(ctx, whole, body, &inFile{d.target, d.c.meter, lease.Bytes()}, nil)
	if err != nil {
		return err
	}
	d.add(segment{whole, sum})
	return nil
}
