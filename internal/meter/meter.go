// Package meter counts what a client moves, and gives a Snapshot to whoever prints it.
package meter

import "time"

// Snapshot is one look at the counts.
type Snapshot struct {
	// Total is the size of all transfers begun, in bytes; it is 0 where a stream's length is unknown.
	Total int64
	// Done are the bytes of Total that are at the other end, Kept those of them that an earlier run had brought there.
	Done, Kept int64
	// Moved are all payload bytes that crossed the wire, repeated ones included.
	Moved int64
	// InFlight, PartsDone and PartsTotal count parts; small objects count as one.
	InFlight, PartsDone, PartsTotal int
	// Retries counts repeated requests, Throttled those that the store asked to slow down.
	Retries, Throttled int
	Elapsed            time.Duration
}
