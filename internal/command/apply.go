package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Apply carries out the plan in the file name. ReceiptName names a file to append a line for each transferred object to; "" is none.
func (s *Session) Apply(ctx context.Context, name, receiptName string, o haul.Options) error {
	screen := s.Screen()
	plan, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &MissingError{"no such file: " + name}
	}
	if err != nil {
		return err
	}
	defer plan.Close() // only read from
	h, _, err := mirror.ReadPlan(plan)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	client, err := s.client(ctx, o)
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	task := ui.Task{Verb: string(h.Way), Source: h.Source, Target: h.Target, Name: name, Many: true}
	if h.Move {
		task.Verb = "move"
	}
	receipt, err := s.openReceipt(receiptName, store.Identity(client.Store()), h.Source, h.Target)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var summary mirror.Summary
	err = screen.During(task, client, func() (err error) {
		summary, err = mirror.Apply(ctx, client, plan, mirror.Options{ContentType: seqfile.ContentType, Observe: func(e mirror.Event) {
			if err := receipt.event(about{e.Verb, e.Source, e.Target, below(h.Target, e.Target)}, e); err != nil {
				end(err)
			}
			screen.Object(ui.Task{Verb: e.Verb, Source: e.Source, Target: e.Target}, e)
		}})
		return err
	})
	err = s.endTree(task, summary, receipt, err)
	if part := new(mirror.IncompleteError); errors.As(err, &part) {
		return fmt.Errorf("%w; listed above", err)
	}
	return err
}

// planner writes the plan of a dry run over many objects. A nil planner writes nothing.
type planner struct {
	file   *os.File
	writer *mirror.PlanWriter
}

func newPlanner(name string, c *haul.Client, r TreeRequest, bandwidth int64) (*planner, error) {
	if err := freeForPlan(name); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	w, err := mirror.NewPlanWriter(f, c, r.From, r.To, r.Options.Options)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	w.Bandwidth = bandwidth
	return &planner{f, w}, nil
}

// freeForPlan refuses a file that exists and is not a plan: a typing error must not overwrite it.
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
		return fmt.Errorf("%s: %w, and is not a plan; choose another name", name, fs.ErrExist)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// planBegin begins every plan.
const planBegin = `{"haul_plan":`

// add writes the step of one object.
func (p *planner) add(e mirror.Event) {
	if p != nil {
		p.writer.Add(e)
	}
}

// end completes the plan, unless the run did not find everything, and returns a line about it.
func (p *planner) end(failed error) (text string, err error) {
	if p == nil {
		return "", nil
	}
	part := new(mirror.IncompleteError)
	if failed != nil && !errors.As(failed, &part) {
		return "", p.file.Close()
	}
	sum, err := p.writer.End()
	text = fmt.Sprintf("plan: %s, %s, %s, about %.0f s at %s/s; to carry it out: haul apply %s",
		counted(sum.Steps, "step"), amount.Bytes(sum.Bytes), counted(sum.Requests, "request"), sum.Seconds, amount.Bytes(sum.BytesPerSecond), ShellWord(p.file.Name()))
	return text, errors.Join(err, p.file.Close())
}
