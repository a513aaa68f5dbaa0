package haul

import (
	"runtime"
	"sync"
	"time"

	"haul.example/haul/internal/meter"
)

// Stats report the resources that the transfers of a Client have used so far; Client.Stats returns them. Times are summed
// over concurrent operations, so they may exceed Elapsed.
type Stats struct {
	// Elapsed is the time during which any transfer ran; Transfers is the sum of the durations of all transfers.
	Elapsed, Transfers time.Duration
	// CPU is the CPU time that this process used meanwhile, user plus system; 0 if the system does not report it. Cores is
	// the number of cores that it may use.
	CPU   time.Duration
	Cores int
	// Busy is the share of these cores, from 0 to 1, that this and all other programs used since the first transfer began;
	// 0 if the system does not report it.
	Busy float64
	// Moved is the number of payload bytes sent or received, including retries; Done is the number of those that arrived.
	Moved, Done int64
	// Parts is the number of finished parts, including small objects.
	Parts int
	// Requests is the number of requests; Retries and Throttled are those repeated, and those refused because the store asked
	// to slow down.
	Requests, Retries, Throttled int
	Lanes                        LaneStats
	Waits                        WaitStats
}

// LaneStats report how connections were used. Each lane is a connection that carries one part, or one small object, at a
// time.
type LaneStats struct {
	// Peak is the highest number in use at the same time, and Open the number that may be in use now.
	Peak, Open int
	// Fixed reports that Options set the number. Otherwise Settled reports that more connections brought no gain, and Most
	// that the maximum is open.
	Fixed, Settled, Most bool
	// Alone is the rate of a single connection that does not share the network with others, in bytes per second; 0 if it is
	// not known.
	Alone float64
	// InUse is the total time that connections were in use, summed over all of them; Active is the time during which any was
	// in use; Full is the time during which there was work for more connections than were open.
	InUse, Active, Full time.Duration
}

// WaitStats report how long transfers waited for each resource.
type WaitStats struct {
	// Read and Write are waits for the local disk; Sync is for syncing written data to disk, and for the rename.
	Read, Write, Sync time.Duration
	// FirstByte is the wait for the first byte of FirstBytes ranges and objects. Answer is the wait for the responses to
	// Answers requests that sent a part or an object, from the time its last byte was sent, or that copied on the server.
	FirstByte, Answer   time.Duration
	FirstBytes, Answers int
	// Ask is for all other requests: those that look up objects, and that open, complete and list uploads.
	Ask time.Duration
	// Pause is the time that requests wait before a retry, or because the store asked to slow down.
	Pause time.Duration
	// Source is for the reader of UploadStream, Target for the writer of DownloadStream, Memory for memory for their parts.
	Source, Target, Memory time.Duration
	// Verify is for computing digests after the last byte has arrived, and for reading data again: that of an earlier run, or
	// data whose recorded checksum cannot be combined from ranges.
	Verify time.Duration
}

// Stats returns the resources that the Client's transfers have used so far. Its Limit method names the bottleneck.
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
