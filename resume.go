package haul

import (
	"context"
	"fmt"
	"iter"
	"time"

	"haul.example/haul/internal/journal"
	"haul.example/haul/store"
)

// Unfinished is a transfer that an earlier run started on this machine and did not finish.
type Unfinished struct {
	// Upload is true for an upload, false for a download.
	Upload bool
	// Path is the local file, absolute; Ref the object.
	Path  string
	Ref   store.Ref
	Began time.Time

	record record
}

// Unfinished yields the transfers with this Client's store that were started on this machine and not finished, including
// those that another process is running now.
func (c *Client) Unfinished() iter.Seq2[Unfinished, error] {
	return func(yield func(Unfinished, error) bool) {
		dir, err := journal.Dir(c.opts.StateDir)
		if err != nil {
			yield(Unfinished{}, err)
			return
		}
		for r, err := range journal.List[record](dir) {
			if err == nil && (r.Identity != c.identity || r.Kind != uploading && r.Kind != downloading) {
				continue
			}
			u := Unfinished{Upload: r.Kind == uploading, Path: string(r.Path), Ref: r.Ref, Began: r.Began, record: r}
			if !yield(u, err) {
				return
			}
		}
	}
}

// Resume resumes an unfinished transfer as the call that began it would. A transfer with a customer's key (SSE-C) cannot be
// resumed in this way, because keys are never recorded: repeat the original call instead.
func (c *Client) Resume(ctx context.Context, u Unfinished) (Result, error) {
	kept := u.record.Choices
	if kept.Attrs.Encryption.Customer.Key != "" || kept.Attrs.Encryption.CopySource.Key != "" {
		return Result{}, fmt.Errorf("%s was started with a customer-provided key, which is never saved: pass the key again", u.Path)
	}
	if u.Upload {
		return c.Upload(ctx, u.Path, u.Ref, UploadOptions{
			PartSize: kept.PartSize, Checksum: kept.Checksum, NoClobber: kept.NoClobber, Times: kept.Times, Attrs: kept.Attrs,
			Digests: kept.Digests, DigestFirst: kept.DigestFirst,
		})
	}
	return c.Download(ctx, u.Ref, u.Path, DownloadOptions{
		PartSize: kept.PartSize, NoClobber: kept.NoClobber, Times: kept.Times, Attrs: kept.Attrs, Digests: kept.Digests,
	})
}
