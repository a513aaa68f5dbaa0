// Package listing lists what a store has, page after page, and, where a caller has to wait for a long listing, several ranges of
// keys at a time.
//
//	ask for pages; one that fails is asked for again, after the last name that came
//	two pages and 2000 keys have come: guess a key ahead, and list what comes after it at the same time
//	yield all in the order of the keys
//
// It does not promise a state of the bucket at one moment: an object that is stored or deleted meanwhile is listed, or is not.
package listing

import (
	"context"
	"iter"

	"haul.example/haul/store"
)

// All yields the entries of a listing, in the order of the store's pages. An error that is yielded ends it, and says nothing about
// what was not listed.
func All[E any](ctx context.Context, l Listing[E]) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		if _, err := l.run(ctx, "", func(page []E) bool { return giveAll(page, yield) }); err != nil {
			var none E
			yield(none, err)
		}
	}
}

// Pages yields the pages of what comes after a name.
func Pages[E any](ctx context.Context, l Listing[E], after string) iter.Seq2[[]E, error] {
	return func(yield func([]E, error) bool) {
		if _, err := l.run(ctx, after, func(page []E) bool { return yield(page, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// Objects yields the objects of a listing as All does, in the order of their keys; a long one is spread over ranges of keys.
func Objects(ctx context.Context, l Listing[store.Object]) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		var seen sight
		long := false
		p, err := l.run(ctx, "", func(page []store.Object) bool {
			if !giveAll(page, yield) {
				return false
			}
			long = seen.observe(page)
			return !long
		})
		switch {
		case err != nil:
			yield(store.Object{}, err)
		case long && !p.over:
			newSpread(l, seen.stride, p.after).run(ctx, yield)
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

// Listing is one listing of entries that have names.
type Listing[E any] struct {
	// What names it in errors.
	What store.Ref
	// Ask makes the requests for the pages that come after a name; each page is one. Names within a page are in no order, but
	// all come after those of the page before.
	Ask  func(ctx context.Context, after string) iter.Seq2[[]E, error]
	Name func(E) string
	// Try returns what calls a function again until it succeeds or is given up; each run of requests gets its own.
	Try func() func(context.Context, func(context.Context) error) error
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
func (l Listing[E]) run(ctx context.Context, after string, give func([]E) bool) (progress, error) {
	p := progress{after: after}
	try := l.Try()
	for !p.over && !p.stopped {
		if err := try(ctx, func(ctx context.Context) error { return l.resume(ctx, &p, give) }); err != nil {
			return p, err
		}
	}
	return p, nil
}

// resume passes on pages as run does, until the listing fails. Names within a page are not in order, but pages come whole.
func (l Listing[E]) resume(ctx context.Context, p *progress, give func([]E) bool) error {
	if err := p.broke; err != nil {
		p.broke = nil
		return err
	}
	came := false
	for page, err := range l.Ask(ctx, p.after) {
		switch {
		case err != nil && came:
			p.broke = err
			return nil
		case err != nil:
			return err
		}
		came = true
		for _, e := range page {
			p.after = max(p.after, l.Name(e))
		}
		if !give(page) {
			p.stopped = true
			return nil
		}
	}
	p.over = true
	return nil
}
