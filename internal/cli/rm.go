package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/store"
)

const rmLong = `haul rm deletes objects. This cannot be undone, unless versioning is enabled for the bucket.

  haul rm s3://BUCKET/KEY                    one object; it is not an error if it does not exist
  haul rm --recursive s3://BUCKET/DIR        everything below s3://BUCKET/DIR/
  haul rm --recursive s3://BUCKET            everything in the bucket

Each request deletes up to 1000 objects, and several run at once while the listing continues. Only listed objects are deleted; if
the listing fails, the objects listed before that are gone and the run ends with its error. Objects that cannot be deleted are
reported at once and do not stop the others; the run then ends with exit code 1.

s3://BUCKET/ with --recursive is refused, because an empty variable in s3://BUCKET/$DIR produces it: leave out the slash.
In a versioned bucket, a delete marker hides the objects, and their versions stay.`

const rmExample = `  haul rm s3://lab/runs/42/reads.bam
  haul rm --recursive --dryrun s3://lab/runs/42
  haul rm --recursive --exclude '*' --include '*.tmp' s3://lab/runs
  haul rm --recursive --quiet s3://lab/runs/42`

// rmFlags are those of haul rm, as typed.
type rmFlags struct {
	recursive, dry bool
	filterFlags
	page pageFlags
}

func (f *rmFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Deleting", pflag.ContinueOnError)
	fs.BoolVarP(&f.recursive, "recursive", "r", false, "everything below a prefix, or in a bucket")
	fs.BoolVar(&f.dry, "dryrun", false, "only print what would be deleted")
	f.filterFlags.add(fs)
	f.page.add(fs)
	return fs
}

// rmRequest is a deletion, as either face asks for it.
type rmRequest struct {
	// where is the object, or with recursive a prefix as its Key.
	where     store.Ref
	recursive bool
	dry       bool
	// careful refuses one key with wildcards that is not there.
	careful bool
	// only tells by the key whether an object is meant; nil means all.
	only  func(key string) bool
	attrs store.Attrs
}

// rmReport is told what became of each object, from one goroutine.
type rmReport interface {
	Deleted(store.Ref)
	NotDeleted(store.Ref, error)
}

// rmSummary counts what became of the objects. Unsure are those of requests that the end of the run cut: they are not told of
// one by one, since what ended it is one error.
type rmSummary struct{ deleted, failed, unsure int }

func (s *rmSummary) tell(to rmReport, ref store.Ref, err error) {
	switch unsure := new(haul.UncertainDeleteError); {
	case err == nil:
		s.deleted++
		to.Deleted(ref)
	case errors.As(err, &unsure):
		s.unsure++
	default:
		s.failed++
		to.NotDeleted(ref, err)
	}
}

// brokenListing says how far a deletion came whose listing broke off.
type brokenListing struct {
	summary rmSummary
	err     error
}

// Error tells what was deleted and what was not.
func (e *brokenListing) Error() string {
	return fmt.Sprintf("%v; %d objects listed before that are deleted, and no others", e.err, e.summary.deleted)
}

// Unwrap gives the listing's error.
func (e *brokenListing) Unwrap() error { return e.err }

// partlyError says that some objects are not deleted.
type partlyError struct {
	summary rmSummary
	// first is why the first of them is not.
	first error
}

// Error counts them.
func (e *partlyError) Error() string {
	if e.summary.failed == 1 && e.summary.deleted == 0 {
		return e.first.Error()
	}
	return fmt.Sprintf("%d of %d objects were not deleted; listed above", e.summary.failed, e.summary.failed+e.summary.deleted)
}

// firstReport keeps the first error.
type firstReport struct {
	rmReport
	first error
}

func (r *firstReport) NotDeleted(ref store.Ref, err error) {
	if r.first == nil {
		r.first = err
	}
	r.rmReport.NotDeleted(ref, err)
}

// run deletes. The error is a *brokenListing, a *partlyError, or one that ended it.
func (r rmRequest) run(ctx context.Context, c *haul.Client, told rmReport) (s rmSummary, err error) {
	to := &firstReport{rmReport: told}
	if r.recursive {
		err = r.all(ctx, c, to, &s)
	} else if r.only == nil || r.only(r.where.Key) {
		if err = r.notMeant(ctx, c); err == nil && !r.dry {
			err = c.Store().Delete(ctx, r.where, &r.attrs)
		}
		if err != nil && ctx.Err() != nil {
			return s, err
		}
		s.tell(to, r.where, err)
		err = nil
	}
	if err == nil && s.failed > 0 {
		err = &partlyError{s, to.first}
	}
	return s, err
}

