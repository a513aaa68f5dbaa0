package haul

import (
	"context"
	"iter"

	"haul.example/haul/internal/listing"
	"haul.example/haul/store"
)

// List yields the objects of a bucket whose keys begin with prefix, in the store's order. A page that fails is requested
// again, from the last key received. An error that is yielded ends the listing; keys that were not listed may still exist. Of
// the attributes, only RequestPayer and PageSize are used; nil means none.
//
// Pages are requested as they are needed. If the caller of a long listing waits for pages, List requests several key ranges
// at the same time, and yields them in order.
func (c *Client) List(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Object, error] {
	return listing.Objects(ctx, c.objects(store.Ref{Bucket: bucket, Key: prefix}, a))
}

// ListDir yields one level of a bucket, treating slashes as directory separators: the objects whose keys begin with prefix
// and have no slash after that, and the common prefixes of the others up to that slash. It works as List does, but requests
// one page at a time.
func (c *Client) ListDir(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Entry, error] {
	return listing.All(ctx, c.level(store.Ref{Bucket: bucket, Key: prefix}, a))
}

// objects is the listing of all objects below a prefix.
func (c *Client) objects(what store.Ref, a *store.Attrs) listing.Listing[store.Object] {
	return listing.Listing[store.Object]{
		What: what, Try: c.tries(what),
		Ask: func(ctx context.Context, after string) iter.Seq2[[]store.Object, error] {
			return counted(c, c.store.List(ctx, what.Bucket, what.Key, after, a))
		},
		Name: func(o store.Object) string { return o.Key },
	}
}

// level is the listing of one level below a prefix.
func (c *Client) level(what store.Ref, a *store.Attrs) listing.Listing[store.Entry] {
	return listing.Listing[store.Entry]{
		What: what, Try: c.tries(what),
		Ask: func(ctx context.Context, after string) iter.Seq2[[]store.Entry, error] {
			return counted(c, c.store.Level(ctx, what.Bucket, what.Key, after, a))
		},
		Name: store.Entry.Name,
	}
}

// tries returns the try of new transfers.
func (c *Client) tries(what store.Ref) func() func(context.Context, func(context.Context) error) error {
	return func() func(context.Context, func(context.Context) error) error {
		return c.begin(what.String(), "", transferOptions{}).try
	}
}

// counted counts a request for each page.
func counted[E any](c *Client, pages iter.Seq2[[]E, error]) iter.Seq2[[]E, error] {
	return func(yield func([]E, error) bool) {
		for page, err := range pages {
			c.meter.Request()
			if !yield(page, err) {
				return
			}
		}
	}
}
