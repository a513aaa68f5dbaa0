package cli

import (
	"context"

	"github.com/spf13/cobra"

	"haul/store"
)

const mbLong = `haul mb makes a bucket, in the region of --region or of the profile. That it exists already is a conflict.`

func (a *app) mb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mb [flags] s3://BUCKET",
		Short:   "Make a bucket",
		Long:    mbLong,
		Example: "  haul mb s3://lab\n  haul mb --region eu-central-1 s3://lab-frankfurt",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("mb needs one s3://BUCKET")
			}
			return nil
		},
	}
	a.command(cmd, nil, func(ctx context.Context, args []string) error {
		bucket, err := parseBucket(args[0])
		if err != nil {
			return err
		}
		st, err := a.connect.open(ctx)
		if err != nil {
			return err
		}
		if err := st.MakeBucket(ctx, store.NewBucket{Name: bucket}); err != nil {
			return err
		}
		a.screen(false).Bucket(bucket)
		return nil
	})
	return cmd
}

// parseBucket reads s3://BUCKET, or s3://BUCKET/.
func parseBucket(word string) (string, error) {
	l, err := parseLocation(word)
	switch {
	case err != nil:
		return "", err
	case l.kind != remote:
		return "", usagef("a bucket is written s3://%s", word)
	case l.ref.Key != "":
		return "", usagef("%s names more than a bucket; write s3://%s", word, l.ref.Bucket)
	}
	return l.ref.Bucket, nil
}
