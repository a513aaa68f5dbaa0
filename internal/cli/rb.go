package cli

import (
	"context"

	"haul.example/haul/internal/command"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rbLong = `haul rb deletes a bucket, which must be empty. With --force it first deletes all objects in it, as haul rm --recursive does;
if one of them cannot be deleted, or the listing fails, the bucket stays. Object versions, and in some stores unfinished uploads,
keep a bucket from being empty: "haul uploads s3://BUCKET --abort --yes" aborts the uploads.`

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
		return a.session.RemoveBucket(ctx, command.RemoveBucketRequest{Bucket: bucket, Force: force})
	})
	return cmd
}
