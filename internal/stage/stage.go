// Package stage runs one command where the data is not: its inputs come from a store, its outputs go there.
//
//	resolve   find the current state of every input: name, size, ETag; also of those in the cells of sample sheets
//	skip      if there is a record of the same run, and all its outputs are unchanged, nothing is left to do
//	folder    lock a work folder whose name is a hash of the request; remove from it what is not an input
//	in        fetch and verify inputs, several at once; from the machine's cache if there is one
//	run       run the command, in a process group of its own; a signal or a Spot notice stops it, with time to clean up
//	out       store and verify outputs, indexes after their data; then the logs, the record (run.json), and an empty _SUCCESS
//
// A run that is killed at any moment resumes when the same command runs again: inputs that are there are verified by recorded
// checksums and stay, interrupted downloads resume, and the command starts over. Once the command has succeeded, and unless the
// machine was rebooted since, only outputs that are not yet stored are uploaded.
//
// A cache keeps inputs by the state of the object (its ETag), for all runs on the machine; each user has a folder in it. A run that
// needs an object locks its entry, and fetches the object if it is not there. The kernel releases the lock of a process that dies,
// and the next one resumes the file that it left.
//
// It does not run the command on another machine, and does not keep it from writing elsewhere. It does not see what else the command
// reads, so a run is skipped by its command line, its inputs, and the program, if that is named by a path.
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
	// Record is the prefix for the record, the logs and the success marker. An empty bucket stores none.
	Record store.Ref
	// Address reads the address of an object in a sample sheet.
	Address func(string) (store.Ref, error)

	// Dir is the folder for work folders; From is the working directory of the user, for relative paths.
	Dir, From string
	// Keep keeps the work folder after success.
	Keep bool
	// Again runs the command even if its outputs exist.
	Again bool

	Cache Cache
	// Env is the command's environment, to which this package adds.
	Env []string
	// Stdin, Stdout and Stderr are the command's own.
	Stdin, Stdout, Stderr *os.File
	// NoLogs does not save the command's output; otherwise it is saved in the work folder too.
	NoLogs bool
	// Signal asks the command to stop; nil is SIGTERM. Grace is the time that it then has; 0 is 30 seconds.
	Signal os.Signal
	Grace  time.Duration
	// Metadata is the address of the machine's metadata service, which announces the end of a Spot instance; empty uses none.
	Metadata string
	// OnInterrupt are outputs of a run that was interrupted. With OnFailure, Outputs are uploaded after a failure too.
	OnInterrupt []Output
	OnFailure   bool

	// Transfer holds the options for outputs; for inputs, only its RequestPayer counts.
	Transfer    mirror.TransferOptions
	ContentType func(name string) string
	// Version is haul's own, for the record.
	Version string
	Report  Report
}

// Report gets what happens, from any goroutine.
type Report interface {
	// Note is a message for the user.
	Note(text string)
	// Moved is a transfer that succeeded, and Failed one that did not.
	Moved(verb, source, target string, r haul.Result)
	Failed(verb, source, target string, err error)
	// During does work, which uploads or downloads, and may show its progress, in bytes of size.
	During(verb string, size int64, work func() error) error
	// Last registers a func to call if the process ends before done is called.
	Last(func()) (done func())
}

const defaultGrace = 30 * time.Second

// ErrNotFound is in the chain of an error if the command is not a program here, ErrNotRun if it cannot be started, and ErrRuns, with
// haul.ErrBusy, if the same request is already running.
var (
	ErrRuns     = errors.New("the same command is already running")
	ErrNotFound = errors.New("command not found")
	ErrNotRun   = errors.New("the command cannot be run")
)

// ExitError reports that the command did not exit with code 0.
type ExitError struct {
	// Code is its exit code, or 128 plus the number of Signal, which killed it.
	Code   int
	Signal string
}

// Error has the code or the signal.
func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "the command was killed by the signal " + e.Signal
	}
	return fmt.Sprintf("the command exited with code %d", e.Code)
}

// FolderError wraps any error after which the work folder still exists.
type FolderError struct {
	Folder string
	// Log is the file in it with the command's standard error; empty if there is none.
	Log string
	Err error
}

// Error returns the text of the cause.
func (e *FolderError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
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

// Run does a request. The error is an *ExitError if the command failed; the cause of ctx or a *NoticeError if it was interrupted;
// haul.ErrBusy if another process does the same; of kind store.NotFound if an input or output is missing; and of kind store.Invalid,
// but not a *store.Error, if the request is not valid. The Record is valid as far as the run came.
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
	if err := r.checkProgram(); err != nil {
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
			r.Report.Note(fmt.Sprintf("everything is stored, but the work folder cannot be removed: %v", err))
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
	if r.folder.resume(&r.record) {
		r.Report.Note("resuming an earlier run: the command had succeeded, and its outputs are unchanged")
		return r.stageOut(ctx, true)
	}
	if err := r.stageIn(watched); err != nil {
		return causeOf(watched, err)
	}
	err := r.execute(watched)
	switch {
	case err == nil:
		return r.stageOut(ctx, false)
	case watched.Err() != nil:
		return r.interrupted(ctx, context.Cause(watched))
	}
	return r.failed(ctx, err)
}

// causeOf returns the cause of ctx if that has ended, and else err.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// outlive returns a context that ends that long after ctx.
func outlive(ctx context.Context, after time.Duration) (context.Context, func()) {
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

// check refuses an invalid request before any request to the store.
func (r *run) check() error {
	if err := r.findCommand(); err != nil {
		return err
	}
	for _, s := range r.Streams {
		if err := checkLocal(s.Name); err != nil {
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

// missing is an error about something that does not exist.
type missing struct{ text string }

// Error returns the text.
func (m missing) Error() string { return m.text }

// Unwrap returns the kind.
func (missing) Unwrap() error { return store.NotFound }

// checkLocal refuses what is not a path below the work folder.
func checkLocal(rel string) error {
	if rel == "" || filepath.ToSlash(filepath.Clean(filepath.FromSlash(rel))) != rel || !filepath.IsLocal(filepath.FromSlash(rel)) || rel == "." {
		return invalid("%q is not a path below the work folder", rel)
	}
	return nil
}
