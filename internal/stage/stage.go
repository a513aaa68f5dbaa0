// Package stage runs one command where the data is not: its inputs come from a store, its outputs go there.
//
//	resolve   what every input is now: names, sizes, ETags; the cells of sample sheets too
//	skip      is there a record of this very run, with all outputs still as it says? then there is nothing to do
//	folder    a work folder whose name follows from the run, locked; what is no input of this run is removed from it
//	in        inputs side by side, each proved; from the machine's cache where there is one
//	run       the command, in a process group of its own; a signal or a notice ends it, with time to end well
//	out       outputs, proved, indexes after their data; then the logs, the record (run.json), and an empty _SUCCESS
//
// Killed at any moment, the same run goes on: inputs that are there are proved by what the store vouches for and stay, those
// that were on their way go on, and the command starts over. Once it has ended well, and this machine was not started anew
// since, only what is not yet stored is uploaded.
//
// A cache keeps inputs by the state of the object (its ETag), for all runs on the machine; each user has a folder of his own in it. Whoever needs an object holds the lock
// of its entry, looks whether it is there, and else fetches it; the kernel lets go of the lock of whoever dies, and the
// next one goes on with the file that it left.
//
// It does not run the command on another machine, and does not keep it from writing elsewhere. It knows nothing of what
// the command reads but what it is told, so a run is skipped by its line, its inputs and the program that the line
// names by a path.
package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/journal"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Request is one run. The zero value of every choice is the usual one.
type Request struct {
	// Command is the program and its arguments, in which {in.0}, {out}, {out.1} and {workdir} stand for paths.
	Command []string
	Inputs  []Input
	Streams []Stream
	Outputs []Output
	// Record is the prefix below which the record, the logs and the mark of success go. An empty bucket keeps none.
	Record store.Ref
	// Address reads the address of an object in a sample sheet.
	Address func(string) (store.Ref, error)

	// Dir is the folder that work folders are made in; From is where the line was given, for relative paths.
	Dir, From string
	// Keep leaves the work folder behind after success.
	Keep bool
	// Again runs it although its outputs are there.
	Again bool

	Cache Cache
	// Env is the command's environment, to which this package adds.
	Env []string
	// Stdin, Stdout and Stderr are the command's own.
	Stdin, Stdout, Stderr *os.File
	// NoLogs leaves the command's output alone; else it is kept in the work folder too.
	NoLogs bool
	// Signal asks the command to end; nil is SIGTERM. Grace is the time that it has then; 0 is 30 seconds.
	Signal os.Signal
	Grace  time.Duration
	// Metadata is the address of the machine's metadata service, which tells when a Spot machine goes; empty asks nobody.
	Metadata string
	// OnInterrupt are outputs of a run that was told to end. Outputs go up after a failure too where OnFailure says so.
	OnInterrupt []Output
	OnFailure   bool

	// Transfer holds the choices of outputs; of inputs only who pays.
	Transfer    mirror.TransferOptions
	ContentType func(name string) string
	// Version is haul's own, for the record.
	Version string
	Report  Report
}

// Report is told what happens, from any goroutine.
type Report interface {
	// Note is for people.
	Note(text string)
	// Moved is one transfer that ended well, and Failed one that did not.
	Moved(verb, source, target string, r haul.Result)
	Failed(verb, source, target string, err error)
	// During does work, which uploads or downloads, and may show how far it is of that many bytes.
	During(verb string, size int64, work func() error) error
	// Last is called if the process ends before the func that it gives is called.
	Last(func()) (done func())
}

const defaultGrace = 30 * time.Second

// ErrNotFound is in the chain of an error where the command is no program here, ErrNotRun where it cannot be run; ErrRuns, with
// haul.ErrBusy, where the same request is being run.
var (
	ErrRuns     = errors.New("the same command is already running")
	ErrNotFound = errors.New("command not found")
	ErrNotRun   = errors.New("the command cannot be run")
)

// ExitError says that the command ended otherwise than with code 0.
type ExitError struct {
	// Code is its exit code, or 128 and the number of Signal, which ended it.
	Code   int
	Signal string
}

// Error reports how.
func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "the command was killed by the signal " + e.Signal
	}
	return fmt.Sprintf("the command exited with code %d", e.Code)
}

// FolderError goes with any error after which the work folder is still there.
type FolderError struct {
	Folder string
	// Log is the file in it that has what the command wrote to standard error; empty where there is none.
	Log string
	Err error
}

// Error gives the cause.
func (e *FolderError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *FolderError) Unwrap() error { return e.Err }

