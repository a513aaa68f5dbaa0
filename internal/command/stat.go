package command

import (
	"context"
	"errors"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// StatRequest prints what a store has recorded about objects and buckets.
type StatRequest struct {
	Refs  []store.Ref // without a Key, a bucket
	Tags  bool        // also the tags, which takes a request and a permission more
	Attrs store.Attrs
}

// Stat runs r. One that fails does not stop the others.
func (s *Session) Stat(ctx context.Context, r StatRequest) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	screen := s.Screen()
	var failed []error
	for _, ref := range r.Refs {
		var err error
		if ref.Key == "" {
			var b store.Bucket
			if b, err = c.Store().Bucket(ctx, ref.Bucket); err == nil {
				screen.BucketStat(b)
			}
		} else {
			var st ui.Stat
			if st, err = statOf(ctx, c, ref, r); err == nil {
				screen.Stat(st)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) == 1 {
		return failed[0]
	}
	return errors.Join(failed...)
}

// statOf asks for everything. The part layout is left out if the store does not report it.
func statOf(ctx context.Context, c *haul.Client, ref store.Ref, r StatRequest) (s ui.Stat, err error) {
	if s.Object, err = c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &r.Attrs}); err != nil {
		return s, err
	}
	if r.Tags {
		s.Tagged = true
		if s.Tags, err = c.Store().Tags(ctx, ref, &r.Attrs); err != nil {
			return s, err
		}
	}
	if m, ok := checksum.FromETag(s.Object.ETag); ok && m.Parts > 0 {
		s.Parts, err = c.Store().Layout(ctx, s.Object, &r.Attrs)
		if errors.Is(err, store.Unsupported) || errors.Is(err, store.Denied) || errors.Is(err, store.NotFound) {
			s.Parts, err = nil, nil
		}
	}
	return s, err
}
