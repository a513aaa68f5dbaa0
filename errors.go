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

// ErrMismatch is in the chain of an error if all bytes arrived but do not match the checksum that the store recorded.
var ErrMismatch = errors.New("bytes at both ends differ")

// IncompleteUploadError reports that a failed transfer left an open upload in the store. Its parts are kept so that it can
// be resumed, and may be billed.
type IncompleteUploadError struct {
	Upload store.Upload
	// Parts and Bytes are the amounts that the store holds, as far as this run knows.
	Parts int
	Bytes int64
	// Resumable reports whether the same call resumes the upload. Otherwise resuming it requires ResumeAdopt.
	Resumable bool
	Err       error
}

// Error returns the text of the cause; get the fields with errors.As.
func (e *IncompleteUploadError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *IncompleteUploadError) Unwrap() error { return e.Err }

// PartialFileError reports that a failed download left a partial file, from which the same call resumes.
type PartialFileError struct {
	Path  string // of the partial file
	Bytes int64
	Err   error
}

// Error returns the text of the cause; get the fields with errors.As.
func (e *PartialFileError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PartialFileError) Unwrap() error { return e.Err }

// UncertainDeleteError reports that a request to delete an object got no response before DeleteAll ended: the object may or
// may not exist.
type UncertainDeleteError struct{ Err error }

// Error returns the cause.
func (e *UncertainDeleteError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UncertainDeleteError) Unwrap() error { return e.Err }

// ErrRetriesExhausted is in the chain of an error that concerns one request: it was made as often as Options.MaxTries allows, or the
// store kept refusing it while others succeeded. Other requests may still succeed.
var ErrRetriesExhausted = dispatch.ErrRetriesExhausted

// ErrStop is the cause to give a context that is canceled on request and not because of an error. Parts that are nearly sent
// may then finish, for at most three seconds, so that less work is lost. No new request starts.
var ErrStop = dispatch.ErrStop
