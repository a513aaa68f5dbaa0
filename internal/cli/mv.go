package cli

import "github.com/spf13/cobra"

const mvVerb = "mv"

const mvLong = `haul mv moves a file or object, or with --recursive or wildcards many: it copies as haul cp does, and deletes the source when the
target is proved and the source is still what was copied.

  haul mv FILE s3://BUCKET/KEY               up
  haul mv s3://BUCKET/KEY FILE               down
  haul mv s3://BUCKET/KEY s3://BUCKET/KEY    within the store
  haul mv -r DIR s3://BUCKET/DIR             all that is in a folder; the folders themselves stay

Where nobody vouches for the bytes at the target, or the source changed meanwhile, the source is kept, and the run ends with exit
code 1. It is kept, too, where it may be one object with its copy, since some stores take a//b and a/b for one key; and where it lies
behind a link to a folder, outside of the source. A file or object is not moved onto itself. A broken run goes on with the same line.`

const mvExample = `  haul mv reads.bam s3://lab/runs/42/
  haul mv -r s3://lab/inbox s3://lab/runs/42
  haul mv 's3://lab/runs/42/**/*.bam' bam/`

func (a *app) mv() *cobra.Command {
	return a.transfers(&copyFlags{verb: mvVerb}, &cobra.Command{
		Use:     "mv [flags] SOURCE TARGET",
		Short:   "Move files or objects, and delete the sources when the targets are proved",
		Long:    mvLong,
		Example: mvExample,
		Args:    twoArgs,
	})
}
