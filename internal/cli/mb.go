package cli

import (
	"context"

	"haul.example/haul/internal/command"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/store"
)

const mbLong = `haul mb creates a bucket, in the region of --region or of the profile. If the bucket exists already, the exit code is 5.`

func (a *app) mb() *cobra.Command {
	var tags string
	fs := pflag.NewFlagSet("The bucket", pflag.ContinueOnError)
	fs.StringVar(&tags, "tags", "", "its tags, as `NAME=VALUE,…` or NAME=VALUE&…")
	cmd := &cobra.Command{
		Use:     "mb [flags] s3://BUCKET",
		Short:   "Create a bucket",
		Long:    mbLong,
		Example: "  haul mb s3://lab\n  haul mb --region eu-central-1 --tags project=atlas s3://lab-frankfurt",
		Args:    exactlyOne("mb", "s3://BUCKET"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		req, err := parseMb(args[0], tags)
		if err != nil {
			return err
		}
		return a.session.MakeBucket(ctx, req)
	})
	return cmd
}

// parseMb returns the bucket that the flags and arguments describe.
func parseMb(word, tags string) (b store.NewBucket, err error) {
	if b.Name, err = parseBucket(word); err != nil || tags == "" {
		return b, err
	}
	b.Tags, err = command.ParseTagPairs(tags)
	return b, err
}

// parseBucket reads s3://BUCKET, or s3://BUCKET/.
func parseBucket(word string) (string, error) {
	l, err := parseLocation(word)
	switch {
	case err != nil:
		return "", err
	case l.Kind != command.Remote:
		return "", command.Usagef("a bucket is written s3://%s", word)
	case l.Ref.Key != "":
		return "", command.Usagef("%s names more than a bucket; write s3://%s", word, l.Ref.Bucket)
	}
	return l.Ref.Bucket, nil
}
