package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const catLong = `haul cat writes objects to standard output, one after the other. As with haul cp s3://BUCKET/KEY -, it downloads the parts of each
object in parallel, and verifies the object at the end. haul stops at the first failure; output that was already written remains.`

// catFlags are those of haul cat, as typed.
type catFlags struct {
	attrs   attrFlags
	version string
	limits  limitFlags
}

func (f *catFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	f.limits.add(fs)
	return fs
}

func (a *app) cat() *cobra.Command {
	var f catFlags
	cmd := &cobra.Command{
		Use:     "cat [flags] s3://BUCKET/KEY…",
		Short:   "Write objects to standard output",
		Long:    catLong,
		Example: "  haul cat s3://lab/runs/42/log.txt\n  haul cat s3://lab/reads_L001.fastq.gz s3://lab/reads_L002.fastq.gz | zcat | wc -l",
		Args:    atLeastOne("one s3://BUCKET/KEY or several"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, set *pflag.FlagSet) (command.CatRequest, error) {
		return f.parse(args, set, disk{})
	}, a.session.Cat)
}

// parse returns the request that the flags and arguments describe.
func (f *catFlags) parse(args []string, set *pflag.FlagSet, d files) (r command.CatRequest, err error) {
	for _, word := range args {
		ref, err := parseObject(word)
		if err != nil {
			return r, err
		}
		ref.Version = f.version
		r.Refs = append(r.Refs, ref)
	}
	if f.version != "" && len(args) > 1 {
		return r, command.Usagef("--version-id applies to one object (got %d)", len(args))
	}
	if r.Options, err = f.limits.options(set); err != nil {
		return r, err
	}
	r.Transfer.Attrs, err = f.attrs.attrs("", d.read)
	return r, err
}
