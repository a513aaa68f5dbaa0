// Package command runs haul's verbs. A face (internal/cli, internal/awscli) parses its arguments into a request, a plain struct
// with units and defaults, and calls the method of a Session that runs it:
//
//	open the store that the Connection names
//	call package haul, mirror, proof, stage or array
//	report to the Screen while that runs, and once at its end
//	return an error, which ExitCode and Session.Explain turn into an exit code and advice
//
// Requests that several faces run (listings, deletions, trees) have a Run of their own, which reports to a small interface.
//
// The package knows no flags and no syntax of one face. It reads the environment only where all faces must read it the same way:
// to connect, and to find out where it runs.
package command

import (
	"context"
	"errors"
	"os"

	"haul.example/haul"
	"haul.example/haul/internal/configfile"
	"haul.example/haul/internal/ui"
)

// System holds the standard streams of the process.
type System struct {
	Stdin, Stdout, Stderr *os.File
}

// Session is one run of haul. It is made by New, and its fields are set before a verb is run.
type Session struct {
	System     System
	Stdout     *Stdout // for anything but the bytes of objects
	Connection Connection

	Quiet      bool // print only errors, and transfers that could not be verified
	NoProgress bool
	JSON       bool
	Verbose    bool
	Color      Color
	// DataOnStdout reports that standard output carries the bytes of objects, so that messages go to standard error.
	DataOnStdout bool

	screen *ui.Screen   // nil until first used
	shared *haul.Client // of the batch that the command is a part of; nil if there is none
	log    *Stdout      // nil if there is none

	stores    []configfile.Store // that the user has named
	storesErr error              // why they are not known
	// TwoStores reports that the command copies, so that its second address may be in another store than its first.
	TwoStores bool
	// firstAddress is the first address of the command, and firstStore the name of its store; others must be in the same.
	firstAddress, firstStore string
	source                   *configfile.Store // of a copy between two stores: that of the first address
}

// Color is when results and warnings are colored.
type Color string

// The choices. Auto is on a terminal, unless NO_COLOR is set (https://no-color.org) or TERM is dumb.
const (
	ColorAuto   Color = "auto"
	ColorAlways Color = "always"
	ColorNever  Color = "never"
)

func (c Color) on(terminal bool) bool {
	if c == ColorAuto || c == "" {
		return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return c == ColorAlways
}

// New makes a Session on the standard streams of sys.
func New(sys System) *Session { return &Session{System: sys, Stdout: NewStdout(sys.Stdout)} }

// OpenLog makes what happens also go into a file, from the next use of the Screen on.
func (s *Session) OpenLog(path string) (err error) {
	s.log, err = openLog(path)
	return err
}

// CloseLog closes the log, if there is one, and returns why not everything was written.
func (s *Session) CloseLog() error {
	if s.log == nil {
		return nil
	}
	return errors.Join(s.log.Err(), s.log.f.Close())
}

// Screen returns the one Screen of the session. The first call makes it, by what the fields are then.
func (s *Session) Screen() *ui.Screen {
	if s.screen == nil {
		cfg := ui.Config{Stdout: s.Stdout, Stderr: s.System.Stderr, StdoutIsData: s.DataOnStdout, Quiet: s.Quiet, NoProgress: s.NoProgress, JSON: s.JSON, Verbose: s.Verbose, Renames: s.Connection.renames}
		cfg.OnTerminal = ui.TerminalOf(s.System.Stdout) != nil
		if os.Getenv("TERM") != "dumb" {
			cfg.Terminal = ui.TerminalOf(s.System.Stderr)
		}
		cfg.ColorStdout = s.Color.on(cfg.OnTerminal)
		cfg.ColorStderr = s.Color.on(cfg.Terminal != nil)
		if s.log != nil {
			cfg.Log = s.log
		}
		s.screen = ui.New(cfg)
	}
	return s.screen
}

// client connects, and makes a client whose events go to the screen.
func (s *Session) client(ctx context.Context, o haul.Options) (*haul.Client, error) {
	if s.shared != nil {
		return s.shared, nil
	}
	return s.connect(ctx, &s.Connection, o)
}

// connect is client for another connection, and without a batch.
func (s *Session) connect(ctx context.Context, c *Connection, o haul.Options) (*haul.Client, error) {
	st, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if o.Observe == nil {
		o.Observe = s.Screen().Observe
	}
	return haul.New(st, o), nil
}

// noteStop prints a note if ctx ends before the returned func is called.
func (s *Session) noteStop(ctx context.Context) func() bool {
	if s.shared != nil { // the batch does
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { s.Screen().Note(stopping) })
}

// Interrupted adds to the error of a run the signal that stopped it, if one did.
func Interrupted(ctx context.Context, err error) error {
	if stopped := new(Stopped); errors.As(context.Cause(ctx), &stopped) {
		return &endedError{stopped, err}
	}
	return err
}

// endedError is the outcome of a run that a signal stopped.
type endedError struct {
	stopped *Stopped
	err     error
}

// Error names the signal; the rest only follows from it.
func (e *endedError) Error() string { return e.stopped.Error() }

// Unwrap returns both.
func (e *endedError) Unwrap() []error { return []error{e.stopped, e.err} }