// run is one Run.
type run struct {
	Request
	c      *haul.Client
	folder *folder
	record Record
	items  []*item
	places []string // of each input, below the work folder
}

// Run does it. The error is an *ExitError where the command did not end well, the cause of ctx or a *NoticeError where it was
// told to end, haul.ErrBusy where another process does the same, and of kind store.NotFound where an input or output is not there;
// of kind store.Invalid, and no *store.Error, where the request cannot be. The Record is good as far as the run came.
func Run(ctx context.Context, c *haul.Client, q Request) (Record, error) {
	if q.Grace == 0 {
		q.Grace = defaultGrace
	}
	r := &run{Request: q, c: c, record: newRecord(q)}
	dir, err := filepath.Abs(q.Dir)
	if err != nil {
		return r.record, err
	}
	r.folder = &folder{root: filepath.Join(dir, "haul-run-"+r.name())}
	if err := r.check(); err != nil {
		return r.record, err
	}
	defer outliveUser()()
	watched, stop := watch(ctx, q)
	err = r.run(ctx, watched)
	stop()
	return r.record, err
}

// run is Run; watched ends with ctx, and when the machine's end is announced.
func (r *run) run(ctx, watched context.Context) error {
	if err := r.resolve(watched); err != nil {
		return causeOf(watched, err)
	}
	if err := r.bring(); err != nil {
		return err
	}
	if !r.Again && r.finished(watched) {
		r.record.Outcome = Skipped
		return nil
	}
	if err := r.folder.open(); err != nil {
		if busy := new(journal.BusyError); errors.As(err, &busy) {
			return fmt.Errorf("%w: %w: %w", ErrRuns, haul.ErrBusy, err)
		}
		return err
	}
	err := r.inFolder(ctx, watched)
	if err == nil && !r.Keep {
		if err := errors.Join(r.folder.remove(), r.folder.close()); err != nil {
			r.Report.Note(fmt.Sprintf("all is stored, but the work folder stays: %v", err))
		}
		return nil
	}
	if err = errors.Join(err, r.folder.close()); err != nil {
		left := &FolderError{Folder: r.folder.root, Err: err}
		if !r.NoLogs && !r.record.Began.IsZero() {
			left.Log = r.folder.file(logErr)
		}
		return left
	}
	r.Report.Note("the work folder is " + r.folder.work())
	return nil
}

func (r *run) inFolder(ctx, watched context.Context) error {
	if r.folder.ended(&r.record) {
		r.Report.Note("resuming an earlier run: the command had succeeded, and its outputs are unchanged")
		return r.out(ctx, true)
	}
	if err := r.in(watched); err != nil {
		return causeOf(watched, err)
	}
	err := r.execute(watched)
	switch {
	case err == nil:
		return r.out(ctx, false)
	case watched.Err() != nil:
		return r.interrupted(ctx, context.Cause(watched))
	}
	return r.failed(ctx, err)
}

// causeOf is why ctx ended, where it did.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// lasting gives a context that lives for that time after ctx has ended.
func lasting(ctx context.Context, after time.Duration) (context.Context, func()) {
	long, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	timer := make(chan *time.Timer, 1)
	stop := context.AfterFunc(ctx, func() {
		timer <- time.AfterFunc(after, func() { cancel(context.Cause(ctx)) })
	})
	return long, func() {
		if !stop() {
			(<-timer).Stop()
		}
		cancel(nil)
	}
}

// check refuses what cannot be before anything is asked.
func (r *run) check() error {
	if err := r.findCommand(); err != nil {
		return err
	}
	for _, s := range r.Streams {
		if err := local(s.Name); err != nil {
			return err
		}
	}
	for _, o := range r.Outputs {
		if err := o.check(); err != nil {
			return err
		}
	}
	for _, o := range r.OnInterrupt {
		if err := o.check(); err != nil {
			return err
		}
	}
	_, err := r.expand()
	return err
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", store.Invalid, fmt.Sprintf(format, args...))
}

// missing is something that is not there.
type missing struct{ text string }

// Error says what.
func (m missing) Error() string { return m.text }

// Unwrap is the kind.
func (missing) Unwrap() error { return store.NotFound }

// local refuses what is not a path below the work folder.
func local(rel string) error {
	if rel == "" || filepath.ToSlash(filepath.Clean(filepath.FromSlash(rel))) != rel || !filepath.IsLocal(filepath.FromSlash(rel)) || rel == "." {
		return invalid("%q is not a path below the work folder", rel)
	}
	return nil
}
