package command

import (
	"context"
	"errors"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/stage"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
)

// Run stages inputs, runs a command and stores its outputs. The streams and the Report of q are set here.
func (s *Session) Run(ctx context.Context, q stage.Request, o haul.Options) error {
	s.DataOnStdout = true // the output of the command
	c, err := s.client(ctx, o)
	if err != nil {
		return err
	}
	q.Stdin, q.Stdout, q.Stderr = s.System.Stdin, s.System.Stdout, s.System.Stderr
	q.Report = &runReport{session: s, client: c, last: func(f func()) func() { return beforeExit(ctx, f) }}
	rec, err := stage.Run(ctx, c, q)
	s.Screen().Run(rec)
	return err
}

// runReport prints what a run does.
type runReport struct {
	session *Session
	client  *haul.Client
	last    func(func()) func()
}

func (r *runReport) Note(text string) { r.session.Screen().Note(text) }

func (r *runReport) Moved(verb, source, target string, result haul.Result) {
	if r.session.Verbose || r.session.JSON {
		r.session.Screen().Done(ui.Task{Verb: verb, Source: source, Target: target}, result)
	}
}

func (r *runReport) Failed(verb, source, target string, err error) {
	r.session.Screen().Object(ui.Task{Verb: verb, Source: source, Target: target}, mirror.Event{Kind: mirror.Failed, Err: err})
}

func (r *runReport) During(verb string, size int64, work func() error) error {
	return r.session.Screen().During(ui.Task{Verb: verb, Name: verb + "s"}, &phase{r.client, r.client.Progress(), size}, work)
}

// phase is the progress of a client from a moment on.
type phase struct {
	client *haul.Client
	before haul.Progress
	size   int64
}

// Progress returns what the client did since.
func (p *phase) Progress() haul.Progress {
	s, before := p.client.Progress(), p.before
	s.Total, s.Done, s.Kept, s.Moved = p.size, s.Done-before.Done, s.Kept-before.Kept, s.Moved-before.Moved
	s.PartsTotal, s.PartsDone = s.PartsTotal-before.PartsTotal, s.PartsDone-before.PartsDone
	return s
}

// Active returns the transfers under way.
func (p *phase) Active() []haul.ActiveTransfer { return p.client.Active() }

func (r *runReport) Last(f func()) func() { return r.last(f) }

// folderLeftovers adds what a failed run leaves behind.
func folderLeftovers(f *ui.Failure, e *stage.FolderError) {
	f.Resumable = true
	f.Discard = ShellLine("rm", "-rf", e.Folder)
	if errors.Is(e.Err, localfile.ErrNoSpace) {
		f.Advice = append(f.Advice, "use --workdir DIR to put the work folder somewhere else")
	}
	kept := "staged files are kept in " + e.Folder
	if e.Log != "" {
		kept = "the work folder is kept, with the log " + e.Log
	}
	f.Advice = append(f.Advice, resumeAdvice(kept), "to discard it: "+f.Discard)
}
