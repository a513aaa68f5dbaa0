package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"haul.example/haul"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
)

const arrayLong = `haul array moves data sets that are too big for one machine, with the scheduler you already have: Slurm, AWS Batch, Kubernetes, or any
other that numbers the tasks of a job.

  haul array plan --shards 100 SOURCE TARGET -o PLAN   split the transfer into shards of about equal bytes and object counts
  haul array work PLAN                                 in each task: transfer the shard of that number
  haul array finish PLAN                               at the end: complete and verify everything, write the receipt, or list what is missing
  haul array submit --slurm PLAN                       let Slurm run work and finish

Big objects are split into ranges of parts, which several tasks send into one upload, or download into one file. PLAN is a folder that
all tasks can access, or an s3:// prefix. It holds no credentials. A shard can be run again safely, also after it failed midway.`

// array makes haul array, with its commands.
func (a *app) array() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "array COMMAND",
		Short:   "Transfer with many machines: shards for Slurm, AWS Batch or Kubernetes",
		Long:    arrayLong,
		Example: "  haul array plan --shards 32 bams s3://lab/bams -o plan\n  haul array submit --slurm --wait plan -- --partition=short --time=2:00:00",
		Args:    cobra.ArbitraryArgs,
	}
	a.command(cmd, nil, func(_ context.Context, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q of haul array; it must be plan, work, finish or submit", args[0])
		}
		cmd.SetOut(a.sys.Stderr)
		return errors.Join(cmd.Help(), usagef("a command is missing: haul array plan, work, finish or submit"))
	})
	cmd.AddCommand(a.arrayPlan(), a.arrayWork(), a.arrayFinish(), a.arraySubmit())
	return cmd
}

// onePlan checks that a line names one plan.
func onePlan(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("array %s needs one PLAN: a folder, or an s3:// prefix", cmd.Name())
	}
	return nil
}

// bay is what the commands of haul array work with.
type bay struct {
	client  *haul.Client
	depot   *array.PlanDir
	scratch string // a folder of this run
}

// bay connects, and opens the plan. What it gives must be closed.
func (a *app) bay(ctx context.Context, plan string, o haul.Options) (*bay, error) {
	at, err := parseLocation(plan)
	if err != nil {
		return nil, err
	}
	if at.kind == stream || at.kind == remote && at.ref.Bucket == "" {
		return nil, usagef("a plan is a folder, or an s3:// prefix")
	}
	st, err := a.connect.open(ctx)
	if err != nil {
		return nil, err
	}
	b := &bay{}
	if b.scratch, err = os.MkdirTemp("", "haul-array-"); err != nil {
		return nil, err
	}
	o.Observe = a.screen(false).Observe
	o.StateDir = filepath.Join(b.scratch, "state") // no record is kept: shards look at what is there
	b.client = haul.New(st, o)
	b.depot = array.Folder(at.text)
	if at.kind == remote {
		b.depot = array.Prefix(haul.New(st, haul.Options{StateDir: o.StateDir}), at.ref, filepath.Join(b.scratch, "plan"))
	}
	return b, nil
}

func (b *bay) close() error { return os.RemoveAll(b.scratch) }

// planWord is the plan as words of other lines have it: a folder by its absolute path.
func planWord(plan string) string {
	if strings.HasPrefix(plan, scheme) {
		return plan
	}
	if abs, err := filepath.Abs(plan); err == nil {
		return abs
	}
	return plan
}

// arrayLine is a line of haul array for this store.
func (a *app) arrayLine(words ...string) string {
	return shellLine(append(append([]string{"haul", "array"}, words...), a.connect.words()...)...)
}

// task names a run of haul array.
func arrayTask(verb, source, target, name string) ui.Task {
	return ui.Task{Verb: verb, Source: source, Target: target, Name: name, Many: true}
}

// tell shows the events of a run.
func (a *app) tell(e mirror.Event) {
	a.screen(false).Object(ui.Task{Verb: e.Verb, Source: e.Source, Target: e.Target}, e)
}

// planName is the short name of a plan.
func planName(plan string) string {
	if strings.HasPrefix(plan, scheme) {
		return path.Base(plan)
	}
	return filepath.Base(plan)
}

// verdict tells what haul array finish found, in words; the error says that not all is proved.
func (a *app) verdict(v array.Verdict, plan string) error {
	screen := a.screen(false)
	for _, p := range v.Problems {
		source, text, ok := strings.Cut(p, ": ")
		if !ok {
			source, text = plan, p
		}
		screen.Object(ui.Task{Source: source}, mirror.Event{Kind: mirror.Failed, Err: errors.New(text)})
	}
	if v.Proved {
		return nil
	}
	if v.Withheld > 0 {
		screen.Note(fmt.Sprintf("manifests and markers that wait until everything else is done and verified: %d", v.Withheld))
	}
	if more := v.Failed + v.Unproved - len(v.Problems); more > 0 && len(v.Problems) >= array.MaxProblems {
		screen.Note(fmt.Sprintf("and about %d more", more))
	}
	return &unfinishedError{v: v, plan: plan, line: a.arrayLine}
}

// unfinishedError says that a plan is not done.
type unfinishedError struct {
	v    array.Verdict
	plan string
	line func(words ...string) string
}

// Error reports how much is missing.
func (e *unfinishedError) Error() string {
	switch {
	case e.v.Failed == 0 && e.v.Withheld > 0:
		return fmt.Sprintf("%d of %s could not be verified; listed above", e.v.Unproved, counted(e.v.Objects, "object"))
	case e.v.Failed == 0:
		return fmt.Sprintf("everything was transferred, but %d of %s could not be verified; listed above", e.v.Unproved, counted(e.v.Objects, "object"))
	case len(e.v.Requeue) == 0:
		return fmt.Sprintf("%s not done; listed above", counted(e.v.Failed, "task"))
	}
	return fmt.Sprintf("%s not done; listed above; shards to do again: %s", counted(e.v.Failed, "task"), array.List(e.v.Requeue))
}

// advice says how to do what is missing.
func (e *unfinishedError) advice() []string {
	if e.v.Failed == 0 && e.v.Withheld > 0 {
		return []string{fmt.Sprintf("if you trust these: %s/shards/markers.jsonl names the markers, which haul cp moves", trimSlash(e.plan))}
	}
	if len(e.v.Requeue) == 0 {
		return []string{"when the cause is gone: " + e.line("finish", e.plan)}
	}
	list := array.List(e.v.Requeue)
	hints := []string{fmt.Sprintf("to do them again: %s; or with haul array work --shard N", e.line("submit", "--slurm", "--only", list, e.plan))}
	if !strings.HasPrefix(e.plan, scheme) {
		if script := filepath.Join(planWord(e.plan), workScript); exists(script) {
			hints = append(hints, fmt.Sprintf("or: %s, and then: %s", shellLine("sbatch", "--array="+list, script), e.line("finish", e.plan)))
		}
	}
	return append(hints, "to discard the plan and everything it started: "+e.line("finish", "--abort", e.plan))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
