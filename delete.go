package haul

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/store"
)

const (
	// maxDeletes bounds the concurrent requests of DeleteAll, and with them the keys in memory.
	maxDeletes = 32
	// maxSingle bounds, within one of them, the deletions that have to be made one by one.
	maxSingle = 16
)

// DeleteAll deletes objects of a bucket as keys yields them, up to 1000 per request and several requests at once. It yields
// the result for each object, in no particular order: nil if the object is gone.
//
// An error from keys ends it: DeleteAll waits for the requests in flight, deletes nothing more, and yields the error last,
// with a Ref that has no Key. An interrupted listing therefore deletes nothing that it did not return. DeleteAll also ends if
// an error would make all other requests fail, if ctx ends, or if the caller stops early; it then cancels the requests in
// flight, and yields an *UncertainDeleteError for their objects. Keys is read in a goroutine other than the caller's; memory
// use does not grow with the number of keys.
func (c *Client) DeleteAll(ctx context.Context, bucket string, keys iter.Seq2[string, error], a *store.Attrs) iter.Seq2[store.Ref, error] {
	return func(yield func(store.Ref, error) bool) {
		defer c.alive()()
		gctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		d := deletion{c: c, bucket: bucket, attrs: a, fates: make(chan fate)}
		var failed error
		go func() {
			defer close(d.fates)
			failed = d.run(gctx, keys)
		}()
		stopped := false
		for f := range d.fates { // to its end: the goroutine is waited for
			for i, ref := range f.refs {
				if !stopped && !yield(ref, f.errs[i]) {
					stopped = true
					cancel(errEnough)
				}
			}
		}
		if failed != nil && !stopped {
			yield(store.Ref{Bucket: bucket}, failed)
		}
	}
}

var errEnough = errors.New("the caller wants no more")

// deletion is one DeleteAll.
type deletion struct {
	c      *Client
	bucket string
	attrs  *store.Attrs
	fates  chan fate
	singly atomic.Bool // the store can only delete one by one
}

// fate is what became of some objects.
type fate struct {
	refs []store.Ref
	errs []error
}

// run deletes all keys. The error is why it ended early.
func (d *deletion) run(ctx context.Context, keys iter.Seq2[string, error]) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(maxDeletes)
	var refs []store.Ref
	send := func() {
		some := refs
		refs = nil
		g.Go(func() error { return d.send(gctx, some) })
	}
	var broke error
	for key, err := range keys {
		if err != nil {
			broke, refs = err, nil
			break
		}
		if gctx.Err() != nil {
			break
		}
		if refs = append(refs, store.Ref{Bucket: d.bucket, Key: key}); len(refs) == store.MaxDelete || d.singly.Load() {
			send()
		}
	}
	if len(refs) > 0 && gctx.Err() == nil {
		send()
	}
	err := g.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case broke != nil:
		return broke
	}
	return err
}

// send deletes some objects and reports what became of them. The error is one that the others would meet too.
func (d *deletion) send(ctx context.Context, refs []store.Ref) error {
	f := fate{refs, make([]error, len(refs))}
	err := d.many(ctx, f)
	d.fates <- f
	return err
}

func (d *deletion) many(ctx context.Context, f fate) error {
	all := make([]int, len(f.refs))
	for i := range all {
		all[i] = i
	}
	if len(all) == 1 || d.singly.Load() {
		return d.oneByOne(ctx, f, all)
	}
	err := d.request(ctx, f, &all)
	switch {
	case errors.Is(err, store.Unsupported):
		d.singly.Store(true)
		return d.oneByOne(ctx, f, all)
	case err != nil:
		for _, i := range all {
			f.errs[i] = unsure(ctx, err)
		}
		return fatal(err)
	}
	var odd []int // names that can only be deleted by themselves
	for i, err := range f.errs {
		if errors.Is(err, store.Unsupported) {
			odd = append(odd, i)
		}
	}
	return d.oneByOne(ctx, f, odd)
}

// request deletes by one request, and tries again what failed for a transient reason. Left are the indexes of those that
// such an error is about.
func (d *deletion) request(ctx context.Context, f fate, left *[]int) error {
	if err := d.c.dispatch.Enter(ctx, 0); err != nil {
		return err
	}
	defer d.c.dispatch.Leave(0)
	t := d.c.begin(store.Ref{Bucket: d.bucket}.String(), "", transferOptions{})
	return t.try(ctx, func(ctx context.Context) error {
		refs := make([]store.Ref, len(*left))
		for i, which := range *left {
			refs[i] = f.refs[which]
		}
		each, err := d.c.store.DeleteMany(ctx, refs, d.attrs)
		if err != nil {
			return err
		}
		var again []int
		var passing error
		for i, err := range each {
			which := (*left)[i]
			f.errs[which] = err
			if store.Retryable(err) {
				again, passing = append(again, which), err
			}
		}
		if len(again) < len(*left) {
			d.c.dispatch.Succeeded()
		}
		*left = again
		return passing
	})
}

// oneByOne deletes those of f that which names, each by a request of its own.
func (d *deletion) oneByOne(ctx context.Context, f fate, which []int) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(maxSingle)
	for _, i := range which {
		g.Go(func() error {
			err := d.c.deleteOne(gctx, f.refs[i], d.attrs)
			f.errs[i] = unsure(gctx, err)
			return fatal(err)
		})
	}
	return g.Wait()
}

func (c *Client) deleteOne(ctx context.Context, ref store.Ref, a *store.Attrs) error {
	if err := c.dispatch.Enter(ctx, 0); err != nil {
		return err
	}
	defer c.dispatch.Leave(0)
	t := c.begin(ref.String(), "", transferOptions{})
	return t.try(ctx, func(ctx context.Context) error { return c.store.Delete(ctx, ref, a) })
}

// fatal returns err if other objects would meet it too: what is wrong with the bucket, the credentials or the network.
func fatal(err error) error {
	switch store.KindOf(err) {
	case store.NoBucket, store.NoCredentials, store.Expired, store.ClockSkew, store.WrongRegion,
		store.Network, store.Stalled, store.Throttled, store.Unavailable:
		return err
	}
	return nil
}

// unsure marks an error that ended all.
func unsure(ctx context.Context, err error) error {
	if err != nil && (ctx.Err() != nil || fatal(err) != nil) {
		return &UncertainDeleteError{err}
	}
	return err
}
