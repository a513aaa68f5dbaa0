package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"haul.example/haul/internal/command"
)

const arrayLong = `haul array transfers data sets that are too big for one machine, using the scheduler you already have: Slurm, AWS Batch, Kubernetes, or
any other scheduler that numbers the tasks of a job.

  haul array plan --shards 100 SOURCE TARGET -o PLAN   split the transfer into shards
  haul array work PLAN                                 in each task: transfer its shard
  haul array finish PLAN                               complete and verify everything
  haul array submit --slurm PLAN                       have Slurm run work and finish

All shards have about the same size and number of objects. haul array finish writes the receipt, or lists the missing objects. Big objects
are split into ranges of parts, which several tasks upload to the same object, or download into the same file. PLAN is a folder that all
tasks can access, or an s3:// prefix. It contains no credentials. You can safely run a shard again, even after it failed midway.`

// array makes haul array, with its commands.
func (a *app) array() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "array COMMAND",
		Short:   "Transfer with many machines, using Slurm, AWS Batch or Kubernetes",
		Long:    arrayLong,
		Example: "  haul array plan --shards 32 bams s3://lab/bams -o plan\n  haul array submit --slurm --wait plan -- --partition=short --time=2:00:00",
		Args:    cobra.ArbitraryArgs,
	}
	a.command(cmd, nil, func(_ context.Context, args []string) error {
		if len(args) > 0 {
			return command.Usagef("unknown command %q of haul array; it must be plan, work, finish or submit", args[0])
		}
		cmd.SetOut(a.session.System.Stderr)
		return errors.Join(cmd.Help(), command.Usagef("a command is missing: haul array plan, work, finish or submit"))
	})
	cmd.AddCommand(a.arrayPlan(), a.arrayWork(), a.arrayFinish(), a.arraySubmit())
	return cmd
}

// aPlan names the argument of the commands of haul array.
const aPlan = "PLAN: a folder, or an s3:// prefix"

// parsePlan reads where a plan is.
func parsePlan(word string) (command.Location, error) {
	l, err := parseLocation(word)
	if err == nil && (l.Kind == command.Stream || l.Kind == command.Remote && l.Ref.Bucket == "") {
		err = command.Usagef("a plan is a folder, or an s3:// prefix")
	}
	return l, err
}
