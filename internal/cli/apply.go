package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
)

const applyLong = `haul apply does what a plan says, and nothing else: one that haul cp -r, mv -r or sync wrote with --plan FILE.

A plan has one JSON object a line: a header, a step for each object (action, why, source, target, bytes, requests), and a summary
with an estimate of the time. It is for people and jq to read; to leave something out, delete its line. A step whose source is
not what the plan saw fails, and so does a deletion of what has changed; what fails does not stop the others. A plan that is not
whole, was made for another store, or has a step outside of the source and target that its first line names, is refused. Deletions
come last, and only where nothing failed.`

// applyFlags are those of haul apply, as typed.
type applyFlags struct {
	concurrency       int
	memory, bandwidth sizeFlag
	patience          spanFlag
	receipt           string
}

func (f *applyFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	fs.IntVar(&f.concurrency, "concurrency", 0, "`N` parts at once (else as many as the link rewards)")
	fs.Var(&f.memory, "memory", "at most that `SIZE` of memory for buffers (else 128MiB)")
	fs.Var(&f.bandwidth, "bandwidth", "move at most that `SIZE` a second, such as 200MB, both ways together")
	fs.Var(&f.patience, "patience", "go on trying for that `TIME` while no byte moves (else 5m)")
	fs.StringVar(&f.receipt, "receipt", "", receiptUsage)
	return fs
}

func (a *app) apply() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:     "apply [flags] FILE",
		Short:   "Do what a plan says, and nothing else",
		Long:    applyLong,
		Example: "  haul sync --delete --plan p.jsonl run42 s3://lab/runs/42\n  jq -c 'select(.action == \"delete\")' p.jsonl\n  haul apply p.jsonl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("apply needs one FILE with a plan")
			}
			return nil
		},
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		o, err := f.options(cmd.Flags())
		if err != nil {
			return err
		}
		return a.runApply(ctx, args[0], f.receipt, o)
	})
	return cmd
}

// limit refuses a bandwidth that is too low to be kept.
func (f sizeFlag) limit() error {
	if f > 0 && f < 64<<10 {
		return usagef("--bandwidth: it must be at least 64KiB")
	}
	return nil
}

// runApply does it.
func (a *app) runApply(ctx context.Context, name, receiptName string, o haul.Options) error {
	screen := a.screen(false)
	plan, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &missingError{"no such file: " + name}
	}
	if err != nil {
		return err
	}
	defer plan.Close() // only read from
	h, _, err := mirror.ReadPlan(plan)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	st, err := a.connect.open(ctx)
	if err != nil {
		return err
	}
	o.Observe = screen.Observe
	client := haul.New(st, o)
	defer context.AfterFunc(ctx, func() { screen.Note(stopping) })()
	task := ui.Task{Verb: string(h.Way), Source: h.Source, Target: h.Target, Name: name, Many: true}
	if h.Move {
		task.Verb = "move"
	}
	receipt, err := a.openReceipt(receiptName, client.Identity())
	if err != nil {
		return err
	}
	if receipt != nil {
		receipt.source, receipt.target = h.Source, h.Target
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var summary mirror.Summary
	err = screen.During(task, client.Snapshot, func() (err error) {
		summary, err = mirror.Apply(ctx, client, plan, mirror.Options{ContentType: guessType, Observe: func(e mirror.Event) {
			if err := receipt.event(about{e.Verb, e.Source, e.Target, below(h.Target, e.Target)}, e); err != nil {
				end(err)
			}
			screen.Object(ui.Task{Verb: e.Verb, Source: e.Source, Target: e.Target}, e)
		}})
		return err
	})
	err = a.treeEnd(task, summary, receipt, err)
	if part := new(mirror.IncompleteError); errors.As(err, &part) {
		return fmt.Errorf("%w; named above", err)
	}
	return err
}

// planner writes a plan while a run over many objects is only told.
type planner struct {
	file   *os.File
	writer *mirror.PlanWriter
}

func newPlanner(name string, c *haul.Client, r treeRequest, bandwidth int64) (*planner, error) {
	if err := freeForPlan(name); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	w, err := mirror.NewPlanWriter(f, c, r.from, r.to, r.options.Options)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	w.Bandwidth = bandwidth
	return &planner{f, w}, nil
}

// freeForPlan refuses a file that is there and no plan: a slip of the fingers must not cost it.
func freeForPlan(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // only read from
	begin := make([]byte, len(planBegin))
	n, err := io.ReadFull(f, begin)
	if n > 0 && string(begin[:n]) != planBegin {
		return fmt.Errorf("%s: %w, and is no plan; give the plan another name", name, fs.ErrExist)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// planBegin is what every plan begins with.
const planBegin = `{"haul_plan":`

// end completes the plan, unless the run found not all.
func (p *planner) end(failed error) (text string, err error) {
	part := new(mirror.IncompleteError)
	if failed != nil && !errors.As(failed, &part) {
		return "", p.file.Close()
	}
	sum, err := p.writer.End()
	text = fmt.Sprintf("the plan has %d steps, %s to move and %d requests, and takes about %.0f s at %s/s; to do it: haul apply %s",
		sum.Steps, amount.Bytes(sum.Bytes), sum.Requests, sum.Seconds, amount.Bytes(sum.BytesPerSecond), quote(p.file.Name()))
	return text, errors.Join(err, p.file.Close())
}
