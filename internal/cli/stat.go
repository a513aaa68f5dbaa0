package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

const statLong = `haul stat shows what a store has recorded about an object, without downloading it: size, time, ETag, checksums, storage class,
restore state, encryption, headers, metadata, and the number and sizes of its parts if the store reports them. For a bucket it
shows that it exists, and its region. "haul head" is the same.`

// statFlags are those of haul stat, as typed.
type statFlags struct {
	attrs   attrFlags
	version string
	tags    bool
}

func (f *statFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	fs.BoolVar(&f.tags, "tags", false, "also print its tags, which needs an additional permission")
	return fs
}

// statRequest is a line of haul stat, understood.
type statRequest struct {
	refs  []store.Ref // without a Key, a bucket
	tags  bool
	attrs store.Attrs
}

func (a *app) stat() *cobra.Command {
	var f statFlags
	cmd := &cobra.Command{
		Use:     "stat [flags] s3://BUCKET/KEY…",
		Aliases: []string{"head"},
		Short:   "Show what a store has recorded about an object or a bucket",
		Long:    statLong,
		Example: "  haul stat s3://lab/runs/42/reads.bam\n  haul stat --tags --json s3://lab/runs/42/reads.bam | jq .checksums\n  haul stat s3://lab",
		Args:    atLeastOne("stat", "one s3://BUCKET/KEY or several"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args, disk{})
		if err != nil {
			return err
		}
		c, err := a.client(ctx)
		if err != nil {
			return err
		}
		return a.runStat(ctx, c, req)
	})
	return cmd
}

// parse understands the line.
func (f *statFlags) parse(args []string, d files) (r statRequest, err error) {
	r.tags = f.tags
	for _, word := range args {
		ref, err := parseRemote(word)
		if err != nil {
			return r, err
		}
		ref.Version = f.version
		r.refs = append(r.refs, ref)
	}
	if f.version != "" && len(args) > 1 {
		return r, usagef("--version-id is of one object, and there are %d", len(args))
	}
	r.attrs, err = f.attrs.attrs("", d.read)
	return r, err
}

// runStat tells of each; one that fails does not keep the others from it.
func (a *app) runStat(ctx context.Context, c *haul.Client, r statRequest) error {
	screen := a.screen(false)
	var failed []error
	for _, ref := range r.refs {
		var err error
		if ref.Key == "" {
			var b store.Bucket
			if b, err = c.Store().Bucket(ctx, ref.Bucket); err == nil {
				screen.BucketStat(b)
			}
		} else {
			var s ui.Stat
			if s, err = statOf(ctx, c, ref, r); err == nil {
				screen.Stat(s)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) == 1 {
		return failed[0]
	}
	return errors.Join(failed...)
}

// statOf asks for all there is. How it was cut is only told where it can be had.
func statOf(ctx context.Context, c *haul.Client, ref store.Ref, r statRequest) (s ui.Stat, err error) {
	if s.Object, err = c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &r.attrs}); err != nil {
		return s, err
	}
	if r.tags {
		s.Tagged = true
		if s.Tags, err = c.Store().Tags(ctx, ref, &r.attrs); err != nil {
			return s, err
		}
	}
	if m, ok := checksum.FromETag(s.Object.ETag); ok && m.Parts > 0 {
		s.Parts, err = c.Store().Layout(ctx, s.Object, &r.attrs)
		if errors.Is(err, store.Unsupported) || errors.Is(err, store.Denied) || errors.Is(err, store.NotFound) {
			s.Parts, err = nil, nil
		}
	}
	return s, err
}
