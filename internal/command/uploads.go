package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// UploadsRequest lists or aborts unfinished uploads.
type UploadsRequest struct {
	Where     store.Ref
	Exact     bool // only that key, not all that begin with it
	Abort     bool
	Parts     bool          // count parts and bytes, with one request for each upload
	OlderThan time.Duration // 0 is any age
	ID        string        // "" is any
}

// wants reports whether the request is about that upload.
func (r UploadsRequest) wants(u store.Upload, now time.Time) bool {
	switch {
	case !strings.HasPrefix(u.Key, r.Where.Key), r.Exact && u.Key != r.Where.Key, r.ID != "" && u.ID != r.ID:
		return false
	case r.OlderThan > 0 && (u.Started.IsZero() || now.Sub(u.Started) < r.OlderThan):
		return false
	}
	return true
}

// Uploads runs r. An upload that cannot be aborted does not stop the others.
func (s *Session) Uploads(ctx context.Context, r UploadsRequest) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	screen := s.Screen()
	found, err := findUploads(ctx, c, r)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return s.noUploads(r)
	}
	var failed []error
	for _, u := range found {
		row, err := uploadRow(ctx, c, u, r.Parts)
		if err == nil && r.Abort {
			err = c.Store().Abort(ctx, u, nil)
		}
		switch {
		case errors.Is(err, store.NoUpload): // finished or aborted since it was listed
		case err != nil:
			failed = append(failed, err)
		case r.Abort:
			screen.Aborted(row)
		default:
			screen.Upload(row)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d unfinished uploads: %w", len(failed), len(found), errors.Join(failed...))
	}
	if !r.Abort {
		screen.Note(fmt.Sprintf("unfinished: %d; to abort one: %s", len(found), s.Connection.AbortLine(found[0].Ref)))
	}
	return nil
}

// findUploads returns the uploads that the request is about. If a listing by prefix is empty it lists the whole bucket, if it may:
// MinIO lists uploads only by whole keys or all at once, so that its empty listing means nothing.
func findUploads(ctx context.Context, c *haul.Client, r UploadsRequest) ([]store.Upload, error) {
	now := time.Now()
	for _, prefix := range []string{r.Where.Key, ""} {
		var found []store.Upload
		for u, err := range c.Uploads(ctx, r.Where.Bucket, prefix) {
			if prefix != r.Where.Key && errors.Is(err, store.Denied) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if r.wants(u, now) {
				found = append(found, u)
			}
		}
		if len(found) > 0 || r.Where.Key == "" {
			return found, nil
		}
	}
	return nil, nil
}

// noUploads reports that there are none, which is an error only if a particular one was asked for.
func (s *Session) noUploads(r UploadsRequest) error {
	if r.ID != "" {
		return &MissingError{fmt.Sprintf("no unfinished upload with that ID and age in %s: %s", r.Where, r.ID)}
	}
	what := "no unfinished uploads in " + r.Where.String()
	if r.Exact {
		what = "no unfinished uploads of " + r.Where.String()
	}
	if r.OlderThan > 0 {
		what += " of that age"
	}
	s.Screen().Note(what)
	return nil
}

func uploadRow(ctx context.Context, c *haul.Client, u store.Upload, counted bool) (ui.Row, error) {
	row := ui.Row{Upload: u, Counted: counted}
	if !counted {
		return row, nil
	}
	_, parts, err := c.Store().Parts(ctx, u, nil)
	for _, p := range parts {
		row.Bytes += p.Size
	}
	row.Parts = len(parts)
	return row, err
}

// AbortLine returns the command that aborts the unfinished uploads of a key.
func (c *Connection) AbortLine(ref store.Ref) string {
	return c.line("haul", "uploads", Scheme+ref.Bucket+"/"+ref.Key, "--abort")
}
