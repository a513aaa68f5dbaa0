package haul

import (
	"context"
	"iter"

	"haul.example/haul/store"
)

// List yields the objects of a bucket whose keys begin with prefix, in the store's order. A page that fails is tried again,
// after the last key that came; an error that is yielded ends the listing, and says nothing about the keys that were not
// listed. Of the attributes, only RequestPayer and PageSize count; nil asks for nothing.
//
// Pages are asked for as they are needed. A long listing whose caller waits for pages is spread: several key ranges are
// listed at the same time, and yielded in order.
func (c *Client) List(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Object, error] {
	l := objects(c, store.Ref{Bucket: bucket, Key: prefix}, a)
	return func(yield func(store.Object, error) bool) {
		var seen sight
		long := false
		p, err := l.run(ctx, c, "", func(page []store.Object) bool {
			if !giveAll(page, yield) {
				return false
			}
			long = seen.look(page)
			return !long
		})
		switch {
		case err != nil:
			yield(store.Object{}, err)
		case long && !p.over:
			newSpread(c, l, seen.stride, p.after).run(ctx, yield)
		}
	}
}

// ListDir yields one level of a bucket, treating slashes as directory separators: the objects whose keys begin with prefix
// and have no slash after that, and the common prefixes of the others up to that slash. It is requested, and ends, as List
// is, but is never spread.
func (c *Client) ListDir(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Entry, error] {
	l := level(c, store.Ref{Bucket: bucket, Key: prefix}, a)
	return func(yield func(store.Entry, error) bool) {
		if _, err := l.run(ctx, c, "", func(page []store.Entry) bool { return giveAll(page, yield) }); err != nil {
			yield(store.Entry{}, err)
		}
	}
}

// giveAll yields a page; it reports whether the caller wants more.
func giveAll[E any](page []E, yield func(E, error) bool) bool {
	for _, e := range page {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// listing is one listing of entries that have names.
type listing[E any] struct {
	what store.Ref
	ask  func(ctx context.Context, after string) iter.Seq2[[]E, error]
	name func(E) string
}

// objects is the listing of all objects below a prefix.
func objects(c *Client, what store.Ref, a *store.Attrs) listing[store.Object] {
	return listing[store.Object]{
		what: what,
		ask: func(ctx context.Context, after string) iter.Seq2[[]store.Object, error] {
			return c.store.List(ctx, what.Bucket, what.Key, after, a)
		},
		name: func(o store.Object) string { return o.Key },
	}
}

// level is the listing of one level below a prefix.
func level(c *Client, what store.Ref, a *store.Attrs) listing[store.Entry] {
	return listing[store.Entry]{
		what: what,
		ask: func(ctx context.Context, after string) iter.Seq2[[]store.Entry, error] {
			return c.store.Level(ctx, what.Bucket, what.Key, after, a)
		},
		name: store.Entry.Name,
	}
}

// progress is how far a listing has come.
type progress struct {
	after string // the last name that came, in the order of the store's pages
	// over reports that there is no more, and stopped that no more is wanted.
	over, stopped bool
	// broke is why a listing failed after it had returned something: the tries of the rest count from it.
	broke error
}

// run passes on the pages of what comes after a name, until there is no more or give wants none.
func (l listing[E]) run(ctx context.Context, c *Client, after string, give func([]E) bool) (progress, error) {
	p := progress{after: after}
	t := c.begin(l.what.String(), "", transferOptions{})
	for !p.over && !p.stopped {
		if err := t.try(ctx, func(ctx context.Context) error { return l.goOn(ctx, t, &p, give) }); err != nil {
			return p, err
		}
	}
	return p, nil
}

// goOn passes on pages as run does, until the listing fails. Names within a page are not in order, but pages come whole.
func (l listing[E]) goOn(ctx context.Context, t *transfer, p *progress, give func([]E) bool) error {
	if err := p.broke; err != nil {
		p.broke = nil
		return err
	}
	told := false
	for page, err := range l.ask(ctx, p.after) {
		t.c.meter.Request()
		switch {
		case err != nil && told:
			p.broke = err
			return nil
		case err != nil:
			return err
		}
		told = true
		for _, e := range page {
			p.after = max(p.after, l.name(e))
		}
		if !give(page) {
			p.stopped = true
			return nil
		}
	}
	p.over = true
	return nil
}
