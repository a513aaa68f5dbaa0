package ui

import (
	"fmt"
	"time"

	"haul.example/haul/internal/amount"
	"haul.example/haul/store"
)

// Row is one unfinished upload, as haul uploads lists it.
type Row struct {
	Upload store.Upload
	// Counted reports that Parts and Bytes were asked for.
	Counted bool
	Parts   int
	Bytes   int64
}

// Upload lists an unfinished upload.
func (s *Screen) Upload(r Row) { s.upload("upload", "", r) }

// Aborted reports that an unfinished upload was thrown away.
func (s *Screen) Aborted(r Row) { s.upload("aborted", "aborted: ", r) }

func (s *Screen) upload(event, verb string, r Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(record{Event: event, Upload: rowRecord(r)})
	case !s.cfg.Quiet:
		s.line(s.out, verb+rowLine(r, time.Now()))
	}
}

// rowLine returns date, age, what it holds where that was asked for, key and ID.
func rowLine(r Row, now time.Time) string {
	date, old := "                   ", "?"
	if at := r.Upload.Started; !at.IsZero() {
		date, old = at.Local().Format(time.DateTime), amount.Age(now.Sub(at))
	}
	line := fmt.Sprintf("%s  %6s", date, old)
	if r.Counted {
		line += fmt.Sprintf("  %12s  %10s", count(r.Parts, "part"), amount.Bytes(r.Bytes))
	}
	return line + "  " + Printable(r.Upload.Ref.String()) + "  " + Printable(r.Upload.ID)
}

func rowRecord(r Row) *uploadRecord {
	u := &uploadRecord{
		Bucket: r.Upload.Bucket, Key: r.Upload.Key, ID: r.Upload.ID,
		Started: r.Upload.Started.UTC(), StorageClass: r.Upload.StorageClass,
	}
	if r.Counted {
		u.Parts, u.Bytes = &r.Parts, &r.Bytes
	}
	return u
}

// Bucket reports that a bucket was made.
func (s *Screen) Bucket(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(record{Event: "bucket", Bucket: name})
	case !s.cfg.Quiet:
		s.line(s.out, "created bucket: s3://"+Printable(name))
	}
}
