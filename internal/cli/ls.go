package cli

import (
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/store"
)

const lsLong = `haul ls lists buckets, folders and objects in the same format as the AWS CLI: local date and time, size in bytes, and name.

  haul ls                                    list your buckets
  haul ls s3://BUCKET/DIR/                   list the contents of a folder; PRE marks subfolders
  haul ls s3://BUCKET/DIR/x                  list the names in DIR that start with x
  haul ls --recursive s3://BUCKET/DIR/       list everything under DIR, with full keys

haul prints each page of the listing when it arrives, so memory use does not grow with the number of objects. If nothing matches the
prefix, the exit code is 3; for an empty bucket, it is 0. Control characters in keys are printed as \n or \x1b; --json keeps them.`

const lsExample = `  haul ls s3://lab/runs/
  haul ls --recursive --human-readable --summarize s3://lab/runs/42/
  haul ls --json --recursive s3://lab | jq -r 'select(.event == "object") | .object.key'`

// pageFlags are those of everything that lists.
type pageFlags struct {
	size  int
	payer string
}

func (f *pageFlags) add(fs *pflag.FlagSet) {
	fs.IntVar(&f.size, "page-size", 0, "list `N` entries per request (default and maximum: 1000)")
	optional(fs, &f.payer, "request-payer", "requester", "agree, as the `requester`, to pay for requests and data transfer")
}

// attrs are what travels with the requests.
func (f *pageFlags) attrs(set *pflag.FlagSet) (store.Attrs, error) {
	if f.size < 0 || set.Changed("page-size") && f.size == 0 {
		return store.Attrs{}, command.Usagef("--page-size: it must be at least 1")
	}
	if f.payer != "" && f.payer != "requester" {
		return store.Attrs{}, command.Usagef("--request-payer must be requester (got %q)", f.payer)
	}
	return store.Attrs{RequestPayer: f.payer, PageSize: f.size}, nil
}

// lsFlags are those of haul ls, as typed.
type lsFlags struct {
	recursive, human, long, summarize bool
	page                              pageFlags
	bucketPrefix, bucketRegion        string
}

func (f *lsFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Listing", pflag.ContinueOnError)
	recursiveFlag(fs, &f.recursive, "list everything under the prefix, with full keys")
	fs.BoolVarP(&f.long, "long", "l", false, "also print the storage class and the ETag, before the name")
	fs.BoolVar(&f.human, "human-readable", false, "print sizes in KiB, MiB, GiB")
	fs.BoolVar(&f.summarize, "summarize", false, "print the number of objects and bytes at the end")
	f.page.add(fs)
	fs.StringVar(&f.bucketPrefix, "bucket-name-prefix", "", "list only buckets whose names start with `TEXT`")
	fs.StringVar(&f.bucketRegion, "bucket-region", "", "list only buckets in `REGION`")
	return fs
}

func (a *app) ls() *cobra.Command {
	var f lsFlags
	cmd := &cobra.Command{
		Use:     "ls [flags] [s3://BUCKET[/PREFIX]]",
		Short:   "List buckets, folders or objects",
		Long:    lsLong,
		Example: lsExample,
		Args:    atMostOne("s3://BUCKET or s3://BUCKET/PREFIX"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, f.parse, a.session.List)
}

// parse returns the request that the flags and arguments describe.
func (f *lsFlags) parse(args []string, set *pflag.FlagSet) (r command.ListRequest, err error) {
	r.Recursive, r.Human, r.Long, r.Summarize = f.recursive, f.human, f.long, f.summarize
	r.Buckets = store.BucketQuery{Prefix: f.bucketPrefix, Region: f.bucketRegion, PageSize: f.page.size}
	if r.Attrs, err = f.page.attrs(set); err != nil {
		return r, err
	}
	if len(args) > 0 && args[0] != command.Scheme {
		if r.Where, err = parseRemote(args[0]); err != nil {
			return r, err
		}
	}
	if r.Where.Bucket != "" && (f.bucketPrefix != "" || f.bucketRegion != "") {
		return r, command.Usagef("--bucket-name-prefix and --bucket-region apply to a list of buckets; leave out %s", args[0])
	}
	if r.Where.Bucket == "" && (f.recursive || f.summarize) {
		return r, command.Usagef("--recursive and --summarize apply to objects; name a bucket")
	}
	return r, nil
}

// parseRemote reads s3://BUCKET or s3://BUCKET/KEY.
func parseRemote(word string) (store.Ref, error) {
	l, err := parseLocation(word)
	switch {
	case err != nil:
		return store.Ref{}, err
	case l.Kind != command.Remote:
		return store.Ref{}, command.Usagef("%s is not an s3:// address; write buckets and objects as s3://BUCKET/KEY", word)
	}
	return l.Ref, nil
}

// parseObject reads s3://BUCKET/KEY.
func parseObject(word string) (store.Ref, error) {
	ref, err := parseRemote(word)
	if err == nil && ref.Key == "" {
		return ref, command.Usagef("%s is a bucket, not an object; write s3://%s/KEY", word, ref.Bucket)
	}
	return ref, err
}

// atMostOne, exactlyOne and atLeastOne check how many arguments a command has, and say what they are.
func atMostOne(what string) cobra.PositionalArgs { return arguments(0, 1, "takes one "+what) }

func exactlyOne(what string) cobra.PositionalArgs { return arguments(1, 1, "needs one "+what) }

func atLeastOne(what string) cobra.PositionalArgs { return arguments(1, math.MaxInt, "needs "+what) }

func arguments(least, most int, text string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return command.Usagef("%s %s", strings.TrimPrefix(cmd.CommandPath(), "haul "), text)
		}
		return nil
	}
}
