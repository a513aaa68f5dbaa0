package haul

import (
	"context"
	"iter"

	"haul/store"
)

// List gives the objects of a bucket whose keys begin with prefix, in the store's order, asking for pages as they are
// needed. A page that fails is tried again, after the last key that came; an error that is given ends the listing, and
// nothing may be concluded about what it did not tell. Of the attributes, only RequestPayer counts; nil asks for nothing.
func (c *Client) List(ctx context.Context, bucket, prefix string, a *store.Attrs) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		l := listing{ref: store.Ref{Bucket: bucket, Key: prefix}, attrs: a, yield: yield}
		t := c.begin(l.ref.String(), "", Transfer{})
		for !l.over {
			if err := t.try(ctx, func(ctx context.Context) error {
				c.meter.Request()
				return l.goOn(ctx, c.store)
			}); err != nil {
				yield(store.Object{}, err)
				return
			}
		}
	}
}

// Lanes tells how many parts and small objects may be in flight now.
func (c *Client) Lanes() int { return c.pace.Lanes() }

// listing is one List.
type listing struct {
	ref   store.Ref // its Key is the prefix
	attrs *store.Attrs
	yield func(store.Object, error) bool

	after string // the last key that came
	over  bool
	// broke is why a listing broke off that had told something: the tries of what follows begin with it.
	broke error
}

// goOn gives what comes after the last key, until there is no more, the caller wants no more, or the listing breaks off.
func (l *listing) goOn(ctx context.Context, s store.Lister) error {
	if err := l.broke; err != nil {
		l.broke = nil
		return err
	}
	told := false
	for obj, err := range s.List(ctx, l.ref.Bucket, l.ref.Key, l.after, l.attrs) {
		switch {
		case err != nil && told:
			l.broke = err
			return nil
		case err != nil:
			return err
		}
		told = true
		if l.after = obj.Key; !l.yield(obj, nil) {
			break
		}
	}
	l.over = true
	return nil
}
