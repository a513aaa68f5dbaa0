package haul

import (
	"context"
	"errors"
	"iter"

	"haul.example/haul/store"
)

var errNoVersions = errors.New("the store keeps no versions")

// Versions yields the versions of objects whose keys begin with prefix, and the delete markers. A page that fails is requested again. An
// error that is yielded ends the listing; versions that were not listed may still exist. It is of kind store.Unsupported if the store
// is not a store.Versioner.
func (c *Client) Versions(ctx context.Context, bucket, prefix string) iter.Seq2[store.Version, error] {
	return func(yield func(store.Version, error) bool) {
		var after store.Ref
		for more := true; more; more = after.Key != "" {
			page, err := versioner(ctx, c, store.Ref{Bucket: bucket, Key: prefix}, func(ctx context.Context, v store.Versioner) (page []store.Version, err error) {
				page, next, err := v.VersionsPage(ctx, bucket, prefix, after)
				if err == nil {
					after = next
				}
				return page, err
			})
			if err != nil {
				yield(store.Version{}, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

// Versioning returns whether a bucket keeps versions of its objects: "Enabled", "Suspended", or "" if it never did. The error is of kind
// store.Unsupported if the store is not a store.Versioner.
func (c *Client) Versioning(ctx context.Context, bucket string) (string, error) {
	return versioner(ctx, c, store.Ref{Bucket: bucket}, func(ctx context.Context, v store.Versioner) (string, error) { return v.Versioning(ctx, bucket) })
}

// SetVersioning sets it to Enabled or Suspended.
func (c *Client) SetVersioning(ctx context.Context, bucket, status string) error {
	_, err := versioner(ctx, c, store.Ref{Bucket: bucket}, func(ctx context.Context, v store.Versioner) (string, error) {
		return status, v.SetVersioning(ctx, bucket, status)
	})
	return err
}

// versioner makes a request of the client's store, if that is a store.Versioner.
func versioner[T any](ctx context.Context, c *Client, ref store.Ref, f func(context.Context, store.Versioner) (T, error)) (answer T, err error) {
	v, ok := c.store.(store.Versioner)
	if !ok {
		return answer, &store.Error{Kind: store.Unsupported, Op: "ListObjectVersions", Ref: ref, Err: errNoVersions}
	}
	return ask(ctx, retrying{c}.begin(ref), func(ctx context.Context) (T, error) { return f(ctx, v) })
}
