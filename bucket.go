package haul

import (
	"context"
	"errors"
	"iter"

	"haul.example/haul/store"
)

// Buckets lists the caller's buckets.
func (c *Client) Buckets(ctx context.Context, q store.BucketQuery) iter.Seq2[store.Bucket, error] {
	return func(yield func(store.Bucket, error) bool) {
		var all []store.Bucket // an account has 10,000 at most, unless Amazon agrees to more
		err := c.begin("", "", Transfer{}).try(ctx, func(ctx context.Context) error {
			all = nil
			for b, err := range c.store.Buckets(ctx, q) {
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

// Bucket checks that a bucket exists, and returns its region.
func (c *Client) Bucket(ctx context.Context, name string) (b store.Bucket, err error) {
	err = c.onBucket(ctx, name, func(ctx context.Context) (err error) {
		b, err = c.store.Bucket(ctx, name)
		return err
	})
	return b, err
}

// MakeBucket creates a bucket. One that exists is an error of kind store.Exists.
func (c *Client) MakeBucket(ctx context.Context, b store.NewBucket) error {
	tried := false // and the answer was lost
	return c.onBucket(ctx, b.Name, func(ctx context.Context) error {
		err := c.store.MakeBucket(ctx, b)
		var e *store.Error
		if tried && errors.As(err, &e) && e.Code == "BucketAlreadyOwnedByYou" {
			return nil
		}
		tried = true
		return err
	})
}

// DeleteBucket deletes an empty bucket; one that is not empty is an error of kind store.NotEmpty.
func (c *Client) DeleteBucket(ctx context.Context, name string) error {
	tried := false
	return c.onBucket(ctx, name, func(ctx context.Context) error {
		err := c.store.DeleteBucket(ctx, name)
		if tried && errors.Is(err, store.NoBucket) {
			return nil
		}
		tried = true
		return err
	})
}

// SetWebsite makes a bucket serve a website.
func (c *Client) SetWebsite(ctx context.Context, bucket string, w store.Website) error {
	return c.onBucket(ctx, bucket, func(ctx context.Context) error { return c.store.SetWebsite(ctx, bucket, w) })
}

func (c *Client) onBucket(ctx context.Context, name string, f func(context.Context) error) error {
	return c.begin(store.Ref{Bucket: name}.String(), "", Transfer{}).try(ctx, f)
}

// Stat returns what the store records of an object, checksums included. Of the attributes, only RequestPayer and the
// customer's key count.
func (c *Client) Stat(ctx context.Context, ref store.Ref, a *store.Attrs) (o store.Object, err error) {
	err = c.begin(ref.String(), "", Transfer{}).try(ctx, func(ctx context.Context) (err error) {
		o, err = c.store.Head(ctx, store.GetRequest{Ref: ref, Attrs: a})
		return err
	})
	return o, err
}

// Tags returns an object's tags.
func (c *Client) Tags(ctx context.Context, ref store.Ref, a *store.Attrs) (tags map[string]string, err error) {
	err = c.begin(ref.String(), "", Transfer{}).try(ctx, func(ctx context.Context) (err error) {
		tags, err = c.store.Tags(ctx, ref, a)
		return err
	})
	return tags, err
}

// Layout returns the parts in which an object was uploaded. The error is of kind store.Unsupported if the store cannot
// report them.
func (c *Client) Layout(ctx context.Context, o store.Object, a *store.Attrs) (parts []store.Part, err error) {
	err = c.begin(o.Ref.String(), "", Transfer{}).try(ctx, func(ctx context.Context) (err error) {
		parts, err = c.store.Layout(ctx, o, a)
		return err
	})
	return parts, err
}
