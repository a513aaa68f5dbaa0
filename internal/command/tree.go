package command

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// TreeRequest is a run over many objects.
type TreeRequest struct {
	From, To mirror.End
	// Sync compares both ends first; only then are the Rules and Delete of Options used.
	Sync    bool
	Options mirror.SyncOptions
}

// Run runs it, and reports each object to observe, one call at a time, from many goroutines.
func (r TreeRequest) Run(ctx context.Context, c *haul.Client, observe func(mirror.Event)) (mirror.Summary, error) {
	r.Options.Observe = observe
	if r.Sync {
		return mirror.Sync(ctx, c, r.From, r.To, r.Options)
	}
	return mirror.Tree(ctx, c, r.From, r.To, r.Options.Options)
}

// copyTree copies, moves or synchronizes all that is in a folder.
func (s *Session) copyTree(ctx context.Context, req CopyRequest) error {
	screen := s.Screen()
	req.Options.Observe = func(e haul.Event) {
		e.Source, e.Target = req.place(e.Source), req.place(e.Target)
		screen.Observe(e)
	}
	client, err := s.client(ctx, req.Options)
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	tree := TreeRequest{From: req.From.End(), To: req.To.End(), Sync: req.Sync, Options: req.Tree}
	if tree.From.Client, err = s.sourceClient(ctx, req); err != nil {
		return err
	}
	if req.GuessTypes {
		tree.Options.ContentType = seqfile.ContentType
	}
	if req.FilesFrom != "" {
		list, err := s.OpenList(ctx, req.FilesFrom)
		if err != nil {
			return err
		}
		defer list.Close() // only read from
		tree.Options.Select.Pairs = ReadPairs(list)
	}
	var plan *planner
	if req.Plan != "" {
		if plan, err = newPlanner(req.Plan, client, tree, req.Options.Bandwidth); err != nil {
			return err
		}
	}
	receipt, err := s.openReceipt(req.Receipt, store.Identity(client.Store()), req.recorded(req.From), req.recorded(req.To))
	if err != nil {
		return err
	}
	if receipt != nil {
		tree.Options.Verify = func(pair mirror.Standing) bool {
			return receipt.verifies(req.line(mirror.Event{Source: pair.Source, Target: pair.Target}), pair)
		}
	}
	return s.reportTree(ctx, client, req, treeRun{tree, plan, receipt})
}

// treeRun is a tree with what is written about it; plan and receipt may be nil.
type treeRun struct {
	tree    TreeRequest
	plan    *planner
	receipt *receiptWriter
}

// reportTree runs a tree, and reports each object and the end. A receipt that cannot be written stops it.
func (s *Session) reportTree(ctx context.Context, client *haul.Client, req CopyRequest, run treeRun) error {
	screen, receipt := s.Screen(), run.receipt
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var summary mirror.Summary
	task := req.task()
	task.Many, task.Name = true, req.treeName()
	err := screen.During(task, client, func() (err error) {
		summary, err = run.tree.Run(ctx, client, func(e mirror.Event) {
			run.plan.add(e)
			if err := receipt.event(req.line(e), e); err != nil {
				stop(err)
			}
			screen.Object(ui.Task{Verb: e.Verb, Source: req.place(e.Source), Target: req.place(e.Target)}, e)
		})
		return err
	})
	err = s.endTree(task, summary, receipt, err)
	s.limits(task, client, req.Stats, err)
	text, perr := run.plan.end(err)
	if perr != nil {
		return errors.Join(err, fmt.Errorf("write the plan: %w", perr))
	}
	if text != "" {
		screen.Note(text)
	}
	if err != nil {
		return &treeError{req: req, summary: summary, err: err}
	}
	return nil
}

// endTree ends the receipt, and prints what the run did.
func (s *Session) endTree(task ui.Task, summary mirror.Summary, receipt *receiptWriter, err error) error {
	covered := receipt.end(summary.Found, summary.All)
	if rerr := receipt.close(); rerr != nil && !errors.Is(err, rerr) {
		err = errors.Join(rerr, err)
	}
	if err == nil || summary.Found+summary.Deleted > 0 {
		s.Screen().Summary(task, summary)
	}
	if covered != "" {
		s.Screen().Note(covered)
	}
	return err
}

