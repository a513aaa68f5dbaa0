package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/mirror"
)

const syncVerb = "sync"

const syncLong = `haul sync makes what is below TARGET like what is in SOURCE, and moves only what differs.

  haul sync DIR s3://BUCKET/DIR              up
  haul sync s3://BUCKET/DIR DIR              down
  haul sync s3://BUCKET/DIR s3://BUCKET/DIR  within the store

As with the AWS CLI, a file or object moves where its target is missing, where the sizes differ, and where the source is newer;
on the way down, where a file has the time of its object, only where the file is newer. --size-only looks at sizes alone, and
--exact-timestamps lets any difference in time count on the way down. Objects that stand for folders (empty, with a slash at
the end of the key) are no part of it.

With --checksum the content decides where sizes are equal: the sums, or the ETag that is an MD5, that the store keeps, against
the file's. Nothing is downloaded for that; the file is read. Where nobody can tell whether the content differs, it moves, and
--verbose and --dryrun say so. With --times the file's time is kept in the object's metadata (mtime, as rclone has it; s3cmd's
is read too), compared, and given back on the way down. Both cost a request for each object whose size is equal.

With --delete, what is not in the source is deleted from the target; what the filters leave out stays, on both sides. Nothing is
deleted before both listings came to a good end and the transfers are done, nor where one of them failed or a folder could not be
read. Where nothing is found in the source at all, which is how a share looks that is not mounted, nothing is deleted and the exit
code is 5, unless --allow-empty-source is given. With --max-delete N, where there is more to delete than N, nothing is. Links to folders in a local target are neither followed nor
deleted. A prefix with nothing below it is taken for a typing error, and ends with exit code 3.

Families come in order, and what lacks is named, as with haul cp; --no-families turns that off, and --last names
markers of your own.`

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
	fs.BoolVar(&f.sizeOnly, "size-only", false, "look at nothing but sizes")
	fs.BoolVar(&f.exact, "exact-timestamps", false, "on the way down, let any difference in time count")
	fs.BoolVar(&f.checksum, "checksum", false, "let the content decide where sizes are equal")
	fs.BoolVar(&f.delete, "delete", false, "delete from the target what is not in the source")
	fs.BoolVar(&f.allowEmpty, "allow-empty-source", false, "let --delete empty the target where nothing is found in the source")
	fs.IntVar(&f.maxDelete, "max-delete", 0, "delete nothing where there is more to delete than `N`")
	return fs
}

// parse understands the flags.
func (f *syncFlags) parse(set *pflag.FlagSet, o *mirror.SyncOptions, times bool) error {
	chosen := 0
	for _, name := range []string{"size-only", "exact-timestamps", "checksum"} {
		if set.Changed(name) {
			chosen++
		}
	}
	switch {
	case chosen > 1:
		return usagef("--size-only, --exact-timestamps and --checksum exclude each other")
	case times && (f.sizeOnly || f.exact):
		return usagef("--times compares by the times kept with the objects, and goes with neither --size-only nor --exact-timestamps")
	case set.Changed("max-delete") && !f.delete:
		return usagef("--max-delete needs --delete")
	case f.allowEmpty && !f.delete:
		return usagef("--allow-empty-source needs --delete")
	case f.maxDelete < 0:
		return usagef("--max-delete: it must be at least 0")
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
		Short:   "Make a folder or prefix like another, moving what differs",
		Long:    syncLong,
		Example: syncExample,
		Args:    twoArgs,
	})
}

// treeRequest is a run over many objects, as either face asks for it.
type treeRequest struct {
	from, to mirror.End
	sync     bool
	options  mirror.SyncOptions
}

// run does it, and tells of each object. It is told from many goroutines, one at a time.
func (r treeRequest) run(ctx context.Context, c *haul.Client, tell func(mirror.Event)) (mirror.Summary, error) {
	r.options.Observe = tell
	if r.sync {
		return mirror.Sync(ctx, c, r.from, r.to, r.options)
	}
	return mirror.Tree(ctx, c, r.from, r.to, r.options.Options)
}
