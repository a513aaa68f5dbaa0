package command

import (
	"context"
	"fmt"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// ListRequest lists buckets, folders or objects.
type ListRequest struct {
	// Where is what to list: its Key is a prefix; without a Bucket, the buckets are listed.
	Where     store.Ref
	Recursive bool
	Buckets   store.BucketQuery
	Attrs     store.Attrs
	Human     bool // sizes in KiB, MiB, GiB
	Long      bool // storage class and ETag, too
	Summarize bool // count objects and bytes at the end
}

// ListReport receives what is found, from one goroutine.
type ListReport interface {
	Bucket(store.Bucket)
	Entry(store.Entry)
}

// each yields the entries of a listing, of one level or of all.
func (r ListRequest) each(ctx context.Context, c *haul.Client) func(func(store.Entry, error) bool) {
	if !r.Recursive {
		return c.ListDir(ctx, r.Where.Bucket, r.Where.Key, &r.Attrs)
	}
	return func(yield func(store.Entry, error) bool) {
		for o, err := range c.List(ctx, r.Where.Bucket, r.Where.Key, &r.Attrs) {
			if !yield(store.Entry{Object: o}, err) {
				return
			}
		}
	}
}

// Run lists, and reports each entry. What was reported before an error is valid.
func (r ListRequest) Run(ctx context.Context, c *haul.Client, to ListReport) (t ui.Totals, err error) {
	if r.Where.Bucket == "" {
		for b, err := range c.Store().Buckets(ctx, r.Buckets) {
			if err != nil {
				return t, err
			}
			t.Buckets++
			to.Bucket(b)
		}
		return t, nil
	}
	for e, err := range r.each(ctx, c) {
		switch {
		case err != nil:
			return t, err
		case e.Prefix != "":
			t.Prefixes++
		default:
			t.Objects++
			t.Bytes += e.Object.Size
		}
		to.Entry(e)
	}
	return t, nil
}

// Empty reports whether a prefix was named and nothing begins with it.
func (r ListRequest) Empty(t ui.Totals) bool { return r.Where.Key != "" && t.Objects+t.Prefixes == 0 }

// List runs r, and prints what it finds. If nothing begins with the prefix, the error is a *MissingError.
func (s *Session) List(ctx context.Context, r ListRequest) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	out := s.Screen().Listing(ui.ListingStyle{Full: r.Recursive, Human: r.Human, Long: r.Long})
	defer out.Close()
	t, err := r.Run(ctx, c, out)
	switch {
	case err != nil:
		return err
	case r.Summarize:
		out.Total(t)
	}
	if r.Empty(t) {
		return &MissingError{fmt.Sprintf("no object key starts with %s", r.Where)}
	}
	return nil
}
