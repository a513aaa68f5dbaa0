// Package dispatch runs the requests of one client: each when there is room for it, none faster than the user allows, and again
// when it has failed.
//
//	wait until pace admits one more request: so many at once, and so many bytes in flight, as the link rewards
//	make it, counting what it moves
//	failed, and it may pass: wait, and make it again, until patience is over
//	much slower than its peers, or more than the link moves in a few seconds: cut it, and make it again when it is its turn
//	all stop: let those finish that are nearly done
//
// While any transfer runs, a heartbeat reports the state to package pace, which decides how many requests there may be.
//
// It does not know what a request is about, keeps no results, and takes no memory for them: callers take memory before a
// lane, never while they hold one.
package dispatch

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/meter"
	"haul.example/haul/internal/pace"
)

// Config is what bounds requests. The zero value is a good default, but for the Meter.
type Config struct {
	// Concurrency fixes the number of lanes; 0 leaves it to pace, up to MaxConcurrency, of which 0 is no bound.
	Concurrency, MaxConcurrency int
	// Bandwidth is in bytes of objects per second, both directions together; 0 is no limit.
	Bandwidth int64
	// Patience is how long requests are made again while no byte moves; 0 is 5 minutes.
	Patience time.Duration
	// MaxTries bounds how often one request is made while it moves nothing; 0 leaves that to Patience.
	MaxTries int
	// Meter counts requests, retries and waits.
	Meter *meter.Meter
}

// Caller is what requests are made for, such as one transfer.
type Caller interface {
	// Retried is called when a request has failed and is made again after a wait.
	Retried(err error, wait time.Duration)
	// Note is called with what a person should know.
	Note(text string)
	// Fleeting reports that nothing is kept of what has moved if the caller ends early.
	Fleeting() bool
}

// Dispatcher runs requests. It may be used by many goroutines.
type Dispatcher struct {
	Pace *pace.Pace

	config   Config
	meter    *meter.Meter
	lanes    *lanes
	limiter  *rateLimiter
	attempts attempts
	born     time.Time
	// lastSuccess is when something last got through, in nanoseconds after born; 0 is never. Answered reports that the
	// store has at least refused something.
	lastSuccess atomic.Int64
	answered    atomic.Bool
	saidQuiet   atomic.Bool // the user knows of the current silence
	// pausing counts requests that wait for their next try, or for a store that asked to slow down.
	pausing atomic.Int64
}

// New returns a Dispatcher.
func New(c Config) *Dispatcher {
	most := lanesFor(c.Bandwidth)
	if c.MaxConcurrency > 0 && (most == 0 || c.MaxConcurrency < most) {
		most = c.MaxConcurrency
	}
	if n := lanesOf(localfile.MaxOpen()); n > 0 {
		if c.Concurrency = min(c.Concurrency, n); most == 0 || n < most {
			most = n
		}
	}
	p := pace.New(pace.Config{Fixed: c.Concurrency, Start: min(most, pace.DefaultStart), Max: most, Cores: runtime.GOMAXPROCS(0), Rate: c.Bandwidth})
	return &Dispatcher{
		Pace: p, config: c, meter: c.Meter, lanes: &lanes{pace: p}, limiter: newLimit(c.Bandwidth),
		attempts: attempts{all: map[uint64]*Attempt{}}, born: time.Now(),
	}
}

const (
	// sparedFiles are left for listing directories, for lists, for the standard streams, and for the caller.
	sparedFiles = 40
	// filesOfLane is how many files a lane may have open at once: its connection, and two transfers, each with its file and
	// its record; and one idle connection.
	filesOfLane = 6
)

// lanesOf returns how many lanes a process may have that may open so many files; 0 is any number.
func lanesOf(files int) int {
	if files == 0 {
		return 0
	}
	return max(1, (files-sparedFiles)/filesOfLane)
}

// Enter waits for a lane, for a request that is to move size bytes.
func (d *Dispatcher) Enter(ctx context.Context, size int64) error { return d.lanes.enter(ctx, size) }

// Leave gives the lane back.
func (d *Dispatcher) Leave(size int64) { d.lanes.leave(size) }

// Buffer returns how much memory the next lane should have, in bytes.
func (d *Dispatcher) Buffer() int64 { return d.lanes.buffer() }

// Use returns how much lanes were used so far.
func (d *Dispatcher) Use() Use { return d.lanes.use() }

// Spend counts n bytes against the bandwidth, and returns how long the caller has to wait for that.
func (d *Dispatcher) Spend(n int) time.Duration { return d.limiter.take(n) }
