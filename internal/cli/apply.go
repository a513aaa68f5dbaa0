package cli

import (
	"context"

	"haul.example/haul/internal/command"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
)

const applyLong = `haul apply carries out a plan that haul cp -r, mv -r or sync wrote with --plan FILE, and does nothing else.

A plan has one JSON object per line: a header, a step for each object (action, why, source, target, bytes, requests), and a summary
with an estimated time. It is meant to be read, also by jq; to skip a step, delete its line. A step fails if its source differs from
what the plan recorded, and so does a deletion of something that has changed; a failure does not stop the others. A plan is refused if
it is incomplete, was made for another store, or has a step outside of the source and target in its first line. Deletions come last,
and only if nothing failed.`

// applyFlags are those of haul apply, as typed.
type applyFlags struct {
	concurrency       int
	memory, bandwidth sizeFlag
	patience          spanFlag
	receipt           string
}

func (f *applyFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	fs.IntVar(&f.concurrency, "concurrency", 0, "`N` parts at once (default: adapts to the link)")
	fs.Var(&f.memory, "memory", "use at most `SIZE` of memory for buffers (default 128MiB)")
	fs.Var(&f.bandwidth, "bandwidth", "transfer at most `SIZE` per second, such as 200MB, both ways together")
	fs.Var(&f.patience, "patience", "give up after `TIME` without progress (default 5m)")
	fs.StringVar(&f.receipt, "receipt", "", receiptUsage)
	return fs
}

func (a *app) apply() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:     "apply [flags] FILE",
		Short:   "Carry out a plan, and nothing else",
		Long:    applyLong,
		Example: "  haul sync --delete --plan p.jsonl run42 s3://lab/runs/42\n  jq -c 'select(.action == \"delete\")' p.jsonl\n  haul apply p.jsonl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return command.Usagef("apply needs one FILE with a plan")
			}
			return nil
		},
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		o, err := f.options(cmd.Flags())
		if err != nil {
			return err
		}
		return a.session.Apply(ctx, args[0], f.receipt, o)
	})
	return cmd
}

// options returns the options that the flags describe.
func (f *applyFlags) options(set *pflag.FlagSet) (haul.Options, error) {
	if f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0 {
		return haul.Options{}, command.Usagef("--concurrency: it must be at least 1")
	}
	return haul.Options{
		Concurrency: f.concurrency, Memory: int64(f.memory), Bandwidth: int64(f.bandwidth), Patience: f.patience.duration(),
	}, f.bandwidth.limit()
}
