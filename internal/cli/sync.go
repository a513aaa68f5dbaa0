package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
)

const syncVerb = "sync"

const syncLong = `haul sync makes TARGET match SOURCE, and transfers only what differs.

  haul sync DIR s3://BUCKET/DIR              upload
  haul sync s3://BUCKET/DIR DIR              download
  haul sync s3://BUCKET/DIR s3://BUCKET/DIR  copy within the store

As with the AWS CLI, a file or object is transferred if its target is missing, if the sizes differ, or if the source is newer. A
downloaded file has the time of its object; on download it is transferred again only if the file is newer. --size-only compares only
sizes. With --exact-timestamps any difference in time counts on download. Folder placeholders (empty objects whose key ends in a
slash) are ignored.

With --checksum, files of equal size are compared by content: the file is read and compared with the checksum recorded by the store,
or with an ETag that is an MD5. Nothing is downloaded for that. If the content cannot be compared, the file is transferred, and
--verbose and --dryrun say so. With --times the file's time is stored in the object's metadata (mtime, as rclone does; s3cmd's is
read too), compared, and restored on download. Both cost one request for each object of equal size.

With --delete, files and objects that are not in the source are deleted from the target; what the filters exclude is kept on both
sides. Deletion starts only after both listings are complete and the transfers are done. Nothing is deleted if any of them failed or
a folder could not be read. If the source is empty, which is how an unmounted share looks, nothing is deleted and the exit code is 5,
unless --allow-empty-source is given. With --max-delete N, nothing is deleted if there are more than N deletions. Links to folders in a
local target are neither followed nor deleted. If nothing exists below a source prefix, it is treated as a typing error: exit code 3.

Companion files are handled as with haul cp: indexes after their data, markers last, missing companions reported. --no-families
turns that off, and --last names further markers.`

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
	fs.BoolVar(&f.sizeOnly, "size-only", false, "compare sizes only")
	fs.BoolVar(&f.exact, "exact-timestamps", false, "on download, any difference in time counts")
	fs.BoolVar(&f.checksum, "checksum", false, "compare files of equal size by content")
	fs.BoolVar(&f.delete, "delete", false, "delete files and objects in the target that are not in the source")
	fs.BoolVar(&f.allowEmpty, "allow-empty-source", false, "let --delete empty the target if the source is empty")
	fs.IntVar(&f.maxDelete, "max-delete", 0, "delete nothing if there are more than `N` deletions")
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
		return command.Usagef("--times compares by the times kept with the objects, and goes with neither --size-only nor --exact-timestamps")
	case set.Changed("max-delete") && !f.delete:
		return command.Usagef("--max-delete needs --delete")
	case f.allowEmpty && !f.delete:
		return command.Usagef("--allow-empty-source needs --delete")
	case f.maxDelete < 0:
		return command.Usagef("--max-delete: it must be at least 0")
	}
	o.Rules = mirror.Rules{SizeOnly: f.sizeOnly, ExactTimes: f.exact, Checksum: f.checksum, Times: times, NoOverwrite: o.NoOverwrite}
	o.Delete, o.AllowEmptySource, o.MaxDelete = f.delete, f.allowEmpty, f.maxDelete
	if set.Changed("max-delete") && f.maxDelete == 0 {
		o.MaxDelete = -1
	}
	return nil
}

func (a *app) sync() *cobra.Command {
	return a.transfers(&copyFlags{verb: syncVerb}, &cobra.Command{
		Use:     "sync [flags] SOURCE TARGET",
		Short:   "Make a folder or prefix match another, transferring what differs",
		Long:    syncLong,
		Example: syncExample,
		Args:    twoArgs,
	})
}
