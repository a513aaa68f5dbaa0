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
	"haul.example/haul/store"
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
	fs.Var(&f.bandwidth, "bandwidth", "transfer at most `SIZE` per second, such as 200MB, uploads and downloads together")
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
	receipt, err := a.openReceipt(receiptName, store.Identity(client.Store()))
	if err != nil {
		return err
	}
	if receipt != nil {
		receipt.source, receipt.target = h.Source, h.Target
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var summary mirror.Summary
	err = screen.During(task, client.Progress, func() (err error) {
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
		return fmt.Errorf("%w; listed above", err)
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
		return fmt.Errorf("%s: %w, and is not a plan; choose another name for the plan", name, fs.ErrExist)
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
	text = fmt.Sprintf("plan: %s, %s, %s, about %.0f s at %s/s; to carry it out: haul apply %s",
		counted(sum.Steps, "step"), amount.Bytes(sum.Bytes), counted(sum.Requests, "request"), sum.Seconds, amount.Bytes(sum.BytesPerSecond), quote(p.file.Name()))
	return text, errors.Join(err, p.file.Close())
}
