package meter

import (
	"sync/atomic"
	"time"
)

// Wait is something that the time of a transfer is spent on.
type Wait int

// The kinds of Wait.
const (
	Reading   Wait = iota // from a local disk
	Writing               // to one
	Syncing               // what was written, and renaming it
	FirstByte             // of an answer that brings payload
	Answer                // to a request that sent payload, or that copies
	Asking                // for all other requests to the store
	Pausing               // before a request is tried again, or because the store asked to slow down
	Source                // for a stream to give bytes
	Target                // for a stream to take them
	Memory                // for a stream's parts
	Proving               // by reading again
	waits
)

// spent is the time that one Wait took, and how often.
type spent struct{ nanoseconds, times atomic.Int64 }

// Spent adds d to what a wait took.
func (m *Meter) Spent(w Wait, d time.Duration) {
	m.spent[w].nanoseconds.Add(int64(d))
	m.spent[w].times.Add(1)
}

// Since adds the time since began to what a wait took.
func (m *Meter) Since(w Wait, began time.Time) { m.Spent(w, time.Since(began)) }

// Waited reports what a wait has taken, all that waited at once added up, and how often.
func (m *Meter) Waited(w Wait) (d time.Duration, times int) {
	return time.Duration(m.spent[w].nanoseconds.Load()), int(m.spent[w].times.Load())
}
