package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const applyLong = `haul apply carries out the steps of a plan that haul cp -r, mv -r or sync wrote with --plan FILE, and nothing else.

A plan has one JSON object per line: a header, a step for each object (action, why, source, target, bytes, requests), and a summary with
an estimated time. You can read it, or query it with jq; to skip a step, delete its line. A step fails if its source, or the file or
object to delete, has changed since the plan was written; a failure does not stop the other steps. haul refuses a plan that is incomplete,
was made for another server, or has a step outside the source and target given in its first line. Deletions come last, and only if
nothing failed.`

func (a *app) apply() *cobra.Command {
	var limits limitFlags
	var receipt string
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	limits.add(fs)
	fs.StringVar(&receipt, "receipt", "", receiptUsage)
	cmd := &cobra.Command{
		Use:     "apply [flags] FILE",
		Short:   "Carry out a plan",
		Long:    applyLong,
		Example: "  haul sync --delete --plan p.jsonl run42 s3://lab/runs/42\n  jq -c 'select(.action == \"delete\")' p.jsonl\n  haul apply p.jsonl",
		Args:    exactlyOne("FILE with a plan"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		o, err := limits.options(cmd.Flags())
		if err != nil {
			return err
		}
		return a.session.Apply(ctx, args[0], receipt, o)
	})
	return cmd
}
