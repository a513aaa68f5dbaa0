package haul

import (
	"errors"

	"haul.example/haul/store"
)

// ErrBusy is in the chain of an error when another process is doing the same transfer now.
var ErrBusy = errors.New("another haul is doing this transfer")

// ErrSourceChanged is in the chain of an error when the local file changed while it was read.
var ErrSourceChanged = errors.New("source changed during the transfer")

// ErrMismatch is in the chain of an error when all bytes moved but what the store recorded does not fit them.
var ErrMismatch = errors.New("bytes at both ends differ")

// IncompleteUploadError says that a failed transfer left an open upload in the store, whose parts are kept for continuing
// and may be billed.
type IncompleteUploadError struct {
	Upload store.Upload
	// Parts and Bytes are what the store holds, as far as this run knows.
	Parts int
	Bytes int64
	// Resumable reports that the same call resumes them. Otherwise it needs ResumeAdopt to.
	Resumable bool
	Err       error
}

// Error returns the cause; the rest is for those who ask with errors.As.
func (e *IncompleteUploadError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *IncompleteUploadError) Unwrap() error { return e.Err }

// PartialFileError says that a failed download left a partial file from which the same call continues.
type PartialFileError struct {
	Path  string // of the partial file
	Bytes int64
	Err   error
}

// Error returns the cause; the rest is for those who ask with errors.As.
func (e *PartialFileError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *PartialFileError) Unwrap() error { return e.Err }

// UncertainDeleteError says that a request to delete an object came to no answer before DeleteAll ended: it may be there, or gone.
type UncertainDeleteError struct{ Err error }

// Error returns the cause.
func (e *UncertainDeleteError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UncertainDeleteError) Unwrap() error { return e.Err }
