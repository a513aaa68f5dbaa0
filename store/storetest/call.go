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

	ListAnnotations Op = "ListObjectAnnotations"
	GetAnnotation   Op = "GetObjectAnnotation"
	PutAnnotation   Op = "PutObjectAnnotation"

	List   Op = "ListObjectsV2" // a page of a listing
	Delete Op = "DeleteObject"  // also of one object among many
	// DeleteMany is the request for many; a fault of Delete may hit each of them.
	DeleteMany Op = "DeleteObjects"

	ListBuckets  Op = "ListBuckets" // a page of it
	HeadBucket   Op = "HeadBucket"
	CreateBucket Op = "CreateBucket"
	DeleteBucket Op = "DeleteBucket"
	SetWebsite   Op = "PutBucketWebsite"

	Versions      Op = "ListObjectVersions" // a page of it
	GetVersioning Op = "GetBucketVersioning"
	SetVersioning Op = "PutBucketVersioning"
)

// Location is an operation that only a Server has.
const Location Op = "GetBucketLocation"

// Any stands for every operation, in faults.
const Any Op = "any operation"

// Target is what a call is about, as far as faults care.
type Target struct {
	Ref   store.Ref
	Part  int         // 0 if there is none
	Range store.Range // of a Get or CopyPart
}

// Call is one running call of a store or server: it counts, and triggers the fault that was chosen for it.
type Call struct {
	Op Op
	On Target

	script *Script
	count  func(Op, Count)
	done   <-chan struct{} // closed when the caller's context ends
	ended  func() error    // why it did, or nil
	rule   rule
	fault  *Fault // whose rule it is; nil for none, and for a random one

	tripped bool // the rule has been applied
	fired   bool
}

// Call returns a call that has not begun; count is called with what the call moves.
func (s *Script) Call(ctx context.Context, count func(Op, Count), op Op, on Target) *Call {
	return &Call{script: s, count: count, done: ctx.Done(), ended: func() error { return endOf(ctx) }, Op: op, On: on}
}

// endOf returns the error of a context that is done, its cause included.
func endOf(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = errors.Join(err, cause)
	}
	return err
}

// begin begins a call of the store. The caller must end it, also if begin returns an error.
func (m *Memory) begin(ctx context.Context, op Op, on Target) (*Call, error) {
	c := m.script.Call(ctx, m.count, op, on)
	return c, c.Begin()
}

// Begin counts the call, chooses its fault, and triggers it at once unless it is for later in the payload.
func (c *Call) Begin() error {
	c.count(c.Op, Count{Calls: 1})
	if err := c.alive(); err != nil {
		return err
	}
	c.fault, c.rule = c.script.choose(c.Op, c.On)
	if c.rule.after == 0 || !c.payload() {
		return c.trip()
	}
	return nil
}

// payload reports whether bytes of an object move in the call.
func (c *Call) payload() bool { return c.Op == Get || c.Op == Put || c.Op == PutPart }

// alive returns an error if the caller's context is done.
func (c *Call) alive() error {
	if err := c.ended(); err != nil {
		return &store.Error{Kind: store.Unknown, Op: string(c.Op), Ref: c.On.Ref, Err: err}
	}
	return nil
}

// trip applies what the rule has for this moment.
func (c *Call) trip() error {
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
func (c *Call) say(err error) error {
	if k, ok := err.(store.Kind); ok {
		return Refuse(c.Op, c.On.Ref, k, "fault of the test")
	}
	if e, ok := err.(*store.Error); ok {
		full := *e
		if full.Op == "" {
			full.Op, full.Ref = string(c.Op), c.On.Ref
		}
		return &full
	}
	return err
}

// fire records that the rule did something.
func (c *Call) fire() {
	if c.fired || c.fault == nil {
		return
	}
	c.fired = true
	c.script.mu.Lock()
	defer c.script.mu.Unlock()
	c.fault.held--
	c.fault.fired++
}

// LosesAnswer reports whether the fault is to happen after all was done. A server asks before it answers; a Memory leaves
// that to end.
func (c *Call) LosesAnswer() bool { return c.rule.late != nil }

// LoseAnswer returns the error that takes the place of an answer.
func (c *Call) LoseAnswer() error {
	c.fire()
	return c.say(c.rule.late)
}

// In200 reports whether an error is to come in an answer of status 200.
func (c *Call) In200() bool { return c.rule.in200 }

// End ends a call of a server, whose answer is on its way: it returns a rule that did nothing.
func (c *Call) End() {
	c.rule.late = nil
	var none error
	c.end(&none)
}

// Payload returns r, of that size, as the fault lets it through: to the store (in), or to the client.
func (c *Call) Payload(r io.Reader, size int64, in bool) io.Reader {
	return &tap{c: c, r: r, size: size, in: in}
}

// end is deferred by every operation: it returns a rule that did nothing, and loses the answer if the rule says so.
func (c *Call) end(err *error) {
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
func (c *Call) receive(r *io.SectionReader) io.Reader {
	return c.Payload(io.NewSectionReader(r, 0, r.Size()), r.Size(), true)
}

// tap is a payload in transit, in or out.
type tap struct {
	c    *Call
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
		t.c.count(t.c.Op, Count{In: int64(n)})
	} else {
		t.c.count(t.c.Op, Count{Out: int64(n)})
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
		err = c.Lost(io.ErrUnexpectedEOF)
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

// Lost returns the error of a payload that did not arrive completely.
func (c *Call) Lost(err error) error {
	return &store.Error{Kind: store.Network, Op: string(c.Op), Ref: c.On.Ref, Err: err}
}
