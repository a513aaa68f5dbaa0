package haul

import (
	"context"
	"iter"

	"haul/store"
)

// List gives the objects of a bucket whose keys begin with prefix, in the store's order, asking for pages as they are
// needed. A page that fails is tried again, after the last key that came; an error that is given ends the listing, and
// nothing may be concluded about what it did not tell. Of the attributes, only RequestPayer and PageSize count; nil asks for
// nothing.
func (c *Client) List(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Object, error] {
	l := listing[store.Object]{
		what: store.Ref{Bucket: bucket, Key: prefix},
		ask: func(ctx context.Context, after string) iter.Seq2[store.Object, error] {
			return c.store.List(ctx, bucket, prefix, after, a)
		},
		name: func(o store.Object) string { return o.Key },
	}
	return func(yield func(store.Object, error) bool) { l.run(ctx, c, yield) }
}

// Level gives one level of a bucket, as if slashes made folders of it: the objects whose keys begin with prefix and have no
// slash after that, and what the others begin with up to that slash. It is asked for, and ends, as List is.
func (c *Client) Level(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Entry, error] {
	l := listing[store.Entry]{
		what: store.Ref{Bucket: bucket, Key: prefix},
		ask: func(ctx context.Context, after string) iter.Seq2[store.Entry, error] {
			return c.store.Level(ctx, bucket, prefix, after, a)
		},
		name: store.Entry.Name,
	}
	return func(yield func(store.Entry, error) bool) { l.run(ctx, c, yield) }
}

// Lanes tells how many parts and small objects may be in flight now.
func (c *Client) Lanes() int { return c.pace.Lanes() }

// listing is one listing of entries that have names.
type listing[E any] struct {
	what store.Ref
	ask  func(ctx context.Context, after string) iter.Seq2[E, error]
	name func(E) string
}

// progress is how far a listing is.
type progress struct {
	after string // the last name that came, by the order of the store's pages
	over  bool
	// broke is why a listing broke off that had told something: the tries of what follows begin with it.
	broke error
}

func (l listing[E]) run(ctx context.Context, c *Client, yield func(E, error) bool) {
	var p progress
	t := c.begin(l.what.String(), "", Transfer{})
	for !p.over {
		if err := t.try(ctx, func(ctx context.Context) error { return l.goOn(ctx, &p, yield) }); err != nil {
			var none E
			yield(none, err)
			return
		}
	}
}

// goOn gives what comes after the last name, until there is no more, the caller wants no more, or the listing breaks off.
// Within a page names are not in order, but pages come whole.
func (l listing[E]) goOn(ctx context.Context, p *progress, yield func(E, error) bool) error {
	if err := p.broke; err != nil {
		p.broke = nil
		return err
	}
	told := false
	for e, err := range l.ask(ctx, p.after) {
		switch {
		case err != nil && told:
			p.broke = err
			return nil
		case err != nil:
			return err
		}
		told = true
		p.after = max(p.after, l.name(e))
		if !yield(e, nil) {
			break
		}
	}
	p.over = true
	return nil
}
