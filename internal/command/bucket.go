package command

import (
	"context"
	"fmt"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
)

// MakeBucket creates a bucket.
func (s *Session) MakeBucket(ctx context.Context, b store.NewBucket) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	if err := c.Store().MakeBucket(ctx, b); err != nil {
		return err
	}
	s.Screen().Bucket(b.Name)
	return nil
}

// RemoveBucketRequest deletes a bucket; with Force, all objects in it first.
type RemoveBucketRequest struct {
	Bucket string
	Force  bool
}

// Run deletes the bucket, and reports deleted objects to report. If the bucket stays because objects do, the error is a
// *NotEmptiedError.
func (r RemoveBucketRequest) Run(ctx context.Context, c *haul.Client, report RemoveReport) error {
	if r.Force {
		rm := RemoveRequest{Where: store.Ref{Bucket: r.Bucket}, Recursive: true}
		if err := rm.Run(ctx, c, report); err != nil {
			return &NotEmptiedError{err}
		}
	}
	return c.Store().DeleteBucket(ctx, r.Bucket)
}

// NotEmptiedError reports that a bucket stays because objects in it could not be deleted.
type NotEmptiedError struct{ Err error }

// Error names the cause.
func (e *NotEmptiedError) Error() string { return fmt.Sprintf("the bucket was not deleted: %v", e.Err) }

// Unwrap returns the cause.
func (e *NotEmptiedError) Unwrap() error { return e.Err }

// RemoveBucket runs r.
func (s *Session) RemoveBucket(ctx context.Context, r RemoveBucketRequest) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	if err := r.Run(ctx, c, s.Screen().Deletions(false)); err != nil {
		return err
	}
	s.Screen().BucketGone(r.Bucket)
	return nil
}

// SetWebsite configures a bucket as a static website.
func (s *Session) SetWebsite(ctx context.Context, bucket string, w store.Website) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	if err := c.Store().SetWebsite(ctx, bucket, w); err != nil {
		return err
	}
	s.Screen().Website(bucket, w)
	return nil
}

// DefaultPresign is how long a presigned URL is valid if nothing else is asked for.
const DefaultPresign = time.Hour

// Presign prints a URL for ref that is valid for the time given. It sends no request.
func (s *Session) Presign(ctx context.Context, ref store.Ref, validFor time.Duration) error {
	st, err := s.Connection.open(ctx)
	if err != nil {
		return err
	}
	url, err := st.Presign(ctx, ref, validFor)
	if err != nil {
		return err
	}
	s.Screen().Address(url, validFor.Seconds())
	return nil
}
