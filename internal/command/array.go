package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
)

// arrayEnv is what a command of haul array works with. It must be closed.
type arrayEnv struct {
	client  *haul.Client
	plan    *array.PlanDir
	scratch string // a folder of this run; close removes it
}

// openArray connects, and opens the plan: a folder or an s3:// prefix.
func (s *Session) openArray(ctx context.Context, plan Location, o haul.Options) (*arrayEnv, error) {
	st, err := s.Connection.open(ctx)
	if err != nil {
		return nil, err
	}
	b := &arrayEnv{}
	if b.scratch, err = os.MkdirTemp("", "haul-array-"); err != nil {
		return nil, err
	}
	o.Observe = s.Screen().Observe
	o.StateDir = filepath.Join(b.scratch, "state") // no record is kept: shards look at what is there
	b.client = haul.New(st, o)
	b.plan = array.Folder(plan.Text)
	if plan.Kind == Remote {
		b.plan = array.Prefix(haul.New(st, haul.Options{StateDir: o.StateDir}), plan.Ref, filepath.Join(b.scratch, "plan"))
	}
	return b, nil
}

func (b *arrayEnv) close() error { return os.RemoveAll(b.scratch) }

// planWord returns a plan as other commands name it: a folder by its absolute path.
func planWord(plan string) string {
	if abs, err := filepath.Abs(plan); err == nil && !strings.HasPrefix(plan, Scheme) {
		return abs
	}
	return plan
}

// arrayLine returns a command of haul array for this store.
func (s *Session) arrayLine(words ...string) string {
	return s.Connection.line(append([]string{"haul", "array"}, words...)...)
}

// arrayTask names a run of haul array.
func arrayTask(verb, source, target, name string) ui.Task {
	return ui.Task{Verb: verb, Source: source, Target: target, Name: name, Many: true}
}

// observeArray prints the events of a run.
func (s *Session) observeArray(e mirror.Event) {
	s.Screen().Object(ui.Task{Verb: e.Verb, Source: e.Source, Target: e.Target}, e)
}

// planName is the short name of a plan.
func planName(plan string) string {
	if strings.HasPrefix(plan, Scheme) {
		return path.Base(plan)
	}
	return filepath.Base(plan)
}

// verdict prints what haul array finish found; the error reports that not everything is verified.
func (s *Session) verdict(v array.Verdict, plan string) error {
	screen := s.Screen()
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
		screen.Note(fmt.Sprintf("manifests and markers held back until everything else is verified: %d", v.Withheld))
	}
	if more := v.Failed + v.Unproved - len(v.Problems); more > 0 && len(v.Problems) >= array.MaxProblems {
		screen.Note(fmt.Sprintf("and about %d more", more))
	}
	return &unfinishedError{v: v, plan: plan, line: s.arrayLine}
}

// unfinishedError reports that a plan is not done.
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
	return fmt.Sprintf("%s not done; listed above; shards to run again: %s", counted(e.v.Failed, "task"), array.List(e.v.Requeue))
}

// advice returns the commands that do what is missing.
func (e *unfinishedError) advice() []string {
	if e.v.Failed == 0 && e.v.Withheld > 0 {
		return []string{fmt.Sprintf("if you trust these files, transfer the markers listed in %s/shards/markers.jsonl with haul cp", trimSlash(e.plan))}
	}
	if len(e.v.Requeue) == 0 {
		return []string{"once the cause is fixed: " + e.line("finish", e.plan)}
	}
	list := array.List(e.v.Requeue)
	hints := []string{fmt.Sprintf("to run them again: %s; or haul array work --shard N", e.line("submit", "--slurm", "--only", list, e.plan))}
	if !strings.HasPrefix(e.plan, Scheme) {
		if script := filepath.Join(planWord(e.plan), workScript); fileExists(script) {
			hints = append(hints, fmt.Sprintf("or: %s, and then: %s", ShellLine("sbatch", "--array="+list, script), e.line("finish", e.plan)))
		}
	}
	return append(hints, "to discard the plan and all its uploads and files: "+e.line("finish", "--abort", e.plan))
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
