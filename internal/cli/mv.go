package cli

import "github.com/spf13/cobra"

const mvVerb = "mv"

const mvLong = `haul mv moves a file or object, or with --recursive or wildcards many of them. It copies as haul cp does, then deletes the source if
the target is verified and the source is unchanged.

  haul mv FILE s3://BUCKET/KEY               upload
  haul mv s3://BUCKET/KEY FILE               download
  haul mv s3://BUCKET/KEY s3://BUCKET/KEY    move on the server, without downloading
  haul mv -r DIR s3://BUCKET/DIR             move everything in a folder; the empty folders stay

If the target cannot be verified, or the source changed during the copy, the source is kept and the exit code is 1. It is also kept
if source and target may be the same object (some servers treat a//b and a/b as one key), and if a link leads to it from the source
folder. haul does not move a file or object onto itself. To resume an interrupted move, run the same command again.`

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
