package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const arrayWorkLong = `haul array work transfers one shard of a plan, and records the result. The number of the shard comes from SLURM_ARRAY_TASK_ID,
AWS_BATCH_JOB_ARRAY_INDEX or JOB_COMPLETION_INDEX, or else from --shard. A Slurm array with as many tasks as there are shards may start
at any number, such as 1.

A failure does not stop the rest of the shard; it is recorded for haul array finish, and the exit code is 1. An interrupted shard
resumes: parts and files that already arrived are verified, not transferred again.`

func (a *app) arrayWork() *cobra.Command {
	var limits limitFlags
	var shard int
	cmd := &cobra.Command{
		Use:     "work [flags] PLAN",
		Short:   "Transfer one shard of a plan",
		Long:    arrayWorkLong,
		Example: "  haul array work plan                # in a task of an array job\n  haul array work --shard 3 plan",
		Args:    exactlyOne(aPlan),
	}
	which := pflag.NewFlagSet("Which shard", pflag.ContinueOnError)
	which.IntVar(&shard, "shard", -1, "transfer shard number `N`, counting from 0 (default: from the scheduler's environment variables)")
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	limits.add(fs)
	a.command(cmd, []*pflag.FlagSet{which, fs}, func(ctx context.Context, args []string) error {
		o, err := limits.options(cmd.Flags())
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("shard") && shard < 0 {
			return command.Usagef("--shard: it must be at least 0")
		}
		plan, err := parsePlan(args[0])
		if err != nil {
			return err
		}
		return a.session.WorkArray(ctx, plan, shard, o)
	})
	return cmd
}

const arrayFinishLong = `haul array finish checks that all shards of a plan are done, completes the big objects that several shards transferred, verifies
each as a whole, and writes one receipt, PLAN/receipt.jsonl, with a line for each object. The exit code is 0 only if everything is verified.

When all shards are done, it transfers the remaining files: manifests such as md5sum.txt, then, only if everything else was verified,
markers such as CopyComplete.txt. It therefore needs access to the same files as the tasks. It gives downloaded indexes a later
modification time than their data.

Otherwise it lists missing and failed objects, and the shards to run again. Nothing is discarded, and verified data is not sent again.
--abort discards the plan, all uploads and hidden files that it created, and the uploads that its tasks left behind.`

func (a *app) arrayFinish() *cobra.Command {
	var abort bool
	cmd := &cobra.Command{
		Use:     "finish [flags] PLAN",
		Short:   "Complete and verify everything, or list missing objects",
		Long:    arrayFinishLong,
		Example: "  haul array finish plan\n  haul array finish --abort plan",
		Args:    exactlyOne(aPlan),
	}
	fs := pflag.NewFlagSet("Finish", pflag.ContinueOnError)
	fs.BoolVar(&abort, "abort", false, "discard the plan, and all uploads and files that it created")
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		plan, err := parsePlan(args[0])
		if err != nil {
			return err
		}
		return a.session.FinishArray(ctx, plan, abort)
	})
	return cmd
}
