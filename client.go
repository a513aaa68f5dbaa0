package haul

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"haul.example/haul/internal/budget"
	"haul.example/haul/internal/dispatch"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// Options configure a Client. The zero value is a good default.
type Options struct {
	// Concurrency fixes the number of parts and small objects in flight; 0 lets haul choose.
	Concurrency int
	// MaxConcurrency limits the number that haul chooses; 0 is no limit.
	MaxConcurrency int
	// Memory limits the memory for buffers, in bytes; 0 is 128 MiB, and 4 MiB is the minimum.
	Memory int64
	// StateDir holds the records of unfinished transfers; empty is $HAUL_STATE_DIR, or else haul in $XDG_STATE_HOME or
	// ~/.local/state (on Windows in %LocalAppData%).
	StateDir string
	// SpoolDir holds the parts of a huge stream that are too large for Memory; empty is os.TempDir.
	SpoolDir string
	// Patience is how long a transfer keeps retrying without any progress; 0 is 5 minutes.
	Patience time.Duration
	// MaxTries limits the tries of one request that makes no progress; 0 is no limit but Patience.
	MaxTries int
	// Bandwidth limits total traffic, uploads plus downloads, in bytes of object data per second; 0 is no limit, and 64 KiB
	// is the minimum.
	Bandwidth int64
	// Observe is called with each Event, one at a time, from any goroutine. It must return quickly, and must not start a
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

// Client moves objects between one store and this machine. It may be used from many goroutines, which share its connections
// and its memory limit. A lane, in the names below, is a connection: it carries one part, or one small object, at a time.
type Client struct {
	// set by New
	store    store.Store
	opts     Options // with what is chosen for those that were not set
	asked    Options
	identity string // of the store, for the records of unfinished transfers

	dispatch *dispatch.Dispatcher

	memory     *budget.Budget
	ahead      *semaphore.Weighted // bytes of memory that downloads to streams may hold
	spools     *semaphore.Weighted // temporary files for parts of uploads from streams
	meter      *meter.Meter
	active     activeSet
	summer     *evidence.Summer
	etags      evidence.Learned
	watch      watch
	lookedTags atomic.Bool // it was checked whether the store keeps tags of multipart uploads
	observing  sync.Mutex  // one event at a time
	saidLimits sync.Map    // by store.Limits: limits the user was shown
	swept      sync.Once   // what dead streams and copies left was searched for
	// late reports whether trailing checksums of parts work.
	late trial
	// noCuts: the store lost a part of which an earlier try was cut.
	noCuts atomic.Bool
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
	m := meter.New()
	c := &Client{
		store: s, opts: o, asked: asked, identity: store.Identity(s),
		dispatch: dispatch.New(dispatch.Config{
			Concurrency: o.Concurrency, MaxConcurrency: o.MaxConcurrency, Bandwidth: o.Bandwidth, Patience: o.Patience, MaxTries: o.MaxTries, Meter: m,
		}),
		memory: budget.New(o.Memory),
		meter:  m,
		ahead:  semaphore.NewWeighted(o.Memory / 2),
		spools: semaphore.NewWeighted(maxSpools),
	}
	c.summer = evidence.NewSummer(c.memory, nil)
	return c
}

// Options returns the options that the Client was made with, as they were given to New.
func (c *Client) Options() Options { return c.asked }

// Uploads lists open uploads of keys that begin with prefix. An interrupted listing is retried, and yields no upload twice;
// an error that is yielded ends it.
func (c *Client) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return c.Store().Uploads(ctx, bucket, prefix)
}

// alive is called when a transfer begins, and the function that it returns when that ends.
func (c *Client) alive() func() {
	c.watch.begin()
	ended := c.dispatch.Alive()
	return func() {
		c.watch.end()
		ended()
	}
}

// spawn waits for a buffer of size bytes and for a lane, then runs f with them in a goroutine of g.
func (c *Client) spawn(ctx context.Context, g *errgroup.Group, size int64, f func(buf []byte) error) error {
	lease, err := c.memory.Take(ctx, min(c.dispatch.Buffer(), max(size, dispatch.LeastBuffer)))
	if err != nil {
		return err
	}
	if err := c.dispatch.Enter(ctx, size); err != nil {
		lease.Release()
		return err
	}
	g.Go(func() error {
		defer lease.Release()
		defer c.dispatch.Leave(size)
		return f(lease.Bytes())
	})
	return nil
}

// trial lets one caller at a time try what may fail, until one try has succeeded.
type trial struct{ state atomic.Int32 }

const (
	untried int32 = iota
	trying
	works
)

// enter reports whether the caller may try; then leave must be called.
func (t *trial) enter() bool {
	return t.state.Load() == works || t.state.CompareAndSwap(untried, trying)
}

// leave ends a try.
func (t *trial) leave(ok bool) {
	if ok {
		t.state.Store(works)
		return
	}
	t.state.CompareAndSwap(trying, untried)
}
