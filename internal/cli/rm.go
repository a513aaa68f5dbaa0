package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const rmLong = `haul rm deletes objects. This cannot be undone, unless versioning is enabled for the bucket.

  haul rm s3://BUCKET/KEY                    delete an object (no error if it does not exist)
  haul rm --recursive s3://BUCKET/DIR        delete everything under s3://BUCKET/DIR/
  haul rm --recursive s3://BUCKET            delete everything in the bucket

Each request deletes up to 1000 objects, and several requests run at once while the listing continues. Only listed objects are deleted;
if the listing fails, the objects listed so far have been deleted, and haul reports the error. A failure to delete an object is
reported immediately and does not stop the other deletions, but haul then exits with code 1.

haul refuses --recursive with s3://BUCKET/, because a command with s3://BUCKET/$DIR turns into that if the variable is empty. To delete
everything in a bucket, omit the slash. In a versioned bucket, delete markers hide the objects, and their versions remain.`

const rmExample = `  haul rm s3://lab/runs/42/reads.bam
  haul rm --recursive --dryrun s3://lab/runs/42
  haul rm --recursive --exclude '*' --include '*.tmp' s3://lab/runs
  haul rm --recursive --quiet s3://lab/runs/42`

// rmFlags are those of haul rm, as typed.
type rmFlags struct {
	recursive, dry bool
	filterFlags
	page pageFlags
}

func (f *rmFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Deleting", pflag.ContinueOnError)
	recursiveFlag(fs, &f.recursive, "delete everything under a prefix or in a bucket")
	dryFlag(fs, &f.dry, "print the objects without deleting them")
	f.filterFlags.add(fs)
	f.page.add(fs)
	return fs
}

func (a *app) rm() *cobra.Command {
	var f rmFlags
	cmd := &cobra.Command{
		Use:     "rm [flags] s3://BUCKET/KEY",
		Short:   "Delete objects",
		Long:    rmLong,
		Example: rmExample,
		Args:    exactlyOne("s3://BUCKET/KEY"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, set *pflag.FlagSet) (command.RemoveRequest, error) {
		return f.parse(args[0], set)
	}, a.session.Remove)
}

// parse returns the request that the flags and arguments describe.
func (f *rmFlags) parse(word string, set *pflag.FlagSet) (r command.RemoveRequest, err error) {
	r = command.RemoveRequest{Recursive: f.recursive, DryRun: f.dry, RefuseWildcards: true}
	if r.Attrs, err = f.page.attrs(set); err != nil {
		return r, err
	}
	if r.Where, err = parseRemote(word); err != nil {
		return r, err
	}
	switch {
	case r.Where.Key == "" && !f.recursive:
		return r, command.Usagef("%s is a bucket, not an object; with --recursive everything in it is deleted, and haul rb deletes the bucket", word)
	case r.Where.Key == "" && strings.HasSuffix(word, "/"):
		return r, command.Usagef("%s with --recursive would delete everything in the bucket; if you mean that, write s3://%s", word, r.Where.Bucket)
	case f.recursive && r.Where.Key != "":
		r.Where.Key = command.FolderKey(r.Where.Key)
	}
	if !f.filter.Empty() {
		root := r.Where.Key
		if !f.recursive {
			root = root[:strings.LastIndexByte(root, '/')+1]
		}
		r.Only = func(key string) bool { return f.filter.Wants("", strings.TrimPrefix(key, root)) }
	}
	return r, nil
}
