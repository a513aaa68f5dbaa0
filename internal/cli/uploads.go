package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

const uploadsLong = `haul uploads lists unfinished uploads, whichever program started them. Interrupted transfers resume them; the others only cost money,
since the store bills the parts it holds. Each line has the date, the age, the key and the upload ID.

With --abort it aborts them. Say exactly which:

  haul uploads s3://BUCKET/KEY --abort                    all of that key, and of no longer key that starts with it
  haul uploads s3://BUCKET/DIR/ --abort --older-than 7d   all below that folder that were started more than 7 days ago
  haul uploads s3://BUCKET --abort --yes                  all of the bucket, including those of running transfers
  haul uploads s3://BUCKET/KEY --abort --upload-id ID     one

Aborting the upload of a running transfer makes that transfer fail.`

// uploadsFlags are those of haul uploads, as typed.
type uploadsFlags struct {
	abort, yes, parts bool
	olderThan         spanFlag
	id                string
}

func (f *uploadsFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Unfinished uploads", pflag.ContinueOnError)
	fs.BoolVar(&f.abort, "abort", false, "abort them")
	fs.Var(&f.olderThan, "older-than", "only those started at least `TIME` ago, such as 7d")
	fs.StringVar(&f.id, "upload-id", "", "only the one with that `ID`")
	fs.BoolVar(&f.yes, "yes", false, "with --abort: confirm aborting all of the bucket or folder")
	fs.BoolVar(&f.parts, "parts", false, "also count parts and bytes, with one request for each upload")
	return fs
}

func (a *app) uploads() *cobra.Command {
	var f uploadsFlags
	cmd := &cobra.Command{
		Use:     "uploads [flags] s3://BUCKET[/PREFIX]",
		Short:   "List or abort unfinished uploads",
		Long:    uploadsLong,
		Example: "  haul uploads s3://lab\n  haul uploads s3://lab/runs/ --parts\n  haul uploads s3://lab --abort --older-than 7d",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("uploads needs one s3://BUCKET, s3://BUCKET/KEY or s3://BUCKET/DIR/")
			}
			return nil
		},
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args[0])
		if err != nil {
			return err
		}
		st, err := a.connect.open(ctx)
		if err != nil {
			return err
		}
		return a.runUploads(ctx, haul.New(st, haul.Options{}), req)
	})
	return cmd
}

// uploadsRequest is a line of haul uploads, understood.
type uploadsRequest struct {
	where     store.Ref
	exact     bool // only the very key, not all that begin with it
	abort     bool
	parts     bool
	olderThan time.Duration // 0 is any age
	id        string        // empty is any
}

// parse understands the line.
func (f *uploadsFlags) parse(word string) (uploadsRequest, error) {
	l, err := parseLocation(word)
	if err != nil {
		return uploadsRequest{}, err
	}
	if l.kind != remote {
		return uploadsRequest{}, usagef("uploads are looked for in a bucket: s3://%s", strings.TrimLeft(word, "./-"))
	}
	r := uploadsRequest{where: l.ref, abort: f.abort, parts: f.parts, olderThan: f.olderThan.duration(), id: f.id}
	r.exact = f.abort && !isFolder(l.ref.Key)
	if f.yes && !f.abort {
		return r, usagef("--yes only goes with --abort")
	}
	if f.abort && !r.exact && !f.yes && r.olderThan == 0 && r.id == "" {
		return r, usagef("this would abort all unfinished uploads below %s, those of running transfers too; "+
			"add --older-than 1d (or another time) or --yes", word)
	}
	return r, nil
}

// wants reports whether the request means that upload.
func (r uploadsRequest) wants(u store.Upload, now time.Time) bool {
	switch {
	case !strings.HasPrefix(u.Key, r.where.Key), r.exact && u.Key != r.where.Key, r.id != "" && u.ID != r.id:
		return false
	case r.olderThan > 0 && (u.Started.IsZero() || now.Sub(u.Started) < r.olderThan):
		return false
	}
	return true
}

// runUploads lists, or aborts. What cannot be aborted does not keep the others from it.
func (a *app) runUploads(ctx context.Context, c *haul.Client, r uploadsRequest) error {
	screen := a.screen(false)
	found, err := findUploads(ctx, c, r)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return a.noUploads(r)
	}
	var failed []error
	for _, u := range found {
		row, err := rowOf(ctx, c, u, r.parts)
		if err == nil && r.abort {
			err = c.Store().Abort(ctx, u, nil)
		}
		switch {
		case errors.Is(err, store.NoUpload): // finished or aborted since it was listed
		case err != nil:
			failed = append(failed, err)
		case r.abort:
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
	if !r.abort {
		screen.Note(fmt.Sprintf("unfinished: %d; to abort one: %s", len(found), abortLine(a.connect, found[0].Ref)))
	}
	return nil
}

// findUploads gives the uploads that the request means. Where a prefix brings none it looks through the whole bucket, if it may:
// MinIO lists uploads only by whole keys or all at once, and to call its answer "none" would be wrong.
func findUploads(ctx context.Context, c *haul.Client, r uploadsRequest) ([]store.Upload, error) {
	now := time.Now()
	for _, prefix := range []string{r.where.Key, ""} {
		var found []store.Upload
		for u, err := range c.Uploads(ctx, r.where.Bucket, prefix) {
			if prefix != r.where.Key && errors.Is(err, store.Denied) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if r.wants(u, now) {
				found = append(found, u)
			}
		}
		if len(found) > 0 || r.where.Key == "" {
			return found, nil
		}
	}
	return nil, nil
}

// noUploads says that there are none, which is an error only where a particular one was meant.
func (a *app) noUploads(r uploadsRequest) error {
	if r.id != "" {
		return &missingError{fmt.Sprintf("no unfinished upload of that ID and age in %s: %s", r.where, r.id)}
	}
	what := "no unfinished uploads in " + r.where.String()
	if r.exact {
		what = "no unfinished uploads of " + r.where.String()
	}
	if r.olderThan > 0 {
		what += " of that age"
	}
	a.screen(false).Note(what)
	return nil
}

func rowOf(ctx context.Context, c *haul.Client, u store.Upload, counted bool) (ui.Row, error) {
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

// abortLine is the line that throws the unfinished uploads of a key away.
func abortLine(c connection, ref store.Ref) string {
	words := append([]string{"haul", "uploads", scheme + ref.Bucket + "/" + ref.Key, "--abort"}, c.words()...)
	return shellLine(words...)
}