// notMeant refuses a key that looks like a pattern and is not there: a store would say that it is gone.
func (r rmRequest) notMeant(ctx context.Context, c *haul.Client) error {
	if !r.careful || !strings.ContainsAny(r.where.Key, "*?") {
		return nil
	}
	_, err := c.Store().Head(ctx, store.GetRequest{Ref: r.where, Attrs: &r.attrs})
	var e *store.Error
	if errors.Is(err, store.NotFound) && errors.As(err, &e) {
		e.Hint = "rm takes * and ? as they are; for a pattern: haul rm --recursive --exclude '*' --include 'PATTERN' s3://BUCKET/FOLDER"
	}
	return err
}

// all deletes what a listing tells.
func (r rmRequest) all(ctx context.Context, c *haul.Client, to rmReport, s *rmSummary) error {
	var broke error // the listing; written by the goroutine that lists, and read after it
	keys := r.keys(ctx, c, &broke)
	if r.dry {
		for key, err := range keys {
			if err != nil {
				return err
			}
			s.tell(to, store.Ref{Bucket: r.where.Bucket, Key: key}, nil)
		}
		return nil
	}
	var end error
	for ref, err := range c.DeleteAll(ctx, r.where.Bucket, keys, &r.attrs) {
		if ref.Key == "" {
			end = err
			continue
		}
		s.tell(to, ref, err)
	}
	if end != nil && end == broke && ctx.Err() == nil {
		return &brokenListing{*s, end}
	}
	return end
}

// keys lists the keys that are meant.
func (r rmRequest) keys(ctx context.Context, c *haul.Client, broke *error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o, err := range c.List(ctx, r.where.Bucket, r.where.Key, &r.attrs) {
			if err != nil {
				*broke = err
				yield("", err)
				return
			}
			if (r.only == nil || r.only(o.Key)) && !yield(o.Key, nil) {
				return
			}
		}
	}
}

func (a *app) rm() *cobra.Command {
	var f rmFlags
	cmd := &cobra.Command{
		Use:     "rm [flags] s3://BUCKET/KEY",
		Short:   "Delete objects",
		Long:    rmLong,
		Example: rmExample,
		Args:    exactlyOne("rm", "s3://BUCKET/KEY"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args[0], cmd.Flags())
		if err != nil {
			return err
		}
		c, err := a.client(ctx)
		if err != nil {
			return err
		}
		return a.runRm(ctx, c, req)
	})
	return cmd
}

// runRm deletes and tells.
func (a *app) runRm(ctx context.Context, c *haul.Client, req rmRequest) error {
	defer a.noteStop(ctx)()
	began := time.Now()
	out := a.screen(false).Deletions(req.dry)
	if !req.recursive {
		_, err := req.run(ctx, c, lone{out})
		if part := new(partlyError); errors.As(err, &part) {
			return part.first
		}
		return err
	}
	s, err := req.run(ctx, c, out)
	if s == (rmSummary{}) && err == nil {
		a.screen(false).Note("nothing is below " + req.where.String())
		return nil
	}
	out.Total(s.deleted, s.failed, time.Since(began))
	if s.unsure > 0 {
		a.screen(false).Note(fmt.Sprintf("%d more deletions were in progress when it stopped; those objects may be gone", s.unsure))
	}
	return err
}

// lone is told of one object, whose error is the run's own.
type lone struct{ rmReport }

// NotDeleted says nothing.
func (lone) NotDeleted(store.Ref, error) {}

// noteStop tells, when ctx ends before the func that it gives is called, that the run ends.
func (a *app) noteStop(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() { a.screen(false).Note(stopping) })
}

// parse understands the line.
func (f *rmFlags) parse(word string, set *pflag.FlagSet) (r rmRequest, err error) {
	r = rmRequest{recursive: f.recursive, dry: f.dry, careful: true}
	if r.attrs, err = f.page.attrs(set); err != nil {
		return r, err
	}
	if r.where, err = parseRemote(word); err != nil {
		return r, err
	}
	switch {
	case r.where.Key == "" && !f.recursive:
		return r, usagef("%s is a bucket, not an object; with --recursive everything in it is deleted, and haul rb deletes the bucket", word)
	case r.where.Key == "" && strings.HasSuffix(word, "/"):
		return r, usagef("%s with --recursive would delete all of the bucket; if that is meant, write s3://%s", word, r.where.Bucket)
	case f.recursive && r.where.Key != "":
		r.where.Key = folderKey(r.where.Key)
	}
	if !f.filter.Empty() {
		root := r.where.Key
		if !f.recursive {
			root = root[:strings.LastIndexByte(root, '/')+1]
		}
		r.only = func(key string) bool { return f.filter.Wants("", strings.TrimPrefix(key, root)) }
	}
	return r, nil
}
