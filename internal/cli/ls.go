package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

const lsLong = `haul ls lists buckets, folders and objects, in the columns of the AWS CLI: local date and time, size in bytes, name.

  haul ls                                    the buckets
  haul ls s3://BUCKET/DIR/                   the contents of a folder; PRE marks a folder in it
  haul ls s3://BUCKET/DIR/x                  what starts with x there: a prefix need not end in a slash
  haul ls --recursive s3://BUCKET/DIR/       everything below it, with whole keys

Lines are printed as pages arrive; memory does not grow with the number of objects. If nothing matches the prefix, the exit code is 3;
an empty bucket gives 0. Control characters in keys are printed as \n or \x1b; --json keeps them.`

const lsExample = `  haul ls s3://lab/runs/
  haul ls --recursive --human-readable --summarize s3://lab/runs/42/
  haul ls --json --recursive s3://lab | jq -r 'select(.event == "object") | .object.key'`

// pageFlags are those of everything that lists.
type pageFlags struct {
	size  int
	payer string
}

func (f *pageFlags) add(fs *pflag.FlagSet) {
	fs.IntVar(&f.size, "page-size", 0, "list `N` entries per request (default 1000, the most that stores return)")
	optional(fs, &f.payer, "request-payer", "requester", "as the `requester`, agree to pay for requests and traffic")
}

// attrs are what travels with the requests.
func (f *pageFlags) attrs(set *pflag.FlagSet) (store.Attrs, error) {
	if f.size < 0 || set.Changed("page-size") && f.size == 0 {
		return store.Attrs{}, usagef("--page-size: it must be at least 1")
	}
	if f.payer != "" && f.payer != "requester" {
		return store.Attrs{}, usagef("--request-payer must be requester (got %q)", f.payer)
	}
	return store.Attrs{RequestPayer: f.payer, PageSize: f.size}, nil
}

// lsFlags are those of haul ls, as typed.
type lsFlags struct {
	recursive, human, summarize bool
	page                        pageFlags
	bucketPrefix, bucketRegion  string
}

func (f *lsFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Listing", pflag.ContinueOnError)
	fs.BoolVarP(&f.recursive, "recursive", "r", false, "everything below, with whole keys")
	fs.BoolVar(&f.human, "human-readable", false, "sizes in KiB, MiB, GiB")
	fs.BoolVar(&f.summarize, "summarize", false, "count objects and bytes at the end")
	f.page.add(fs)
	fs.StringVar(&f.bucketPrefix, "bucket-name-prefix", "", "only buckets whose names start with `TEXT`")
	fs.StringVar(&f.bucketRegion, "bucket-region", "", "only buckets in `REGION`")
	return fs
}

// lsRequest is a listing, as either face asks for it.
type lsRequest struct {
	// where to look: the Key is a prefix; without a Bucket, the buckets themselves are listed.
	where     store.Ref
	recursive bool
	buckets   store.BucketQuery
	attrs     store.Attrs
}

// lsReport is told what is found, from one goroutine.
type lsReport interface {
	Bucket(store.Bucket)
	Entry(store.Entry)
}

// lsEach gives the entries of a listing, of one level or all of them.
func (r lsRequest) each(ctx context.Context, c *haul.Client) func(func(store.Entry, error) bool) {
	if !r.recursive {
		return c.ListDir(ctx, r.where.Bucket, r.where.Key, &r.attrs)
	}
	return func(yield func(store.Entry, error) bool) {
		for o, err := range c.List(ctx, r.where.Bucket, r.where.Key, &r.attrs) {
			if !yield(store.Entry{Object: o}, err) {
				return
			}
		}
	}
}

// run lists. What was told before an error stands.
func (r lsRequest) run(ctx context.Context, c *haul.Client, to lsReport) (t ui.Totals, err error) {
	if r.where.Bucket == "" {
		for b, err := range c.Store().Buckets(ctx, r.buckets) {
			if err != nil {
				return t, err
			}
			t.Buckets++
			to.Bucket(b)
		}
		return t, nil
	}
	for e, err := range r.each(ctx, c) {
		switch {
		case err != nil:
			return t, err
		case e.Prefix != "":
			t.Prefixes++
		default:
			t.Objects++
			t.Bytes += e.Object.Size
		}
		to.Entry(e)
	}
	return t, nil
}

// empty reports whether a prefix was named and nothing begins with it.
func (r lsRequest) empty(t ui.Totals) bool { return r.where.Key != "" && t.Objects+t.Prefixes == 0 }

func (a *app) ls() *cobra.Command {
	var f lsFlags
	cmd := &cobra.Command{
		Use:     "ls [flags] [s3://BUCKET[/PREFIX]]",
		Short:   "List buckets, folders or objects",
		Long:    lsLong,
		Example: lsExample,
		Args:    atMostOne("ls", "s3://BUCKET or s3://BUCKET/PREFIX"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args, cmd.Flags())
		if err != nil {
			return err
		}
		c, err := a.client(ctx)
		if err != nil {
			return err
		}
		out := a.screen(false).Listing(ui.ListingStyle{Full: req.recursive, Human: f.human})
		defer out.Close()
		t, err := req.run(ctx, c, out)
		switch {
		case err != nil:
			return err
		case f.summarize:
			out.Total(t)
		}
		if req.empty(t) {
			return &missingError{fmt.Sprintf("no object key starts with %s", req.where)}
		}
		return nil
	})
	return cmd
}

// parse understands the line.
func (f *lsFlags) parse(args []string, set *pflag.FlagSet) (r lsRequest, err error) {
	r.recursive = f.recursive
	r.buckets = store.BucketQuery{Prefix: f.bucketPrefix, Region: f.bucketRegion, PageSize: f.page.size}
	if r.attrs, err = f.page.attrs(set); err != nil {
		return r, err
	}
	if len(args) > 0 && args[0] != scheme {
		if r.where, err = parseRemote(args[0]); err != nil {
			return r, err
		}
	}
	if r.where.Bucket != "" && (f.bucketPrefix != "" || f.bucketRegion != "") {
		return r, usagef("--bucket-name-prefix and --bucket-region are about a list of buckets; leave %s out", args[0])
	}
	if r.where.Bucket == "" && (f.recursive || f.summarize) {
		return r, usagef("--recursive and --summarize are about objects; name a bucket")
	}
	return r, nil
}

// parseRemote reads s3://BUCKET or s3://BUCKET/KEY.
func parseRemote(word string) (store.Ref, error) {
	l, err := parseLocation(word)
	switch {
	case err != nil:
		return store.Ref{}, err
	case l.kind != remote:
		return store.Ref{}, usagef("%s is not in a store; buckets and objects are written s3://BUCKET/KEY", word)
	}
	return l.ref, nil
}

// parseObject reads s3://BUCKET/KEY.
func parseObject(word string) (store.Ref, error) {
	ref, err := parseRemote(word)
	if err == nil && ref.Key == "" {
		return ref, usagef("%s is a bucket, not an object; write s3://%s/KEY", word, ref.Bucket)
	}
	return ref, err
}

func atMostOne(verb, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes one %s", verb, what)
		}
		return nil
	}
}

func exactlyOne(verb, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s needs one %s", verb, what)
		}
		return nil
	}
}

func atLeastOne(verb, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s needs %s", verb, what)
		}
		return nil
	}
}
