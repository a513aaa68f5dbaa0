package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/store"
)

const rbLong = `haul rb deletes a bucket, which must be empty. With --force it first deletes all objects in it, as haul rm --recursive does;
if one of them cannot be deleted, or the listing fails, the bucket stays. Object versions, and in some stores unfinished uploads,
keep a bucket from being empty: "haul uploads s3://BUCKET --abort --yes" aborts the uploads.`

// rbRequest is a bucket to delete, as either face asks for it.
type rbRequest struct {
	bucket string
	force  bool
}

// run deletes it. With force, told is told of the objects; an error before the bucket itself was tried is a *notEmptied.
func (r rbRequest) run(ctx context.Context, c *haul.Client, told rmReport) error {
	if r.force {
		rm := rmRequest{where: store.Ref{Bucket: r.bucket}, recursive: true}
		if _, err := rm.run(ctx, c, told); err != nil {
			return &notEmptied{err}
		}
	}
	return c.Store().DeleteBucket(ctx, r.bucket)
}

// notEmptied says that a bucket stays because objects in it do.
type notEmptied struct{ err error }

// Error gives the cause.
func (e *notEmptied) Error() string { return fmt.Sprintf("the bucket was not deleted: %v", e.err) }

// Unwrap gives the cause.
func (e *notEmptied) Unwrap() error { return e.err }

func (a *app) rb() *cobra.Command {
	var force bool
	fs := pflag.NewFlagSet("Deleting", pflag.ContinueOnError)
	fs.BoolVar(&force, "force", false, "delete all objects in it first")
	cmd := &cobra.Command{
		Use:     "rb [flags] s3://BUCKET",
		Short:   "Delete a bucket",
		Long:    rbLong,
		Example: "  haul rb s3://lab-scratch\n  haul rb --force s3://lab-scratch",
		Args:    exactlyOne("rb", "s3://BUCKET"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		bucket, err := parseBucket(args[0])
		if err != nil {
			return err
		}
		c, err := a.client(ctx)
		if err != nil {
			return err
		}
		defer a.noteStop(ctx)()
		if err := (rbRequest{bucket, force}).run(ctx, c, a.screen(false).Deletions(false)); err != nil {
			return err
		}
		a.screen(false).BucketGone(bucket)
		return nil
	})
	return cmd
}
