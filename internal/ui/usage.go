package ui

import (
	"fmt"

	"haul.example/haul/internal/amount"
	"haul.example/haul/store"
)

// Usage is what lies below a prefix, or what of it is in one storage class.
type Usage struct {
	// Where has a prefix as its Key.
	Where store.Ref
	// Class is empty for all.
	Class   string
	Objects int
	Bytes   int64
}

// Usage writes it; human prints sizes with units.
func (s *Screen) Usage(u Usage, human bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(record{
			Event: "usage", Bucket: u.Where.Bucket, Prefix: u.Where.Key, Class: u.Class, Size: &u.Bytes, objectCounts: &objectCounts{Done: &u.Objects},
		})
	case !s.cfg.Quiet:
		size := fmt.Sprint(u.Bytes)
		if human {
			size = amount.Bytes(u.Bytes)
		}
		name := u.Class
		if name == "" {
			name = u.Where.String()
		}
		s.line(s.out, fmt.Sprintf("%15s  %10s  %s", size, grouped(u.Objects), Printable(name)))
	}
}

// Address writes the signed URL of an object, even if Quiet is set: it is the result.
func (s *Screen) Address(url string, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		s.json(record{Event: "address", URL: url, Good: &seconds})
		return
	}
	s.line(s.out, url)
}

// BucketGone reports that a bucket was deleted.
func (s *Screen) BucketGone(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(record{Event: "bucket_deleted", Bucket: name})
	case !s.cfg.Quiet:
		s.line(s.out, "deleted bucket: s3://"+Printable(name))
	}
}

// Website reports how a bucket answers as a web site from now on.
func (s *Screen) Website(bucket string, w store.Website) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(record{Event: "website", Bucket: bucket, Index: w.Index, ErrorPage: w.Error})
	case !s.cfg.Quiet:
		text := "website: s3://" + bucket + " with " + w.Index
		if w.Error != "" {
			text += ", and " + w.Error + " for missing objects"
		}
		s.line(s.out, Printable(text))
	}
}
