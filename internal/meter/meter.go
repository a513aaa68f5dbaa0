// Package meter counts what a client moves, and returns Snapshots for display. It also adds up what the client waits for,
// and reports what this process and its cores have done.
//
// Every transfer reports its size by Begin before it counts anything else, so that Done does not exceed Total. The counts
// are atomic and cheap enough for every 256 KiB; a Snapshot reads them one after the other while others continue to count,
// so its numbers may be some parts apart until the transfers are over.
package meter

import (
	"sync/atomic"
	"time"
)

// Snapshot is one look at the counts.
type Snapshot struct {
	// Total is the size of all transfers begun, in bytes; it is 0 if a stream's length is unknown.
	Total int64
	// Done are the bytes of Total that are at the other end, Kept those of them that an earlier run had brought there.
	Done, Kept int64
	// Safe are those that would not have to move again if everything stopped now: of parts that are stored, and of pieces
	// that are recorded.
	Safe int64
	// Moved are all payload bytes that went over the network, repeated ones included.
	Moved int64
	// InFlight, PartsDone and PartsTotal count parts; small objects count as one.
	InFlight, PartsDone, PartsTotal int
	// Requests counts all of them, Retries those that were repeated, Throttled those that the store asked to slow down.
	Requests, Retries, Throttled int
	// Elapsed is the time since the first Begin; 0 before it.
	Elapsed time.Duration
}

// Meter counts. It may be used from many goroutines at once.
type Meter struct {
	born time.Time

	began              atomic.Int64 // nanoseconds after born, from 1; 0 before the first Begin
	total, unknown     atomic.Int64
	done, kept, moved  atomic.Int64
	safe               atomic.Int64
	inFlight           atomic.Int64
	partsDone, parts   atomic.Int64
	requests           atomic.Int64
	retries, throttled atomic.Int64

	spent [waits]spent
}

// New returns a Meter that has counted nothing.
func New() *Meter { return &Meter{born: time.Now()} }

// Begin adds a transfer of total bytes in parts. A total below zero is an unknown length; from then on, Total is 0. More
// parts of a running transfer are added by another Begin, with no bytes.
func (m *Meter) Begin(total int64, parts int) {
	m.began.CompareAndSwap(0, max(1, int64(time.Since(m.born))))
	if total < 0 {
		m.unknown.Add(1)
	} else {
		m.total.Add(total)
	}
	m.parts.Add(int64(parts))
}

// Kept adds bytes and parts that an earlier run had brought to the other end. They are done as well.
func (m *Meter) Kept(bytes int64, parts int) {
	m.done.Add(bytes)
	m.kept.Add(bytes)
	m.safe.Add(bytes)
	m.partsDone.Add(int64(parts))
}

// Undo takes back bytes and parts that are not at the other end after all, kept of them from an earlier run.
func (m *Meter) Undo(bytes, kept int64, parts int) {
	m.done.Add(-bytes)
	m.kept.Add(-kept)
	m.partsDone.Add(-int64(parts))
}

// Moved adds n payload bytes that went over the network.
func (m *Meter) Moved(n int64) { m.moved.Add(n) }

// Done adds n bytes that are at the other end for good. Bytes that turn out not to be are taken back by a negative n.
func (m *Meter) Done(n int64) { m.done.Add(n) }

// Safe adds n bytes that need not move again, whatever happens. A negative n takes back what was discarded.
func (m *Meter) Safe(n int64) { m.safe.Add(n) }

// PartStart counts a part that is in flight from now on.
func (m *Meter) PartStart() { m.inFlight.Add(1) }

// PartEnd counts a part that is no longer in flight, and reports whether it is done.
func (m *Meter) PartEnd(done bool) {
	if done {
		m.partsDone.Add(1)
	}
	m.inFlight.Add(-1)
}

// Request counts a request, whatever comes of it.
func (m *Meter) Request() { m.requests.Add(1) }

// Retry counts a repeated request.
func (m *Meter) Retry() { m.retries.Add(1) }

// Throttle counts a request that the store answered by asking to slow down.
func (m *Meter) Throttle() { m.throttled.Add(1) }

// Snapshot looks at the counts. What is a share of another count is read before it, so that it is not the greater.
func (m *Meter) Snapshot() Snapshot {
	s := Snapshot{
		Kept:      m.kept.Load(),
		Safe:      m.safe.Load(),
		Moved:     m.moved.Load(),
		InFlight:  int(m.inFlight.Load()),
		PartsDone: int(m.partsDone.Load()),
		Retries:   int(m.retries.Load()),
		Throttled: int(m.throttled.Load()),
	}
	s.Requests = int(m.requests.Load())
	s.Done = m.done.Load()
	s.PartsTotal = int(m.parts.Load())
	if total := m.total.Load(); m.unknown.Load() == 0 {
		s.Total = total
	}
	if began := m.began.Load(); began > 0 {
		s.Elapsed = time.Since(m.born) - time.Duration(began)
	}
	return s
}
