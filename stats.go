package haul

import (
	"runtime"
	"sync"
	"time"

	"haul.example/haul/internal/meter"
)

// Stats tell what the transfers of a Client took so far, as Client.Stats gives them. Times of things that continue side by
// side are added up, so they may exceed Elapsed.
type Stats struct {
	// Elapsed is the time in which there was any transfer, and Transfers what all transfers took.
	Elapsed, Transfers time.Duration
	// CPU is what this process used meanwhile, in user and system mode; 0 if the system does not tell. Cores are those that
	// it may use.
	CPU   time.Duration
	Cores int
	// Busy is the share of these cores, from 0 to 1, that this and all other programs used since the first transfer began;
	// 0 if the system does not tell.
	Busy float64
	// Moved are the bytes of payload on the wire, repeated ones included, and Done those that got to the other end.
	Moved, Done int64
	// Parts that are done, small objects included.
	Parts int
	// Requests counts all of them, Retries those that were repeated, Throttled those that the store asked to slow down.
	Requests, Retries, Throttled int
	Lanes                        LaneStats
	Waits                        WaitStats
}

// LaneStats tell how lanes were used. A lane carries one part, or one small object, at a time.
type LaneStats struct {
	// Peak is the highest number that was in use at once, and Open that which may be now.
	Peak, Open int
	// Fixed reports that Options set the number. Otherwise Settled reports that more were tried and brought no more, and Most
	// that there are as many as there may be.
	Fixed, Settled, Most bool
	// Alone is the rate of a lane that need not share the link, in bytes a second; 0 if it is not known.
	Alone float64
	// InUse is the time of all lanes that were in use; Active that in which there was any; Full that in which there was work
	// for more lanes than were open.
	InUse, Active, Full time.Duration
}

// WaitStats tell what transfers waited for.
type WaitStats struct {
	// Read and Write are of the local disk; Sync is for bringing to disk what was written, and for giving it its name.
	Read, Write, Sync time.Duration
	// FirstByte is for the first byte of FirstBytes ranges and objects; Answer is for the answer to Answers requests that
	// sent a part or an object, from when its last byte was handed over, or that copy within the store.
	FirstByte, Answer   time.Duration
	FirstBytes, Answers int
	// Ask is for all other requests: those that look, and that open, complete and list uploads.
	Ask time.Duration
	// Pause is what requests wait before they are tried again, and because the store asked to slow down.
	Pause time.Duration
	// Source is for the reader of UploadStream, Target for the writer of DownloadStream, Memory for room for their parts.
	Source, Target, Memory time.Duration
	// Prove is for digests when nothing moves any more, and for reading again what was there before, or what the store has
	// no checksum of that ranges can be verified by.
	Prove time.Duration
}

// Stats tell what the Client's transfers took so far. Limit of the result says what limited them.
func (c *Client) Stats() Stats {
	m := c.meter.Snapshot()
	s := Stats{
		Cores: runtime.GOMAXPROCS(0), Moved: m.Moved, Done: m.Done - m.Kept, Parts: m.PartsDone,
		Requests: m.Requests, Retries: m.Retries, Throttled: m.Throttled,
	}
	c.watch.tell(&s)
	used := c.lanes.use()
	s.Lanes = LaneStats{
		Peak: used.peak, Open: c.pace.Lanes(), Fixed: c.opts.Concurrency > 0, InUse: used.inUse, Active: used.active, Full: used.full,
	}
	found := c.pace.Found()
	s.Lanes.Settled, s.Lanes.Most, s.Lanes.Alone = found.Done, found.Highest, found.Alone
	w := &s.Waits
	w.FirstByte, w.FirstBytes = c.meter.Waited(meter.FirstByte)
	w.Answer, w.Answers = c.meter.Waited(meter.Answer)
	for wait, d := range map[meter.Wait]*time.Duration{
		meter.Reading: &w.Read, meter.Writing: &w.Write, meter.Syncing: &w.Sync, meter.Asking: &w.Ask, meter.Pausing: &w.Pause,
		meter.Source: &w.Source, meter.Target: &w.Target, meter.Memory: &w.Memory, meter.Proving: &w.Prove,
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

// begin is told when a transfer begins.
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

// end is told when a transfer ends.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note()
	if w.running--; w.running == 0 {
		w.cpu += meter.CPU() - w.began
	}
}

// note adds up until now; mu is held.
func (w *watch) note() {
	now := time.Now()
	d := now.Sub(w.last)
	w.last = now
	if w.running > 0 {
		w.any += d
		w.all += d * time.Duration(w.running)
	}
}

// tell fills in what was seen.
func (w *watch) tell(s *Stats) {
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
