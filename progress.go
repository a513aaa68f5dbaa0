package haul

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Progress is the progress of all transfers of a Client together; Client.Progress returns it.
type Progress struct {
	// Total is the size of all transfers started so far, in bytes; it grows as further ones start. It is 0 if the length of
	// one is not known, such as that of a stream.
	Total int64
	// Done is the number of bytes of Total that have arrived; Kept is the number of these that an earlier run transferred.
	// Done decreases when a request fails whose bytes it included.
	Done, Kept int64
	// Safe is the number of bytes of Done that would survive an interruption: those in stored parts and recorded ranges.
	Safe int64
	// Moved is the number of bytes of object data sent or received, including retries. A copy on the server moves none.
	Moved int64
	// InFlight, PartsDone and PartsTotal are numbers of parts; an object transferred in one request is one part.
	InFlight, PartsDone, PartsTotal int
	// Lanes is the number of parts that may currently be in flight at once.
	Lanes int
	// Requests is the number of requests; Retries and Throttled are those repeated, and those refused because the store asked
	// to slow down.
	Requests, Retries, Throttled int
	// Elapsed is the time since the first transfer began; 0 before that.
	Elapsed time.Duration
}

// Progress reports the progress of the Client's transfers. It is cheap enough to be called many times a second. Its numbers
// are not one atomic snapshot: while transfers run, they may differ by a few parts.
func (c *Client) Progress() Progress {
	s := c.meter.Snapshot()
	return Progress{
		Total: s.Total, Done: s.Done, Kept: s.Kept, Safe: s.Safe, Moved: s.Moved,
		InFlight: s.InFlight, PartsDone: s.PartsDone, PartsTotal: s.PartsTotal, Lanes: c.dispatch.Pace.Lanes(),
		Requests: s.Requests, Retries: s.Retries, Throttled: s.Throttled, Elapsed: s.Elapsed,
	}
}

// TransferProgress is the progress of one transfer. OnProgress in its options receives it at most about ten times a second,
// from one goroutine at a time, and once more before the call returns, even with an error. A slow OnProgress delays the
// return of the call, but not the transfer of data.
type TransferProgress struct {
	// Total is the size of the transfer in bytes. It is -1 while it is not known: for a stream until it ends, for other
	// sources until the size has been read.
	Total int64
	// Done is the number of bytes of Total that have arrived, including those of an earlier run. It decreases when a request
	// fails whose bytes it included.
	Done int64
	// Safe is the number of bytes of Done that would survive an interruption: the same call resumes after them.
	Safe int64
}

// ActiveTransfer is a transfer that is under way.
type ActiveTransfer struct {
	// Source and Target are as in an Event.
	Source, Target string
	Began          time.Time
	TransferProgress
}

// Active returns the transfers that are under way, in the order in which they began. Those of which nothing is known yet, not even the
// size, are left out.
func (c *Client) Active() []ActiveTransfer {
	var all []ActiveTransfer
	for _, t := range c.active.list() {
		if p := t.progress(); p.Total >= 0 || p.Done > 0 {
			all = append(all, ActiveTransfer{t.source, t.target, t.began, p})
		}
	}
	slices.SortFunc(all, func(a, b ActiveTransfer) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Source, b.Source))
	})
	return all
}

// activeSet holds the transfers that are under way.
type activeSet struct {
	mu  sync.Mutex
	all map[*transfer]struct{}
}

func (s *activeSet) add(t *transfer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*transfer]struct{}{}
	}
	s.all[t] = struct{}{}
}

func (s *activeSet) remove(t *transfer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, t)
}

func (s *activeSet) list() []*transfer {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*transfer, 0, len(s.all))
	for t := range s.all {
		all = append(all, t)
	}
	return all
}

// progressEvery is how often OnProgress is called.
const progressEvery = 100 * time.Millisecond

// report counts the transfer among the active ones, and calls OnProgress, until the function that it returns is called, which calls it a
// last time.
func (t *transfer) report() (end func()) {
	t.c.active.add(t)
	if t.o.onProgress == nil {
		return func() { t.c.active.remove(t) }
	}
	f := t.o.onProgress
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f(t.progress())
			case <-stop:
				f(t.progress())
				return
			}
		}
	}()
	return func() {
		t.c.active.remove(t)
		close(stop)
		<-stopped
	}
}

// progress reads the counts. What is a share of another is read before it, so that it is not the greater.
func (t *transfer) progress() TransferProgress {
	p := TransferProgress{Safe: t.safe.Load()}
	p.Done = t.arrived.Load()
	p.Total = t.total.Load()
	return p
}

// arrive counts bytes that are at the other end; a negative n takes back bytes that are not.
func (t *transfer) arrive(n int64) {
	t.arrived.Add(n)
	t.c.meter.Done(n)
}
