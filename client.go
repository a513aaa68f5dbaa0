package haul

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"haul.example/haul/internal/budget"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/meter"
	"haul.example/haul/internal/pace"
	"haul.example/haul/store"
)

// Options configure a Client. The zero value is a good default.
type Options struct {
	// Concurrency fixes the number of parts and small objects in flight; 0 lets haul choose.
	Concurrency int
	// MaxConcurrency bounds the number that haul chooses; 0 is no bound.
	MaxConcurrency int
	// Memory is the most that buffers may take, in bytes; 0 is 128 MiB, and 4 MiB is the minimum.
	Memory int64
	// StateDir holds the records of unfinished transfers; empty is $HAUL_STATE_DIR, or else haul in $XDG_STATE_HOME or
	// ~/.local/state (on Windows in %LocalAppData%).
	StateDir string
	// SpoolDir holds the parts of a huge stream that are too large for Memory; empty is os.TempDir.
	SpoolDir string
	// Patience is how long a transfer keeps trying while no byte moves; 0 is 5 minutes.
	Patience time.Duration
	// MaxTries bounds how often one request is made while it moves nothing; 0 leaves that to Patience alone.
	MaxTries int
	// Bandwidth is the most that moves, in bytes of objects per second, both directions together; 0 is no limit, and 64 KiB
	// is the minimum.
	Bandwidth int64
	// Observe is called with each Event, one after the other, from any goroutine. It must return soon, and begin no
	// transfer. It may be nil.
	Observe func(Event)
}

const (
	defaultMemory = 128 << 20
	leastMemory   = 4 << 20
	// maxSpools bounds the disk space used by parts of streams that are too large for memory: late in a huge stream, each
	// has gigabytes.
	maxSpools = 3
)

// Client moves objects between one store and this machine. It may be used from many goroutines; they share its lanes (a lane
// carries one part, or one small object, at a time) and its memory.
type Client struct {
	// set by New
	store    store.Store
	opts     Options // with what is chosen for those that were not set
	asked    Options
	identity string // of the store, for the records of unfinished transfers

	attempts flights

	lanes  *lanes
	limit  *rateLimiter
	pace   *pace.Pace
	memory *budget.Budget
	ahead  *semaphore.Weighted // bytes of memory that downloads to streams may hold
	spools *semaphore.Weighted // temporary files for parts of uploads from streams
	meter  *meter.Meter
	summer *evidence.Summer
	etags  evidence.Learned
	watch  watch
	born   time.Time
	// lastSuccess is when something last got through, in nanoseconds after born; 0 is never. Answered reports that the
	// store has at least refused something.
	lastSuccess atomic.Int64
	answered    atomic.Bool
	saidQuiet   atomic.Bool // the user knows of the current silence
	lookedTags  atomic.Bool // it was checked whether the store keeps tags of multipart uploads
	observing   sync.Mutex
	saidLimits  sync.Map  // by store.Limits: limits the user was shown
	swept       sync.Once // what dead streams and copies left was searched for
	// pausing counts requests that wait for their next try, or for a store that asked to slow down.
	pausing atomic.Int64
	// late reports whether trailing checksums of parts work.
	late trial
	// noCopyParts: the store copies objects, but not ranges of them into parts.
	noCopyParts atomic.Bool
}

// New returns a Client for a store. It makes no request.
func New(s store.Store, o Options) *Client {
	asked := o
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	o.Memory = max(o.Memory, leastMemory)
	most := lanesFor(o.Bandwidth)
	if o.MaxConcurrency > 0 && (most == 0 || o.MaxConcurrency < most) {
		most = o.MaxConcurrency
	}
	if n := lanesOf(localfile.MaxOpen()); n > 0 {
		if o.Concurrency = min(o.Concurrency, n); most == 0 || n < most {
			most = n
		}
	}
	p := pace.New(pace.Config{Fixed: o.Concurrency, Start: min(most, defaultStart), Max: most, Cores: runtime.GOMAXPROCS(0), Rate: o.Bandwidth})
	c := &Client{
		store: s, opts: o, asked: asked, identity: store.Identity(s), pace: p,
		born:     time.Now(),
		attempts: flights{all: map[uint64]*attempt{}},
		lanes:    &lanes{pace: p},
		limit:    newLimit(o.Bandwidth),
		memory:   budget.New(o.Memory),
		meter:    meter.New(),
		ahead:    semaphore.NewWeighted(o.Memory / 2),
		spools:   semaphore.NewWeighted(maxSpools),
	}
	c.summer = evidence.NewSummer(c.memory, nil)
	return c
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

// Options returns the options that the Client was made with, as they were given to New.
func (c *Client) Options() Options { return c.asked }

// Uploads lists open uploads of keys that begin with prefix. An interrupted listing is made again, and yields no upload
// twice; an error that is yielded ends it.
func (c *Client) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return c.Store().Uploads(ctx, bucket, prefix)
}

// spawn waits for a buffer of size bytes and for a lane, then runs f with them in a goroutine of g.
func (c *Client) spawn(ctx context.Context, g *errgroup.Group, size int64, f func(buf []byte) error) error {
	lease, err := c.memory.Take(ctx, min(c.lanes.buffer(), max(size, leastBuffer)))
	if err != nil {
		return err
	}
	if err := c.lanes.enter(ctx, size); err != nil {
		lease.Release()
		return err
	}
	g.Go(func() error {
		defer lease.Release()
		defer c.lanes.leave(size)
		return f(lease.Bytes())
	})
	return nil
}
