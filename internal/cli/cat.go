package cli

import (
	"context"

	"haul.example/haul/internal/command"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
)

const catLong = `haul cat writes objects to standard output, one after the other: each is downloaded in parts, several at once, and verified at its
end, as by haul cp s3://BUCKET/KEY -. The first failure ends the run; output that was already written is not taken back.`

// catFlags are those of haul cat, as typed.
type catFlags struct {
	attrs       attrFlags
	version     string
	concurrency int
	memory      sizeFlag
	patience    spanFlag
}

func (f *catFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	fs.IntVar(&f.concurrency, "concurrency", 0, "`N` parts at once (default: adapts to the link)")
	fs.Var(&f.memory, "memory", "use at most `SIZE` of memory for buffers (default 128MiB)")
	fs.Var(&f.patience, "patience", "give up after `TIME` without progress (default 5m)")
	return fs
}

func (a *app) cat() *cobra.Command {
	var f catFlags
	cmd := &cobra.Command{
		Use:     "cat [flags] s3://BUCKET/KEY…",
		Short:   "Write objects to standard output",
		Long:    catLong,
		Example: "  haul cat s3://lab/runs/42/log.txt\n  haul cat s3://lab/reads_L001.fastq.gz s3://lab/reads_L002.fastq.gz | zcat | wc -l",
		Args:    atLeastOne("cat", "one s3://BUCKET/KEY or several"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		return a.session.Cat(ctx, req)
	})
	return cmd
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
		return r, command.Usagef("--version-id is of one object, and there are %d", len(args))
	}
	if f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0 {
		return r, command.Usagef("--concurrency: it must be at least 1")
	}
	r.Options = haul.Options{Concurrency: f.concurrency, Memory: int64(f.memory), Patience: f.patience.duration()}
	r.Transfer.Attrs, err = f.attrs.attrs("", d.read)
	return r, err
}
