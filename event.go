package haul

import "time"

// EventKind is the kind of an Event.
type EventKind string

// The kinds of Event.
const (
	EventStart EventKind = "start" // a transfer begins; Size is -1 for a stream of unknown length
	EventKept  EventKind = "kept"  // an earlier run is resumed; Bytes were verified again
	EventNote  EventKind = "note"  // something worth knowing, in Text
	EventRetry EventKind = "retry" // a request is tried again after Wait because of Err
	EventDone  EventKind = "done"  // the transfer succeeded, with Result
)

// Event is one event of one transfer. EventKind determines which of the fields after Target are set.
type Event struct {
	Kind EventKind
	Time time.Time
	// Source and Target are a path, an s3:// address, or "-" for a stream; Target is empty for a request that transfers no
	// data.
	Source, Target string
	Size           int64 // in bytes
	Bytes          int64
	Text           string // a sentence for people
	Err            error
	Wait           time.Duration
	Result         *Result
}