// line returns what a receipt has about one object of many.
func (r CopyRequest) line(e mirror.Event) about {
	a := about{verb: e.Verb, source: r.placed(e.Source), name: e.Entry.Rel}
	if e.Target != "" {
		a.target = r.placed(e.Target)
		a.name = below(r.recorded(r.To), a.target)
	}
	return a
}

// treeName is the short name of a run over many objects: that of the source.
func (r CopyRequest) treeName() string {
	if r.From.Kind == Local {
		return filepath.Base(r.From.Text)
	}
	if r.From.Ref.Key == "" {
		return r.From.Ref.Bucket
	}
	return path.Base(r.From.Ref.Key)
}

// place returns a path or address of one object of many as results have it.
func (r CopyRequest) place(text string) string {
	switch {
	case text == "" || strings.HasPrefix(text, Scheme):
		return text
	case r.Direction == DownloadTree && !filepath.IsAbs(r.To.Text) && filepath.IsAbs(text):
		if root, err := filepath.Abs(r.To.Text); err == nil {
			if below, err := filepath.Rel(root, text); err == nil {
				text = filepath.Join(r.To.Text, below)
			}
		}
	}
	return shown(text)
}

// treeError is the error of a run over many objects, with what the advice on resuming needs.
type treeError struct {
	req     CopyRequest
	summary mirror.Summary
	err     error
}

// Error returns the cause.
func (e *treeError) Error() string {
	if part := new(mirror.IncompleteError); errors.As(e.err, &part) && part.Failed+part.Skipped > 0 {
		return ui.Reason(e.err) + "; listed above"
	}
	return ui.Reason(e.err)
}

// Unwrap returns the cause.
func (e *treeError) Unwrap() error { return e.err }

// treeLeftovers adds what a run over many objects leaves behind, and how to resume it or discard that.
func (s *Session) treeLeftovers(f *ui.Failure, e *treeError) {
	sum := e.summary
	part := new(mirror.IncompleteError)
	if errors.As(e.err, &part) {
		if sum.Failed == 0 || len(sum.Failures) == 0 {
			return
		}
		f.Advice = append(f.Advice, s.hints(sum.Failures[0].Err)...)
	}
	f.KeptBytes, f.Resumable = sum.Left.Bytes, sum.Left.Uploads+sum.Left.Files > 0
	if sum.Done > 0 || f.Resumable {
		var kept []string
		if part := stored(sum.Left.Bytes, 0, " in unfinished files"); part != "" {
			kept = append(kept, part)
		}
		if sum.Done > 0 {
			kept = append(kept, "finished files are not copied again")
		}
		f.Advice = append(f.Advice, resumeAdvice(strings.Join(kept, "; ")))
	}
	s.discardTree(f, e.req.To, sum.Left)
}

// discardTree adds how to discard what a run over many objects left. The command names that alone: another run may write below the
// same target. Without all names it is left to the user to choose.
func (s *Session) discardTree(f *ui.Failure, to Location, left mirror.Left) {
	switch {
	case left.Uploads > len(left.Refs):
		list := s.Connection.line("haul", "uploads", Scheme+to.Ref.Bucket+"/"+FolderKey(to.Ref.Key))
		f.Advice = append(f.Advice, fmt.Sprintf("to discard it, abort the %d uploads of this run by key; list them, and those of others: %s", left.Uploads, list))
	case left.Files > len(left.Paths):
		list := ShellLine("find", to.Text, "-name", ".*.haul-*")
		f.Advice = append(f.Advice, fmt.Sprintf("to discard it, delete the %d partial files of this run; list them, and those of others: %s", left.Files, list))
	case left.Uploads > 0:
		var lines []string
		for _, ref := range left.Refs {
			lines = append(lines, s.Connection.AbortLine(ref))
		}
		f.Discard = strings.Join(lines, "; ")
	case left.Files > 0:
		f.Discard = ShellLine(append([]string{"rm"}, left.Paths...)...)
	}
	if f.Discard != "" {
		f.Advice = append(f.Advice, "to discard it: "+f.Discard)
	}
}
