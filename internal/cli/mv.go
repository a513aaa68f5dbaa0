package cli

import "github.com/spf13/cobra"

const mvVerb = "mv"

const mvLong = `haul mv moves a file or an object or, with --recursive or wildcards, many of them. It copies like haul cp, and then deletes the source
if the copy is verified and the source has not changed.

  haul mv FILE s3://BUCKET/KEY               upload
  haul mv s3://BUCKET/KEY FILE               download
  haul mv s3://BUCKET/KEY s3://BUCKET/KEY    move server-side, without downloading
  haul mv lab:BUCKET/KEY aws:BUCKET/KEY      move from one store to another
  haul mv -r DIR s3://BUCKET/DIR             move everything in a folder; the empty folders remain

If the copy cannot be verified, or the source changed during the copy, the source is kept and the exit code is 1. It is also kept if
source and target may be the same object (some servers treat a//b and a/b as the same key), or if the source folder contains only a
link to it. haul refuses to move a file or an object onto itself. To resume an interrupted move, run the same command again.`

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
