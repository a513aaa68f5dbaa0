package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const statLong = `haul stat shows the properties of an object without downloading it: size, time, ETag, checksums, storage class,
restore state, encryption, headers, metadata, and the number and sizes of its parts if the server reports them. For a bucket, it
shows whether the bucket exists, and its region. "haul head" is an alias.`

// statFlags are those of haul stat, as typed.
type statFlags struct {
	attrs   attrFlags
	version string
	tags    bool
}

func (f *statFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	fs.BoolVar(&f.tags, "tags", false, "also print the object's tags, which requires an additional permission")
	return fs
}

func (a *app) stat() *cobra.Command {
	var f statFlags
	cmd := &cobra.Command{
		Use:     "stat [flags] s3://BUCKET/KEY…",
		Aliases: []string{"head"},
		Short:   "Show the properties of an object or a bucket",
		Long:    statLong,
		Example: "  haul stat s3://lab/runs/42/reads.bam\n  haul stat --tags --json s3://lab/runs/42/reads.bam | jq .checksums\n  haul stat s3://lab",
		Args:    atLeastOne("one s3://BUCKET/KEY or several"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, _ *pflag.FlagSet) (command.StatRequest, error) {
		return f.parse(args, disk{})
	}, a.session.Stat)
}

// parse returns the request that the flags and arguments describe.
func (f *statFlags) parse(args []string, d files) (r command.StatRequest, err error) {
	r.Tags = f.tags
	for _, word := range args {
		ref, err := parseRemote(word)
		if err != nil {
			return r, err
		}
		ref.Version = f.version
		r.Refs = append(r.Refs, ref)
	}
	if f.version != "" && len(args) > 1 {
		return r, command.Usagef("--version-id applies to one object (got %d)", len(args))
	}
	r.Attrs, err = f.attrs.attrs("", d.read)
	return r, err
}
