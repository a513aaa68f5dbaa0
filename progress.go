package haul

import "time"

// Progress is how far the transfers of a Client are, all together; Client.Progress returns it.
type Progress struct {
	// Total is the size of all transfers begun so far, in bytes: it grows as further ones begin. It is 0 if the length of one
	// is not known, as that of a stream.
	Total int64
	// Done are the bytes of Total that are at the other end, Kept those of them that an earlier run had brought there. Done may
	// go back: by what a request had moved that failed.
	Done, Kept int64
	// Safe are those of Done that an interruption now would not lose: of parts that are stored, and of ranges that are
	// recorded.
	Safe int64
	// Moved are all bytes of objects that went over the network, repeated ones included. A copy within the store moves none.
	Moved int64
	// InFlight, PartsDone and PartsTotal count parts; an object that moves in one request counts as one.
	InFlight, PartsDone, PartsTotal int
	// Lanes is how many parts may be in flight at once now.
	Lanes int
	// Requests counts all of them, Retries those that were repeated, Throttled those that the store answered by asking to
	// slow down.
	Requests, Retries, Throttled int
	// Elapsed is the time since the first transfer began; 0 before that.
	Elapsed time.Duration
}

// Progress reports how far the Client's transfers are. It is cheap enough to be called many times a second. Its numbers are
// read one after the other, so they may be some parts apart while transfers run.
func (c *Client) Progress() Progress {
	s := c.meter.Snapshot()
	return Progress{
		Total: s.Total, Done: s.Done, Kept: s.Kept, Safe: s.Safe, Moved: s.Moved,
		InFlight: s.InFlight, PartsDone: s.PartsDone, PartsTotal: s.PartsTotal, Lanes: c.dispatch.Pace.Lanes(),
		Requests: s.Requests, Retries: s.Retries, Throttled: s.Throttled, Elapsed: s.Elapsed,
	}
}

// TransferProgress is how far one transfer is, as OnProgress of its options reports it: about ten times a second at most,
// from one goroutine at a time, and once more before the call returns, whatever came of it. The call waits for a report that
// takes long; its bytes do not.
type TransferProgress struct {
	// Total is the size of the transfer in bytes; -1 is not known: of a stream until it has ended, of any other until the
	// source was looked at.
	Total int64
	// Done are the bytes of Total that are at the other end, those of an earlier run included. It may go back: by what a
	// request had moved that failed.
	Done int64
	// Safe are those of Done that an interruption now would not lose: the same call resumes after them.
	Safe int64
}

// progressEvery is how often OnProgress is called.
const progressEvery = 100 * time.Millisecond

// report calls OnProgress until the function that it returns is called, which does so a last time.
func (t *transfer) report() (end func()) {
	if t.o.onProgress == nil {
		return func() {}
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
