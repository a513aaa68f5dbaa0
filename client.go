package haul

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"haul/checksum"
	"haul/internal/meter"
	"haul/store"
)

// Options set up a Client. The zero value is the good default.
type Options struct {
	// Concurrency fixes the number of parts and small objects in flight; 0 lets haul choose.
	Concurrency int
	// Memory is the most that buffers may take, in bytes; 0 is 128 MiB.
	Memory int64
	// StateDir holds the records of unfinished transfers; empty is the user's own ($XDG_STATE_HOME/haul).
	StateDir string
	// SpoolDir takes the parts of a huge stream that are too large for Memory; empty is os.TempDir.
	SpoolDir string
	// Patience is how long a transfer goes on trying while no byte moves; 0 is 5 minutes.
	Patience time.Duration
	// Observe is told what happens, from any goroutine; it must return soon. It may be nil.
	Observe func(Event)
}

// Resume says what a transfer does about an earlier, unfinished run of itself.
type Resume int

const (
	// ResumeAuto goes on where the record of an earlier run says so, and leaves what is needed to go on behind.
	ResumeAuto Resume = iota
	// ResumeNever starts clean, and leaves nothing behind on failure.
	ResumeNever
	// ResumeAdopt is ResumeAuto; and where there is no record, an upload takes over the newest open upload of the same key
	// with all its parts that prove equal.
	ResumeAdopt
)

// Transfer holds the choices for one transfer. The zero value is the good default.
type Transfer struct {
	// PartSize in bytes; 0 lets haul choose.
	PartSize int64
	// Checksum asked for by the user; None is the best that the store can do, CRC64NVME first.
	Checksum checksum.Algorithm
	Resume   Resume
	// NoClobber makes an existing target an error of kind store.Exists.
	NoClobber bool
	// ExpectedSize of a stream in bytes, where it is known; 0 is unknown. It need not be exact.
	ExpectedSize int64
	Attrs        store.Attrs
}

// Result tells what a transfer did.
type Result struct {
	// Object is the stored object at the other end.
	Object store.Object
	// Size is that of the whole, in bytes; Kept of it came from an earlier run, proved again; Moved crossed the wire,
	// repeated bytes counted as often as they moved.
	Size, Kept, Moved int64
	Parts             int
	Retries           int
	Elapsed           time.Duration
	Proof             Proof
}

// Proof says how it is known that the bytes at both ends are the same.
type Proof struct {
	// Proved is false where nobody vouched for the bytes; Text then says why.
	Proved bool
	// Sum is the checksum that both sides agree on.
	Sum checksum.Sum
	// Text is one clause for people, such as "CRC64NVME of the full object, checked by the store".
	Text string
}

// EventKind sorts events.
type EventKind string

// The kinds of Event.
const (
	EventStart EventKind = "start" // a transfer begins; Size is -1 for a stream of unknown length
	EventKept  EventKind = "kept"  // an earlier run is gone on with; Bytes were proved again
	EventNote  EventKind = "note"  // something worth knowing, in Text
	EventRetry EventKind = "retry" // a request is tried again after Wait because of Err
	EventDone  EventKind = "done"  // the transfer ended well, with Result
)

// Event is one thing that happened.
type Event struct {
	Kind   EventKind
	Time   time.Time
	Source string
	Target string
	Size   int64
	Bytes  int64
	Text   string
	Err    error
	Wait   time.Duration
	Result *Result
}

// ErrBusy is in the chain of an error when another process is doing the same transfer now.
var ErrBusy = errors.New("another haul is doing this transfer")

// ErrSourceChanged is in the chain of an error when the local file changed while it was read.
var ErrSourceChanged = errors.New("source changed during the transfer")

// ErrMismatch is in the chain of an error when all bytes moved but what the store vouches for does not fit them.
var ErrMismatch = errors.New("bytes at both ends differ")

// LeftError says that a failed transfer left an open upload in the store, whose parts are kept for going on and may be billed.
type LeftError struct {
	Upload store.Upload
	// Parts and Bytes are what the store holds, as far as this run knows.
	Parts int
	Bytes int64
	// Resumable tells that the same call goes on with them.
	Resumable bool
	Err       error
}

// Error gives the cause; the rest is for those who ask with errors.As.
func (e *LeftError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *LeftError) Unwrap() error { return e.Err }

// KeptError says that a failed download left a partial file from which the same call goes on.
type KeptError struct {
	Path  string // of the partial file
	Bytes int64
	Err   error
}

// Error gives the cause; the rest is for those who ask with errors.As.
func (e *KeptError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *KeptError) Unwrap() error { return e.Err }

// Client moves objects between one store and this machine. It may be used from many goroutines; they share its lanes and memory.
type Client struct {
	store store.Store
	opts  Options
}

// New makes a Client for a store.
func New(s store.Store, o Options) *Client { return &Client{store: s, opts: o} }

// Snapshot tells how far the Client's transfers are.
func (c *Client) Snapshot() meter.Snapshot { return meter.Snapshot{} }

// Upload stores the local file path as object to.
func (c *Client) Upload(ctx context.Context, path string, to store.Ref, o Transfer) (Result, error) {
	panic("todo")
}

// UploadStream stores all that r gives as object to.
func (c *Client) UploadStream(ctx context.Context, r io.Reader, to store.Ref, o Transfer) (Result, error) {
	panic("todo")
}

// Download fetches object from into the local file path.
func (c *Client) Download(ctx context.Context, from store.Ref, path string, o Transfer) (Result, error) {
	panic("todo")
}

// DownloadStream writes object from to w, in order.
func (c *Client) DownloadStream(ctx context.Context, from store.Ref, w io.Writer, o Transfer) (Result, error) {
	panic("todo")
}

// Copy copies an object within the store.
func (c *Client) Copy(ctx context.Context, from, to store.Ref, o Transfer) (Result, error) {
	panic("todo")
}

// Uploads lists open uploads of keys that begin with prefix.
func (c *Client) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	panic("todo")
}

// Abort throws an open upload away, and the local record of it if there is one.
func (c *Client) Abort(ctx context.Context, u store.Upload) error { panic("todo") }
