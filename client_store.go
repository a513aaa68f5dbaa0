package haul

import (
	"context"
	"errors"
	"io"
	"iter"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/listing"
	"haul.example/haul/store"
)

// Store returns the client's store, whose methods make their requests as the client's own transfers do: they retry within
// [Options].Patience, slow down when the store asks for it, and stay within the bandwidth. A request that changes something
// or carries data waits for a free connection. The contracts of package store hold, and:
//
//   - Get retries until it gets a response. An error from reading the body is returned unchanged.
//   - List, Level and Uploads continue after the last entry that they yielded. Buckets yields when it has all.
//   - Put, Complete, MakeBucket and DeleteBucket check whether a try that got no response took effect. Copy does not: with
//     NoClobber it may then find its own copy, an error of kind store.Exists. A Create that got no response may leave an open
//     upload, which Uploads lists.
//   - Each try reads its body from the start. Wire is not watched.
func (c *Client) Store() store.Store { return retrying{c} }

// retrying is a store whose requests are made by a client.
type retrying struct{ c *Client }

var _ store.Store = retrying{}

// Identity names the store.
func (r retrying) Identity() string { return r.c.identity }

func (r retrying) begin(ref store.Ref) *transfer {
	return r.c.begin(ref.String(), "", transferOptions{})
}

// act makes a request in a lane, for size bytes.
func act[T any](ctx context.Context, r retrying, ref store.Ref, size int64, f func(context.Context, *transfer) (T, error)) (answer T, err error) {
	defer r.c.alive()()
	if err := r.c.dispatch.Enter(ctx, size); err != nil {
		return answer, err
	}
	defer r.c.dispatch.Leave(size)
	t := r.begin(ref)
	err = t.try(ctx, func(ctx context.Context) (err error) {
		r.c.meter.Request()
		answer, err = f(ctx, t)
		return err
	})
	return answer, err
}

func (r retrying) Get(ctx context.Context, q store.GetRequest) (*store.Body, error) {
	body, err := ask(ctx, r.begin(q.Ref), func(ctx context.Context) (*store.Body, error) { return r.c.store.Get(ctx, q) })
	if err == nil {
		body.ReadCloser = meteredBody{body.ReadCloser, r.c, ctx.Done()}
	}
	return body, err
}

// meteredBody is a body whose bytes are counted, and limited by the bandwidth.
type meteredBody struct {
	io.ReadCloser
	c    *Client
	done <-chan struct{}
}

// Read reads and counts.
func (b meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.moved(n, b.done)
	return n, err
}

func (r retrying) Head(ctx context.Context, q store.GetRequest) (store.Object, error) {
	return ask(ctx, r.begin(q.Ref), func(ctx context.Context) (store.Object, error) { return r.c.store.Head(ctx, q) })
}

func (r retrying) Layout(ctx context.Context, o store.Object, a *store.Attrs) ([]store.Part, error) {
	return ask(ctx, r.begin(o.Ref), func(ctx context.Context) ([]store.Part, error) { return r.c.store.Layout(ctx, o, a) })
}

func (r retrying) Limits(bucket string) store.Limits { return r.c.store.Limits(bucket) }

func (r retrying) Scheme(bucket string, want checksum.Algorithm) checksum.Scheme {
	return r.c.store.Scheme(bucket, want)
}

func (r retrying) TakesLateSums(u store.Upload) bool { return r.c.store.TakesLateSums(u) }

func (r retrying) Put(ctx context.Context, q store.PutRequest) (store.Object, error) {
	defer r.c.alive()()
	size := q.Body.Size()
	if err := r.c.dispatch.Enter(ctx, size); err != nil {
		return store.Object{}, err
	}
	defer r.c.dispatch.Leave(size)
	t := r.c.begin("", q.Ref.String(), transferOptions{noClobber: q.NoClobber, attrs: deref(q.Attrs)})
	defer r.counted(size)()
	return t.putOnce(ctx, outgoing{readerAt{q.Body, size}, q.Body, q.Sum, q.Buffer}, q.Ref, false)
}

// counted counts a part of size bytes until the function that it returns is called.
func (r retrying) counted(size int64) func() {
	r.c.meter.Begin(size, 1)
	r.c.meter.PartStart()
	return func() { r.c.meter.PartEnd(true) }
}

func deref(a *store.Attrs) store.Attrs {
	if a == nil {
		return store.Attrs{}
	}
	return *a
}

func (r retrying) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	return ask(ctx, r.begin(ref), func(ctx context.Context) (store.Upload, error) { return r.c.store.Create(ctx, ref, want, a) })
}

func (r retrying) PutPart(ctx context.Context, q store.PutPartRequest) (store.Part, error) {
	size := q.Body.Size()
	defer r.counted(size)()
	return act(ctx, r, q.Upload.Ref, size, func(ctx context.Context, t *transfer) (store.Part, error) {
		counted := &tally{ReaderAt: q.Body, t: t, done: ctx.Done()}
		q := q
		q.Body, q.Wire = io.NewSectionReader(counted, 0, size), nil
		p, err := r.c.store.PutPart(ctx, q)
		if err != nil {
			counted.settle(0)
			return p, err
		}
		counted.settle(size)
		return p, nil
	})
}

func (r retrying) Parts(ctx context.Context, u store.Upload, a *store.Attrs) (store.Upload, []store.Part, error) {
	var parts []store.Part
	u, err := ask(ctx, r.begin(u.Ref), func(ctx context.Context) (open store.Upload, err error) {
		open, parts, err = r.c.store.Parts(ctx, u, a)
		return open, err
	})
	return u, parts, err
}

