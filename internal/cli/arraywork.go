package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/array"
	"haul.example/haul/mirror"
)

const arrayWorkLong = `haul array work transfers one shard of a plan, and records the result. The number of the shard comes from SLURM_ARRAY_TASK_ID,
AWS_BATCH_JOB_ARRAY_INDEX or JOB_COMPLETION_INDEX, or else from --shard. A Slurm array with as many tasks as there are shards may start
at any number, such as 1.

A failure does not stop the rest of the shard; it is recorded for haul array finish, and the exit code is 1. An interrupted shard is
resumed: what is in place and verified is not transferred again.`

// arrayWorkFlags are those of haul array work, as typed.
type arrayWorkFlags struct {
	applyFlags
	shard int
}

func (a *app) arrayWork() *cobra.Command {
	var f arrayWorkFlags
	cmd := &cobra.Command{
		Use:     "work [flags] PLAN",
		Short:   "Transfer one shard of a plan",
		Long:    arrayWorkLong,
		Example: "  haul array work plan                # in a task of an array job\n  haul array work --shard 3 plan",
		Args:    onePlan,
	}
	which := pflag.NewFlagSet("Which shard", pflag.ContinueOnError)
	which.IntVar(&f.shard, "shard", -1, "shard number `N`, from 0 (default: from the scheduler's environment variables)")
	a.command(cmd, []*pflag.FlagSet{which, f.flags()}, func(ctx context.Context, args []string) error {
		o, err := f.options(cmd.Flags())
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("shard") && f.shard < 0 {
			return usagef("--shard: it must be at least 0")
		}
		return a.runArrayWork(ctx, args[0], f.shard, o)
	})
	return cmd
}

// options understands the flags.
func (f *applyFlags) options(set *pflag.FlagSet) (haul.Options, error) {
	if f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0 {
		return haul.Options{}, usagef("--concurrency: it must be at least 1")
	}
	return haul.Options{
		Concurrency: f.concurrency, Memory: int64(f.memory), Bandwidth: int64(f.bandwidth), Patience: f.patience.duration(),
	}, f.bandwidth.limit()
}

// runArrayWork does it. A shard of -1 is that of the environment.
func (a *app) runArrayWork(ctx context.Context, plan string, shard int, o haul.Options) (err error) {
	b, err := a.bay(ctx, plan, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	h, err := array.Read(ctx, b.client, b.depot)
	if err != nil {
		return err
	}
	if shard < 0 {
		if shard, err = array.Index(len(h.Shards), os.LookupEnv); err != nil {
			return usagef("%v", err)
		}
	}
	screen := a.screen(false)
	defer context.AfterFunc(ctx, func() { screen.Note(stopping) })()
	var summary mirror.Summary
	task := arrayTask(string(h.Way), h.From.String(), h.To.String(), fmt.Sprintf("shard %d", shard))
	err = screen.During(task, b.client.Progress, func() (err error) {
		summary, err = array.Work(ctx, b.client, b.depot, array.WorkOptions{Shard: shard, Host: hostName(), ContentType: guessType, Observe: a.tell})
		return err
	})
	if err == nil || summary.Done > 0 {
		screen.Summary(task, summary)
	}
	if part := new(mirror.IncompleteError); errors.As(err, &part) {
		return fmt.Errorf("%w; listed above", err)
	}
	return err
}

// hostName is the name of this machine, or what Slurm calls it.
func hostName() string {
	if node := os.Getenv("SLURMD_NODENAME"); node != "" {
		return node
	}
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

const arrayFinishLong = `haul array finish checks that each shard of a plan was done, completes the big objects that several shards transferred, verifies them
as a whole, and writes one receipt, PLAN/receipt.jsonl, with a line for each object. The exit code is 0 only if everything is verified.

When all shards are done it transfers what was left for the end, so it needs access to the same files: manifests such as md5sum.txt, and
then markers such as CopyComplete.txt, these only if everything else was verified. Downloaded indexes become newer than their data.

Otherwise it lists what is missing or failed, and the shards to run again; nothing is discarded, and what is good is not sent again.
--abort discards the plan, all uploads and hidden files that it started, and the uploads that its tasks left behind.`

func (a *app) arrayFinish() *cobra.Command {
	var abort bool
	cmd := &cobra.Command{
		Use:     "finish [flags] PLAN",
		Short:   "Complete and verify everything, or list what is missing",
		Long:    arrayFinishLong,
		Example: "  haul array finish plan\n  haul array finish --abort plan",
		Args:    onePlan,
	}
	fs := pflag.NewFlagSet("Finish", pflag.ContinueOnError)
	fs.BoolVar(&abort, "abort", false, "discard the plan, and all uploads and files that it started")
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		return a.runArrayFinish(ctx, args[0], abort)
	})
	return cmd
}

// runArrayFinish does it.
func (a *app) runArrayFinish(ctx context.Context, plan string, abort bool) (err error) {
	b, err := a.bay(ctx, plan, haul.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	screen := a.screen(false)
	if abort {
		n, err := array.Abort(ctx, b.client, b.depot)
		if err == nil {
			a.result(fmt.Sprintf("discarded the plan, and the uploads and files that it had started: %d", n))
		}
		return err
	}
	var v array.Verdict
	task := arrayTask("finish", plan, "", planName(plan))
	err = screen.During(task, b.client.Progress, func() (err error) {
		v, err = array.Finish(ctx, b.client, b.depot, array.FinishOptions{Host: hostName(), ContentType: guessType, Note: screen.Note})
		return err
	})
	if err != nil {
		return err
	}
	if err := a.verdict(v, plan); err != nil {
		return err
	}
	a.result(verdictText(v, b.depot))
	return nil
}

// verdictText says in one line what was proved.
func verdictText(v array.Verdict, d *array.PlanDir) string {
	last := ""
	if v.Last > 0 {
		last = fmt.Sprintf("; manifests and markers moved last: %d", v.Last)
	}
	return fmt.Sprintf("finished %s, %s; all verified%s; the receipt is %s/receipt.jsonl", counted(v.Objects, "object"), amount.Bytes(v.Bytes), last, trimSlash(d.String()))
}
