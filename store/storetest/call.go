package storetest

import (
	"context"
	"errors"
	"io"
	"time"

	"haul.example/haul/store"
)

// Op is an operation of a store, in S3's words.
type Op string

// The operations, named as package store names the calls.
const (
	Get      Op = "GetObject"
	Head     Op = "HeadObject"
	Layout   Op = "GetObjectAttributes"
	Put      Op = "PutObject"
	Create   Op = "CreateMultipartUpload"
	PutPart  Op = "UploadPart"
	Parts    Op = "ListParts"
	Complete Op = "CompleteMultipartUpload"
	Abort    Op = "AbortMultipartUpload"
	Uploads  Op = "ListMultipartUploads"
	Copy     Op = "CopyObject"
	CopyPart Op = "UploadPartCopy"
	Tags     Op = "GetObjectTagging"
	List     Op = "ListObjectsV2" // a page of a listing
	Delete   Op = "DeleteObject"  // also of one object among many
	// DeleteMany is the request for many; a fault of Delete may hit each of them.
	DeleteMany Op = "DeleteObjects"

	ListBuckets  Op = "ListBuckets" // a page of it
	HeadBucket   Op = "HeadBucket"
	CreateBucket Op = "CreateBucket"
	DeleteBucket Op = "DeleteBucket"
	SetWebsite   Op = "PutBucketWebsite"
)

// Location is an operation that only a Server has.
const Location Op = "GetBucketLocation"

// Any stands for every operation, in faults.
const Any Op = "any operation"

// target is what a call is about, as far as faults care.
type target struct {
	ref  store.Ref
	part int         // 0 if there is none
	rng  store.Range // of a Get or CopyPart
}

// call is one running call of a store or server: it counts, and triggers the fault that was chosen for it.
type call struct {
	script *script
	count  func(Op, Count)
	done   <-chan struct{} // closed when the caller's context ends
	ended  func() error    // why it did, or nil
	op     Op
	on     target
	rule   rule
	fault  *Fault // whose rule it is; nil for none, and for a random one

	tripped bool // the rule has been applied
	fired   bool
}

func newCall(ctx context.Context, s *script, count func(Op, Count), op Op, on target) *call {
	return &call{script: s, count: count, done: ctx.Done(), ended: func() error { return endOf(ctx) }, op: op, on: on}
}

// endOf returns the error of a context that is done, its cause included.
func endOf(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = errors.Join(err, cause)
	}
	return err
}

// begin counts the call, chooses its fault, and triggers it at once unless it is for later in the payload. The caller must
// end the call, also if begin returns an error.
func (m *Memory) begin(ctx context.Context, op Op, on target) (*call, error) {
	c := newCall(ctx, &m.script, m.count, op, on)
	return c, c.begin()
}

func (c *call) begin() error {
	c.count(c.op, Count{Calls: 1})
	if err := c.alive(); err != nil {
		return err
	}
	c.fault, c.rule = c.script.choose(c.op, c.on)
	if c.rule.after == 0 || !c.payload() {
		return c.trip()
	}
	return nil
}

// payload reports whether bytes of an object move in the call.
func (c *call) payload() bool { return c.op == Get || c.op == Put || c.op == PutPart }

// alive returns an error if the caller's context is done.
func (c *call) alive() error {
	if err := c.ended(); err != nil {
		return &store.Error{Kind: store.Unknown, Op: string(c.op), Ref: c.on.ref, Err: err}
	}
	return nil
}

// trip applies what the rule has for this moment.
func (c *call) trip() error {
	if c.tripped {
		return nil
	}
	c.tripped = true
	r := c.rule
	if r.hook == nil && r.slow == 0 && r.stall == nil && r.err == nil {
		return nil
	}
	c.fire()
	if r.hook != nil {
		r.hook()
	}
	if r.slow > 0 {
		timer := time.NewTimer(r.slow)
		defer timer.Stop()
		select {
		case <-c.done:
			return c.alive()
		case <-timer.C:
		}
	}
	if r.stall != nil {
		select {
		case <-c.done:
			return c.alive()
		case <-r.stall:
		}
	}
	if r.err == nil {
		return nil
	}
	return c.say(r.err)
}

// say turns the error of a rule into what a store would return.
func (c *call) say(err error) error {
	if k, ok := err.(store.Kind); ok {
		return refuse(c.op, c.on.ref, k, "fault of the test")
	}
	if e, ok := err.(*store.Error); ok {
		full := *e
		if full.Op == "" {
			full.Op, full.Ref = string(c.op), c.on.ref
		}
		return &full
	}
	return err
}

// fire records that the rule did something.
func (c *call) fire() {
	if c.fired || c.fault == nil {
		return
	}
	c.fired = true
	c.script.mu.Lock()
	defer c.script.mu.Unlock()
	c.fault.held--
	c.fault.fired++
}

// end is deferred by every operation: it returns a rule that did nothing, and loses the answer if the rule says so.
func (c *call) end(err *error) {
	if *err == nil && c.rule.late != nil {
		c.fire()
		*err = c.say(c.rule.late)
	}
	if !c.fired && c.fault != nil {
		c.script.mu.Lock()
		defer c.script.mu.Unlock()
		c.fault.held--
		c.fault = nil
	}
}

// receive returns the payload as it arrives at the store.
func (c *call) receive(r *io.SectionReader) io.Reader {
	return &tap{c: c, r: io.NewSectionReader(r, 0, r.Size()), size: r.Size(), in: true}
}

// tap is a payload in transit, in or out.
type tap struct {
	c    *call
	r    io.Reader
	size int64
	in   bool
	n    int64
	err  error
}

// Read returns the bytes as the rule lets them through.
func (t *tap) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := t.read(p)
	t.n += int64(n)
	t.err = err
	if t.in {
		t.c.count(t.c.op, Count{In: int64(n)})
	} else {
		t.c.count(t.c.op, Count{Out: int64(n)})
	}
	return n, err
}

func (t *tap) read(p []byte) (int, error) {
	c, r := t.c, t.c.rule
	if err := c.alive(); err != nil {
		return 0, err
	}
	if t.n >= r.after {
		if err := c.trip(); err != nil {
			return 0, err
		}
	} else {
		p = p[:min(int64(len(p)), r.after-t.n)]
	}
	if r.truncate {
		if left := r.length - t.n; left < int64(len(p)) {
			p = p[:max(0, left)]
		}
		if len(p) == 0 && t.n < t.size {
			return 0, t.cut()
		}
	}
	n, err := t.r.Read(p)
	if r.corrupt && r.after >= t.n && r.after < t.n+int64(n) {
		c.fire()
		p[r.after-t.n] ^= 0x20
	}
	if err == io.EOF && t.n+int64(n) < t.size {
		err = c.lost(io.ErrUnexpectedEOF)
	}
	return n, err
}

// cut ends the payload early.
func (t *tap) cut() error {
	t.c.fire()
	if t.in {
		return io.EOF // the store takes it as the end
	}
	return io.ErrUnexpectedEOF
}

// lost returns the error of a payload that did not arrive completely.
func (c *call) lost(err error) error {
	return &store.Error{Kind: store.Network, Op: string(c.op), Ref: c.on.ref, Err: err}
}
