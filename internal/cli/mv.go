package cli

import "github.com/spf13/cobra"

const mvVerb = "mv"

const mvLong = `haul mv moves a file or object, or with --recursive or wildcards many. It copies as haul cp does, and deletes the source once the
target is verified and the source is unchanged.

  haul mv FILE s3://BUCKET/KEY               upload
  haul mv s3://BUCKET/KEY FILE               download
  haul mv s3://BUCKET/KEY s3://BUCKET/KEY    within the store
  haul mv -r DIR s3://BUCKET/DIR             everything in a folder; the folders themselves stay

If the target cannot be verified, or the source changed during the copy, the source is kept and the exit code is 1. It is also kept
if source and target may be the same object (some stores treat a//b and a/b as one key), and if it lies outside of the source folder,
behind a link. A file or object is not moved onto itself. To resume an interrupted move, run the same command again.`

const mvExample = `  haul mv reads.bam s3://lab/runs/42/
  haul mv -r s3://lab/inbox s3://lab/runs/42
  haul mv 's3://lab/runs/42/**/*.bam' bam/`

func (a *app) mv() *cobra.Command {
	return a.transfers(&copyFlags{verb: mvVerb}, &cobra.Command{
		Use:     "mv [flags] SOURCE TARGET",
		Short:   "Move files or objects: copy them, verify the copies, delete the sources",
		Long:    mvLong,
		Example: mvExample,
		Args:    twoArgs,
	})
}
