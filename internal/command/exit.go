package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"haul.example/haul"
	"haul.example/haul/internal/stage"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// The exit codes.
const (
	codeOK       = 0
	codeFailed   = 1
	codeUsage    = 2
	codeNotFound = 3
	codeRefused  = 4
	codeConflict = 5
	codeDiffer   = 6
	codeOpen     = 7
	codeSignal   = 128 // and the signal's number
	// CodePipe is that of SIGPIPE: the reader of standard output closed it.
	CodePipe = codeSignal + 13

	// of haul run, as shells have them; else it ends with its command's own
	codeNotRun    = 126
	codeNoCommand = 127
)

// ExitCodes documents the exit codes.
var ExitCodes = []ExitStatus{
	{codeOK, "success: everything was done and verified; if something could not be verified, the last line explains why"},
	{codeFailed, "failure: of the network, the disk, the server, …; the message names the failure and a remedy. haul verify: no file is BAD, MISSING or UNPROVABLE, but some are EXTRA. haul quickcheck: a file is BAD or UNREADABLE, or WARN with --strict. haul doctor: a check is BAD"},
	{codeUsage, "usage error: the command line is not valid; nothing was done"},
	{codeNotFound, "not found: the source, the bucket or the upload does not exist"},
	{codeRefused, "refused: missing or expired credentials, no permission, or a wrong clock"},
	{codeConflict, "conflict: the target exists (--no-clobber), another haul process is running the same transfer, the source changed during the transfer, the bucket to be deleted is not empty, or haul sync --delete found an empty source"},
	{codeDiffer, "mismatch: source and target differ"},
	{codeOpen, "haul verify: no file is BAD or MISSING, but some are UNPROVABLE"},
	{codeNotRun, "haul run: the command could not be run; 127: it was not found; otherwise haul run exits with the command's own code"},
	{codeSignal + 2, "stopped by Ctrl-C; 143: by SIGTERM or a Spot notice; 129: by SIGHUP; 141: because the reader of standard output closed it"},
}

// ExitStatus is an exit code and what it means.
type ExitStatus struct {
	Code int
	Text string
}

// ExitCode returns the exit code of haul for an error.
func ExitCode(err error) int {
	var stopped *Stopped
	var usage *UsageError
	var missing *MissingError
	var found *verifyError
	var exit *stage.ExitError
	var notice *stage.NoticeError
	var empty *mirror.EmptySourceError
	var batch *batchError
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &stopped):
		return stopped.Code()
	case errors.As(err, &notice):
		return codeSignal + int(syscall.SIGTERM)
	case errors.As(err, &exit):
		return exit.Code
	case errors.Is(err, stage.ErrNotFound):
		return codeNoCommand
	case errors.Is(err, stage.ErrNotRun):
		return codeNotRun
	case errors.As(err, &usage), impossible(err):
		return codeUsage
	case errors.Is(err, ErrReaderGone):
		return CodePipe
	case errors.As(err, &found):
		return found.code()
	case errors.As(err, &batch):
		return batch.code
	case errors.Is(err, haul.ErrMismatch):
		return codeDiffer
	case errors.Is(err, haul.ErrBusy), errors.Is(err, haul.ErrSourceChanged), errors.Is(err, fs.ErrExist), errors.As(err, &empty):
		return codeConflict
	case errors.As(err, &missing):
		return codeNotFound
	}
	switch store.KindOf(err) {
	case store.Corrupt:
		return codeDiffer
	case store.Exists, store.Changed, store.Conflict, store.NotEmpty:
		return codeConflict
	case store.NotFound, store.NoBucket, store.NoUpload:
		return codeNotFound
	case store.Denied, store.NoCredentials, store.Expired, store.ClockSkew:
		return codeRefused
	}
	var e *store.Error // a firewall's "permission denied" is a network error
	if errors.Is(err, fs.ErrPermission) && !errors.As(err, &e) {
		return codeRefused
	}
	return codeFailed
}

// impossible reports whether a request is refused before any store is asked, such as a part size out of bounds.
func impossible(err error) bool {
	var e *store.Error
	return errors.Is(err, store.Invalid) && !errors.As(err, &e)
}

// kindName names an error for programs: the kind that the store reports, or haul's own.
func kindName(err error) string {
	var e *store.Error
	var k store.Kind
	var missing *MissingError
	var found *verifyError
	var exit *stage.ExitError
	switch code := ExitCode(err); {
	case errors.As(err, &exit):
		return "command failed"
	case errors.Is(err, stage.ErrNotFound), errors.Is(err, stage.ErrNotRun):
		return "no command"
	case code >= codeSignal:
		return "stopped"
	case code == codeUsage:
		return "usage"
	case errors.As(err, &found):
		return found.kind()
	case errors.Is(err, haul.ErrMismatch):
		return haul.ErrMismatch.Error()
	case errors.Is(err, haul.ErrBusy):
		return haul.ErrBusy.Error()
	case errors.As(err, new(*mirror.EmptySourceError)):
		return "empty source"
	case errors.Is(err, haul.ErrSourceChanged):
		return haul.ErrSourceChanged.Error()
	case errors.As(err, &missing):
		return "not there"
	case errors.As(err, new(*batchError)):
		return "failed commands"
	case errors.As(err, new(*doctorError)):
		return "bad checks"
	case errors.As(err, &e):
		return string(e.Kind)
	case errors.As(err, &k):
		return string(k)
	}
	return string(store.Unknown)
}

// UsageError says what is wrong with a command that was refused before anything was done.
type UsageError struct {
	Text string
	// Command is what was called, such as "haul cp"; empty is haul. Instead is what may have been meant; empty is not known.
	Command, Instead string
}

// Error returns the text.
func (e *UsageError) Error() string { return e.Text }

// Usagef makes a *UsageError.
func Usagef(format string, args ...any) error { return &UsageError{Text: fmt.Sprintf(format, args...)} }

// MissingError says that something does not exist.
type MissingError struct{ Text string }

// Error returns the text.
func (e *MissingError) Error() string { return e.Text }

// Stopped is the cause of a context that a signal ended.
type Stopped struct{ Signal os.Signal }

// Error names the signal.
func (s *Stopped) Error() string {
	switch s.Signal {
	case os.Interrupt:
		return "stopped by Ctrl-C"
	case syscall.SIGTERM:
		return "stopped by SIGTERM"
	case syscall.SIGHUP:
		return "stopped by SIGHUP"
	}
	return "stopped by signal " + s.Signal.String()
}

// Is makes it a haul.ErrStop: parts that are nearly sent are finished.
func (s *Stopped) Is(target error) bool { return target == haul.ErrStop }

// Code is the exit code: 128 and the number of the signal.
func (s *Stopped) Code() int {
	if n, ok := s.Signal.(syscall.Signal); ok {
		return codeSignal + int(n)
	}
	return codeSignal + int(syscall.SIGINT)
}
