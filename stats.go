package haul

import (
	"runtime"
	"sync"
	"time"

	"haul.example/haul/internal/meter"
)

// Stats report what the transfers of a Client took so far; Client.Stats returns them. Times of things that run concurrently
// are added up, so they may exceed Elapsed.
type Stats struct {
	// Elapsed is the time in which there was any transfer, and Transfers the sum of the times of all transfers.
	Elapsed, Transfers time.Duration
	// CPU is what this process used meanwhile, in user and system mode; 0 if the system does not report it. Cores are those
	// that it may use.
	CPU   time.Duration
	Cores int
	// Busy is the share of these cores, from 0 to 1, that this and all other programs used since the first transfer began;
	// 0 if the system does not report it.
	Busy float64
	// Moved are the bytes of payload on the network, repeated ones included, and Done those that got to the other end.
	Moved, Done int64
	// Parts counts finished parts, small objects included.
	Parts int
	// Requests counts all of them, Retries those that were repeated, Throttled those that the store asked to slow down.
	Requests, Retries, Throttled int
	Lanes                        LaneStats
	Waits                        WaitStats
}

// LaneStats report how lanes were used. A lane carries one part, or one small object, at a time.
type LaneStats struct {
	// Peak is the highest number that was in use at once, and Open how many may be in use now.
	Peak, Open int
	// Fixed reports that Options set the number. Otherwise Settled reports that more were tried without a gain, and Most
	// that the maximum is open.
	Fixed, Settled, Most bool
	// Alone is the rate of a lane that need not share the link, in bytes per second; 0 if it is not known.
	Alone float64
	// InUse is the time of all lanes that were in use, added up; Active is the time in which any was in use; Full is the
	// time in which there was work for more lanes than were open.
	InUse, Active, Full time.Duration
}

// WaitStats report what transfers waited for.
type WaitStats struct {
	// Read and Write are of the local disk; Sync is for syncing written data to disk, and for the rename.
	Read, Write, Sync time.Duration
	// FirstByte is for the first byte of FirstBytes ranges and objects; Answer is for the answers to Answers requests that
	// sent a part or an object, counted from when its last byte was handed over, or that copy within the store.
	FirstByte, Answer   time.Duration
	FirstBytes, Answers int
	// Ask is for all other requests: those that look up, and that open, complete and list uploads.
	Ask time.Duration
	// Pause is the time that requests wait before they are tried again, or because the store asked to slow down.
	Pause time.Duration
	// Source is for the reader of UploadStream, Target for the writer of DownloadStream, Memory for memory for their parts.
	Source, Target, Memory time.Duration
	// Verify is for digests after the last byte has moved, and for reading again what an earlier run left, or bytes for
	// which the store has no checksum that can be combined from ranges.
	Verify time.Duration
}

// Stats returns what the Client's transfers took so far. Limit of the result says what limited them.
func (c *Client) Stats() Stats {
	m := c.meter.Snapshot()
	s := Stats{
		Cores: runtime.GOMAXPROCS(0), Moved: m.Moved, Done: m.Done - m.Kept, Parts: m.PartsDone,
		Requests: m.Requests, Retries: m.Retries, Throttled: m.Throttled,
	}
	c.watch.addTo(&s)
	used := c.dispatch.Use()
	s.Lanes = LaneStats{
		Peak: used.Peak, Open: c.dispatch.Pace.Lanes(), Fixed: c.opts.Concurrency > 0, InUse: used.InUse, Active: used.Active, Full: used.Full,
	}
	found := c.dispatch.Pace.Found()
	s.Lanes.Settled, s.Lanes.Most, s.Lanes.Alone = found.Done, found.Highest, found.Alone
	w := &s.Waits
	w.FirstByte, w.FirstBytes = c.meter.Waited(meter.FirstByte)
	w.Answer, w.Answers = c.meter.Waited(meter.Answer)
	for wait, d := range map[meter.Wait]*time.Duration{
		meter.Reading: &w.Read, meter.Writing: &w.Write, meter.Syncing: &w.Sync, meter.Asking: &w.Ask, meter.Pausing: &w.Pause,
		meter.Source: &w.Source, meter.Target: &w.Target, meter.Memory: &w.Memory, meter.Proving: &w.Verify,
	} {
		*d, _ = c.meter.Waited(wait)
	}
	return s
}

// watch adds up how long transfers run, and what the CPU does meanwhile.
type watch struct {
	mu      sync.Mutex
	running int
	last    time.Time // when any and all were last added to
	any     time.Duration
	all     time.Duration
	cpu     time.Duration // of the times when transfers ran that are over
	began   time.Duration // of the CPU, when the running ones began
	busy    time.Duration // of the cores, and all their time, when the first transfer began
	total   time.Duration
}

// begin counts a transfer that begins.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.IsZero() {
		w.busy, w.total = meter.Cores()
	}
	w.note()
	if w.running++; w.running == 1 {
		w.began = meter.CPU()
	}
}

// end counts a transfer that ends.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note()
	if w.running--; w.running == 0 {
		w.cpu += meter.CPU() - w.began
	}
}

// note adds up the time until now; mu is held.
func (w *watch) note() {
	now := time.Now()
	d := now.Sub(w.last)
	w.last = now
	if w.running > 0 {
		w.any += d
		w.all += d * time.Duration(w.running)
	}
}

// addTo fills in the result.
func (w *watch) addTo(s *Stats) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.IsZero() {
		return
	}
	w.note()
	s.Elapsed, s.Transfers, s.CPU = w.any, w.all, w.cpu
	if w.running > 0 {
		s.CPU += meter.CPU() - w.began
	}
	if busy, total := meter.Cores(); total > w.total {
		s.Busy = float64(busy-w.busy) / float64(total-w.total)
	}
}
