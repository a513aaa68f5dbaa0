package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
)

const syncVerb = "sync"

const syncLong = `haul sync copies new and changed files from SOURCE to TARGET. With --delete, it also deletes files and objects from TARGET that
are not in SOURCE.

  haul sync DIR s3://BUCKET/DIR              upload
  haul sync s3://BUCKET/DIR DIR              download
  haul sync s3://BUCKET/DIR s3://BUCKET/DIR  copy server-side, without downloading
  haul sync lab:BUCKET/DIR aws:BUCKET/DIR    copy from one store to another (haul help stores)

As with the AWS CLI, a file or object is transferred if it is missing in the target, if the sizes differ, or if the source is newer.
A downloaded file gets the modification time of its object; a later download transfers it again only if the local file is newer.
--size-only compares only sizes. With --exact-timestamps, a download also transfers files whose times differ in either direction.
Folder placeholders (empty objects whose key ends in a slash) are ignored.

With --checksum, files of the same size are compared by content: haul reads the file and compares it with the checksum that the
server recorded, or with the ETag if that is an MD5. Nothing is downloaded for this. If the content cannot be compared, the file is
transferred; --verbose and --dryrun report this. With --times, haul saves the file's modification time in the object's metadata
(as mtime, like rclone; it also reads the time that s3cmd saves), compares it, and restores it on download. Both flags need one
request for each object of the same size.

With --delete, files and objects that are not in the source are deleted from the target; excluded ones are never deleted. Deletion
starts only after both listings are complete and the transfers are done. Nothing is deleted if a transfer failed or a folder could
not be read. If the source is empty (it may be an unmounted share), nothing is deleted and the exit code is 5, unless
--allow-empty-source is given. With --max-delete N, nothing is deleted if more than N files or objects would be deleted. Symbolic
links to folders in a local target are neither followed nor deleted. If nothing exists under the source prefix, haul assumes a typo
and exits with code 3.

Companion files are handled as with haul cp: indexes are transferred after their data, markers come last, and missing companions are
reported. --no-families turns this off, and --last adds other marker files.`

const syncExample = `  haul sync run42 s3://lab/runs/42
  haul sync --delete --dryrun run42 s3://lab/runs/42
  haul sync --exclude '*' --include '*.fastq.gz' s3://lab/runs/42 run42
  haul sync --checksum run42 s3://lab/runs/42`

// syncFlags say when a target is equal to its source, and what to delete.
type syncFlags struct {
	sizeOnly, exact, checksum bool
	delete, allowEmpty        bool
	maxDelete                 int
}

func (f *syncFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Comparing and deleting", pflag.ContinueOnError)
	fs.BoolVar(&f.sizeOnly, "size-only", false, "compare sizes only, not modification times")
	fs.BoolVar(&f.exact, "exact-timestamps", false, "on download, also transfer files whose times differ in either direction")
	fs.BoolVar(&f.checksum, "checksum", false, "compare files of the same size by their checksums, without downloading them")
	fs.BoolVar(&f.delete, "delete", false, "delete files and objects in the target that are not in the source")
	fs.BoolVar(&f.allowEmpty, "allow-empty-source", false, "allow --delete to empty the target if the source is empty")
	fs.IntVar(&f.maxDelete, "max-delete", 0, "delete nothing if more than `N` files or objects would be deleted")
	return fs
}

// parse adds what the flags describe to o.
func (f *syncFlags) parse(set *pflag.FlagSet, o *mirror.SyncOptions, times bool) error {
	chosen := 0
	for _, name := range []string{"size-only", "exact-timestamps", "checksum"} {
		if set.Changed(name) {
			chosen++
		}
	}
	switch {
	case chosen > 1:
		return command.Usagef("--size-only, --exact-timestamps and --checksum cannot be used together")
	case times && (f.sizeOnly || f.exact):
		return command.Usagef("--times compares the times saved in the objects' metadata; it cannot be used with --size-only or --exact-timestamps")
	case set.Changed("max-delete") && !f.delete:
		return command.Usagef("--max-delete needs --delete")
	case f.allowEmpty && !f.delete:
		return command.Usagef("--allow-empty-source needs --delete")
	case f.maxDelete < 0:
		return command.Usagef("--max-delete: it must be at least 0")
	}
	o.Rules = mirror.Rules{SizeOnly: f.sizeOnly, ExactTimes: f.exact, Checksum: f.checksum, Times: times, NoOverwrite: o.NoOverwrite}
	o.Delete, o.AllowEmptySource = f.delete, f.allowEmpty
	if set.Changed("max-delete") {
		o.MaxDelete = &f.maxDelete
	}
	return nil
}

func (a *app) sync() *cobra.Command {
	return a.transfers(&copyFlags{verb: syncVerb}, &cobra.Command{
		Use:     "sync [flags] SOURCE TARGET",
		Short:   "Copy new and changed files to another folder or prefix",
		Long:    syncLong,
		Example: syncExample,
		Args:    twoArgs,
	})
}
