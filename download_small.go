package haul

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"haul.example/haul/store"
)

// listed downloads a small object that a listing reported.
func (d *download) listed(ctx context.Context, l store.Object) (Result, error) {
	if d.o.noClobber {
		if _, err := os.Lstat(d.path); err == nil {
			return Result{}, fmt.Errorf("%s: %w", d.path, fs.ErrExist)
		}
	}
	err := d.fetchWhole(ctx, l)
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

// getListed asks for all of a small object, which must still be as it was listed.
func (t *transfer) getListed(ctx context.Context, from store.Ref, listed store.Object) (body *response, err error) {
	err = t.try(ctx, func(ctx context.Context) error {
		ctx, o := t.cuttable(ctx)
		b, err := t.c.store.Get(ctx, store.GetRequest{Ref: from, IfMatch: listed.ETag, Attrs: &t.o.attrs})
		if err != nil {
			o.cut(nil)
			return err
		}
		o.answered(b)
		body = o
		return nil
	})
	if err != nil {
		return nil, err
	}
	obj := body.Body.Object
	if listed.ETag != "" && (obj.ETag != listed.ETag || obj.Size != listed.Size) {
		err = &store.Error{Kind: store.Changed, Op: "GetObject", Ref: from}
	} else {
		err = t.expected(obj)
	}
	if err != nil {
		body.close()
		return nil, err
	}
	return body, nil
}

// fetchWhole downloads a small object by one request.
func (d *download) fetchWhole(ctx context.Context, listed store.Object) error {
	lease, err := d.c.memory.Take(ctx, min(d.c.dispatch.Buffer(), max(listed.Size, 1)))
	if err != nil {
		return err
	}
	defer lease.Release()
	if err := d.c.dispatch.Enter(ctx, listed.Size); err != nil {
		return err
	}
	defer d.c.dispatch.Leave(listed.Size)
	d.started(listed.Size, 1)
	body, err := d.getListed(ctx, d.from, listed)
	if err != nil {
		return err
	}
	d.remote = d.newSource(ctx, d.from, body.Body.Object)
	err = d.c.dispatch.WithFile(ctx, d.transfer, func() (err error) {
		d.target, err = d.o.below().Create(d.path, d.obj.Size, nil)
		return err
	})
	if err != nil {
		body.close()
		return err
	}
	d.out, d.back = d.target, d.target
	if d.obj.Size == 0 {
		d.c.meter.PartStart()
		d.c.meter.PartEnd(true)
		body.close()
		return nil
	}
	whole := store.Range{Length: d.obj.Size}
	sum, err := d.fetch(ctx, whole, body, &inFile{d.out, d.c.meter, lease.Bytes()}, nil)
	if err != nil {
		return err
	}
	d.add(segment{whole, sum})
	return nil
}
