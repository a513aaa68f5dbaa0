package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// trees completes a line with --recursive.
func (r *copyRequest) trees(d files) error {
	if r.from.kind == stream || r.to.kind == stream {
		return usagef("a stream is not a folder, and cannot be copied with --recursive")
	}
	switch {
	case r.from.kind == remote && r.to.kind == remote:
		r.direction = copyTree
		return nil
	case r.from.kind == remote:
		r.direction = downloadTree
		if mode, err := d.mode(r.to.text); err == nil && !mode.IsDir() {
			return usagef("%s is a file, but must be a folder", r.to.text)
		}
		return nil // a folder that is not there is made
	}
	r.direction = uploadTree
	mode, err := d.mode(r.from.text)
	if err == nil && !mode.IsDir() {
		return usagef("%s is a file, but must be a folder; haul cp copies one file without --recursive", r.from.text)
	}
	return err
}

// runTree copies all that is in a folder.
func (a *app) runTree(ctx context.Context, req copyRequest) error {
	screen := a.screen(false)
	st, err := a.connect.open(ctx)
	if err != nil {
		return err
	}
	req.options.Observe = func(e haul.Event) {
		e.Source, e.Target = req.place(e.Source), req.place(e.Target)
		screen.Observe(e)
	}
	client := haul.New(st, req.options)
	defer context.AfterFunc(ctx, func() { screen.Note(stopping) })()

	tree := treeRequest{from: req.from.end(), to: req.to.end(), sync: req.sync, options: req.tree}
	if req.guess {
		tree.options.ContentType = guessType
	}
	if req.list != "" {
		list, err := a.openList(ctx, req.list)
		if err != nil {
			return err
		}
		defer list.Close() // only read from
		tree.options.Select.Pairs = readPairs(list)
	}
	note := func(mirror.Event) {}
	var plan *planner
	if req.plan != "" {
		if plan, err = newPlanner(req.plan, client, tree, req.options.Bandwidth); err != nil {
			return err
		}
		note = plan.writer.Add
	}
	receipt, err := a.openReceipt(req.receipt, store.Identity(client.Store()))
	if err != nil {
		return err
	}
	if receipt != nil {
		receipt.source, receipt.target = req.recorded(req.from), req.recorded(req.to)
		tree.options.Verify = func(s mirror.Standing) bool {
			return receipt.verifies(req.line(mirror.Event{Source: s.Source, Target: s.Target}), s)
		}
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var summary mirror.Summary
	task := req.task()
	task.Many, task.Name = true, req.treeName()
	err = screen.During(task, client.Progress, func() (err error) {
		summary, err = tree.run(ctx, client, func(e mirror.Event) {
			note(e)
			if err := receipt.event(req.line(e), e); err != nil {
				end(err)
			}
			screen.Object(ui.Task{Verb: e.Verb, Source: req.place(e.Source), Target: req.place(e.Target)}, e)
		})
		return err
	})
	err = a.treeEnd(task, summary, receipt, err)
	a.limits(task, client, req.stats, err)
	if plan != nil {
		text, perr := plan.end(err)
		if perr != nil {
			return errors.Join(err, fmt.Errorf("write the plan: %w", perr))
		}
		if text != "" {
			screen.Note(text)
		}
	}
	if err != nil {
		return &treeError{req: req, summary: summary, err: err}
	}
	return nil
}

// treeEnd ends the receipt, and says what the run did.
func (a *app) treeEnd(task ui.Task, summary mirror.Summary, receipt *receipts, err error) error {
	covered := receipt.end(summary.Found, summary.All)
	if rerr := receipt.close(); rerr != nil && !errors.Is(err, rerr) {
		err = errors.Join(rerr, err)
	}
	if err == nil || summary.Found+summary.Deleted > 0 {
		a.screen(false).Summary(task, summary)
	}
	if covered != "" {
		a.screen(false).Note(covered)
	}
	return err
}

// line is what the line of a receipt is about one object of many.
func (r copyRequest) line(e mirror.Event) about {
	a := about{verb: e.Verb, source: r.placed(e.Source), name: e.Entry.Rel}
	if e.Target != "" {
		a.target = r.placed(e.Target)
		a.name = below(r.recorded(r.to), a.target)
	}
	return a
}

// treeName is the short name of a run over many objects: that of the source.
func (r copyRequest) treeName() string {
	if r.from.kind == local {
		return filepath.Base(r.from.text)
	}
	if r.from.ref.Key == "" {
		return r.from.ref.Bucket
	}
	return path.Base(r.from.ref.Key)
}

// place gives a path or address of one object of many as results have it.
func (r copyRequest) place(text string) string {
	switch {
	case text == "" || strings.HasPrefix(text, scheme):
		return text
	case r.direction == downloadTree && !filepath.IsAbs(r.to.text) && filepath.IsAbs(text):
		if root, err := filepath.Abs(r.to.text); err == nil {
			if below, err := filepath.Rel(root, text); err == nil {
				text = filepath.Join(r.to.text, below)
			}
		}
	}
	return shown(text)
}

// treeError goes with what is needed to say how to go on.
type treeError struct {
	req     copyRequest
	summary mirror.Summary
	err     error
}

// Error gives the cause.
func (e *treeError) Error() string {
	if part := new(mirror.IncompleteError); errors.As(e.err, &part) && part.Failed+part.Skipped > 0 {
		return ui.Reason(e.err) + "; listed above"
	}
	return ui.Reason(e.err)
}

// Unwrap gives the cause.
func (e *treeError) Unwrap() error { return e.err }

// treeLeftovers says what stays behind of a run over many objects, and how to go on.
func (a *app) treeLeftovers(f *ui.Failure, e *treeError) {
	s := e.summary
	part := new(mirror.IncompleteError)
	if errors.As(e.err, &part) {
		if s.Failed == 0 || len(s.Failures) == 0 {
			return
		}
		f.Advice = append(f.Advice, a.hints(s.Failures[0].Err)...)
	}
	f.KeptBytes, f.GoOn = s.Left.Bytes, s.Left.Uploads+s.Left.Files > 0
	if s.Done > 0 || f.GoOn {
		again := "to resume, run the same command again"
		if f.GoOn {
			again += fmt.Sprintf(": %s of unfinished files are kept", amount.Bytes(s.Left.Bytes))
		}
		if s.Done > 0 {
			again += "; what was finished is not copied again"
		}
		f.Advice = append(f.Advice, again)
	}
	switch {
	case s.Left.Uploads > 0:
		ref := e.req.to.ref
		f.ThrowAway = shellLine(append([]string{"haul", "uploads", scheme + ref.Bucket + "/" + folderKey(ref.Key), "--abort", "--yes"}, a.connect.words()...)...)
	case s.Left.Files > 0:
		f.ThrowAway = shellLine("find", e.req.to.text, "-name", ".*.haul-*", "-delete")
	}
	if f.ThrowAway != "" {
		f.Advice = append(f.Advice, "to discard it: "+f.ThrowAway)
	}
}

// folderKey gives the prefix of what is below a folder.
func folderKey(key string) string {
	if isFolder(key) {
		return key
	}
	return key + "/"
}
