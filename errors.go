package haul

import (
	"errors"

	"haul.example/haul/internal/dispatch"
	"haul.example/haul/store"
)

// ErrBusy is in the chain of an error if another process is doing the same transfer now.
var ErrBusy = errors.New("another haul is doing this transfer")

// ErrSourceChanged is in the chain of an error if the local file changed while it was read.
var ErrSourceChanged = errors.New("source changed during the transfer")

// ErrMismatch is in the chain of an error if all bytes moved but do not match what the store recorded.
var ErrMismatch = errors.New("bytes at both ends differ")

// IncompleteUploadError reports that a failed transfer left an open upload in the store. Its parts are kept so that it can
// be resumed, and may be billed.
type IncompleteUploadError struct {
	Upload store.Upload
	// Parts and Bytes are what the store holds, as far as this run knows.
	Parts int
	Bytes int64
	// Resumable reports whether the same call resumes the upload. Otherwise that needs ResumeAdopt.
	Resumable bool
	Err       error
}

// Error returns the text of the cause; the rest is for errors.As.
func (e *IncompleteUploadError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *IncompleteUploadError) Unwrap() error { return e.Err }

// PartialFileError says that a failed download left a partial file from which the same call continues.
type PartialFileError struct {
	Path  string // of the partial file
	Bytes int64
	Err   error
}

// Error returns the text of the cause; the rest is for errors.As.
func (e *PartialFileError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PartialFileError) Unwrap() error { return e.Err }

// UncertainDeleteError reports that a request to delete an object had no answer before DeleteAll ended: the object may be
// there, or gone.
type UncertainDeleteError struct{ Err error }

// Error returns the cause.
func (e *UncertainDeleteError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UncertainDeleteError) Unwrap() error { return e.Err }

// ErrRetriesExhausted is in the chain of an error that concerns one request: it was made as often as Options.MaxTries allows, or
// the store kept refusing it while others went through. Other requests may well succeed.
var ErrRetriesExhausted = dispatch.ErrRetriesExhausted

// ErrStop is for the cause of a context that ends because somebody asked for it, and not because something went wrong:
// parts that are nearly sent are then allowed to finish, for three seconds at most, so that less is lost. Nothing new
// begins.
var ErrStop = dispatch.ErrStop