func (r retrying) Complete(ctx context.Context, q store.CompleteRequest) (store.Object, error) {
	t := r.c.begin("", q.Upload.Ref.String(), transferOptions{noClobber: q.NoClobber, attrs: deref(q.Attrs)})
	m := &multipart{transfer: t, up: q.Upload, from: q.From, parts: q.Parts, sums: make([]checksum.Sum, len(q.Parts)), bytes: q.Size}
	return m.complete(ctx, q.Sum)
}

func (r retrying) Abort(ctx context.Context, u store.Upload, a *store.Attrs) error {
	return r.begin(u.Ref).try(ctx, func(ctx context.Context) error { return r.c.store.Abort(ctx, u, a) })
}

// Uploads yields no upload twice, although a listing that is interrupted is made again.
func (r retrying) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	type name struct{ key, id string }
	return func(yield func(store.Upload, error) bool) {
		given := map[name]bool{}
		err := r.begin(store.Ref{Bucket: bucket, Key: prefix}).try(ctx, func(ctx context.Context) error {
			for u, err := range r.c.store.Uploads(ctx, bucket, prefix) {
				if err != nil {
					return err
				}
				if n := (name{u.Key, u.ID}); !given[n] {
					given[n] = true
					if !yield(u, nil) {
						return nil
					}
				}
			}
			return nil
		})
		if err != nil {
			yield(store.Upload{}, err)
		}
	}
}

func (r retrying) Copy(ctx context.Context, q store.CopyRequest) (store.Object, error) {
	return act(ctx, r, q.To, 0, func(ctx context.Context, _ *transfer) (store.Object, error) { return r.c.store.Copy(ctx, q) })
}

func (r retrying) CopyPart(ctx context.Context, q store.CopyPartRequest) (store.Part, error) {
	return act(ctx, r, q.Upload.Ref, 0, func(ctx context.Context, _ *transfer) (store.Part, error) { return r.c.store.CopyPart(ctx, q) })
}

func (r retrying) Tags(ctx context.Context, ref store.Ref, a *store.Attrs) (map[string]string, error) {
	return ask(ctx, r.begin(ref), func(ctx context.Context) (map[string]string, error) { return r.c.store.Tags(ctx, ref, a) })
}

func (r retrying) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Object, error] {
	return listing.Pages(ctx, r.c.objects(store.Ref{Bucket: bucket, Key: prefix}, a), after)
}

func (r retrying) Level(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Entry, error] {
	return listing.Pages(ctx, r.c.level(store.Ref{Bucket: bucket, Key: prefix}, a), after)
}

func (r retrying) Delete(ctx context.Context, ref store.Ref, a *store.Attrs) error {
	defer r.c.alive()()
	return r.c.deleteOne(ctx, ref, a)
}

func (r retrying) DeleteMany(ctx context.Context, refs []store.Ref, a *store.Attrs) ([]error, error) {
	defer r.c.alive()()
	d := deletion{c: r.c, attrs: a}
	if len(refs) > 0 {
		d.bucket = refs[0].Bucket
	}
	f := fate{refs, make([]error, len(refs))}
	left := make([]int, len(refs))
	for i := range left {
		left[i] = i
	}
	if err := d.request(ctx, f, &left); err != nil && len(left) == len(refs) {
		return nil, err
	}
	return f.errs, nil
}

func (r retrying) Buckets(ctx context.Context, q store.BucketQuery) iter.Seq2[store.Bucket, error] {
	return func(yield func(store.Bucket, error) bool) {
		var all []store.Bucket // an account has 10,000 at most, unless Amazon agrees to more
		err := r.c.begin("", "", transferOptions{}).try(ctx, func(ctx context.Context) error {
			all = nil
			for b, err := range r.c.store.Buckets(ctx, q) {
				if err != nil {
					return err
				}
				all = append(all, b)
			}
			return nil
		})
		for _, b := range all {
			if err == nil && !yield(b, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Bucket{}, err)
		}
	}
}

func (r retrying) Bucket(ctx context.Context, name string) (store.Bucket, error) {
	return ask(ctx, r.begin(store.Ref{Bucket: name}), func(ctx context.Context) (store.Bucket, error) { return r.c.store.Bucket(ctx, name) })
}

func (r retrying) MakeBucket(ctx context.Context, b store.NewBucket) error {
	tried := false // and the answer was lost
	return r.begin(store.Ref{Bucket: b.Name}).try(ctx, func(ctx context.Context) error {
		err := r.c.store.MakeBucket(ctx, b)
		var e *store.Error
		if tried && errors.As(err, &e) && e.Code == "BucketAlreadyOwnedByYou" {
			return nil
		}
		tried = true
		return err
	})
}

func (r retrying) DeleteBucket(ctx context.Context, name string) error {
	tried := false
	return r.begin(store.Ref{Bucket: name}).try(ctx, func(ctx context.Context) error {
		err := r.c.store.DeleteBucket(ctx, name)
		if tried && errors.Is(err, store.NoBucket) {
			return nil
		}
		tried = true
		return err
	})
}

func (r retrying) SetWebsite(ctx context.Context, bucket string, w store.Website) error {
	return r.begin(store.Ref{Bucket: bucket}).try(ctx, func(ctx context.Context) error { return r.c.store.SetWebsite(ctx, bucket, w) })
}
