// Package storetest provides what a test needs in place of a real store: Memory, the reference model of a store, with
// faults that read like a sentence; and Run, the conformance suite that every store must pass. Package s3server is an S3
// endpoint on a Memory; Script, Call and some methods of Memory exist for it.
//
//	m := storetest.New(storetest.For(t), storetest.Limits(store.Limits{MinPart: 4, MaxParts: 10}))
//	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "x"}, []byte("…"))
//	m.Fault(storetest.PutPart).Part(3).After(1024).Error(store.Network).Times(2)
//
// A Memory does what the comments of package store promise, and no more: if a store may leave something out, such as the
// sums of a range, it does. It does no input or output and has no clock but package time, so it may run in a bubble of
// testing/synctest. It does not authenticate callers, and it holds all bytes in memory unless they are to be Discarded, or
// are Generated.
package storetest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Bucket is the bucket that a new Memory has.
const Bucket = "bucket"

// Checksums says how a Memory treats checksums.
type Checksums int

// The kinds of store that exist in the field.
const (
	// AllChecksums is Amazon S3: every algorithm, full object or composite as S3 has it, a CRC64NVME of its own if none was
	// sent, and MD5s as ETags, which is known (store.Object.MD5ETag).
	AllChecksums Checksums = iota
	// CompositeChecksums supports CRC32C, CRC32, SHA256, SHA1 and Content-MD5, and sums objects in parts only part by part.
	CompositeChecksums
	// MD5Checksums supports Content-MD5 and MD5s as ETags, and nothing else.
	MD5Checksums
	// NoChecksums checks nothing, and its ETags are not MD5s.
	NoChecksums
	// IgnoredChecksums accepts every checksum, checks none but Content-MD5, and returns none. Its ETags are MD5s.
	IgnoredChecksums
	// OddETags is MD5Checksums with ETags that look like MD5s but are not.
	OddETags
)

// Memory is a store in memory. New makes one.
type Memory struct {
	// immutable after New
	tb            testing.TB
	discard       bool
	requesterPays bool
	noLayout      bool
	completeTwice bool
	deletesSingly bool
	listPage      int

	mu      sync.Mutex
	limits  store.Limits
	checks  Checksums
	buckets map[string]*bucket
	// versioned keeps every version of an object.
	versioned bool
	ids       int
	counts    Counts

	script Script
}

type bucket struct {
	made    time.Time
	region  string
	tags    map[string]string
	website store.Website
	objects map[string][]*object // by key, the newest last
	sorted  []string             // the keys of objects; nil if they have changed
	uploads map[string]*upload   // open ones, by ID
	done    map[string]store.Object
}

var _ store.Store = (*Memory)(nil)

// Option is an option of New.
type Option func(*Memory)

// For makes a Memory fail tb at its end if a fault did not fire, and at once if a helper is misused.
func For(tb testing.TB) Option { return func(m *Memory) { m.tb = tb } }

// Limits sets what the store allows, in place of Amazon S3's limits.
func Limits(l store.Limits) Option { return func(m *Memory) { m.limits = l } }

// Takes sets which checksums the store supports, in place of AllChecksums.
func Takes(c Checksums) Option { return func(m *Memory) { m.checks = c } }

// Discard makes the store sum what arrives and discard it; ETags are then not MD5s, and a Get has no bytes to return.
func Discard() Option { return func(m *Memory) { m.discard = true } }

// Versioned makes the store keep every version of an object, and name it in Object.Version.
func Versioned() Option { return func(m *Memory) { m.versioned = true } }

// RequesterPays makes the store deny requests that do not agree to pay.
func RequesterPays() Option { return func(m *Memory) { m.requesterPays = true } }

// NoLayout makes the store not know the parts in which objects were uploaded.
func NoLayout() Option { return func(m *Memory) { m.noLayout = true } }

// CompleteTwice makes a second Complete of an upload answer like the first, as Amazon S3 and versitygw do; without it the
// upload is gone, as on MinIO.
func CompleteTwice() Option { return func(m *Memory) { m.completeTwice = true } }

// DeletesSingly makes the store not support DeleteMany.
func DeletesSingly() Option { return func(m *Memory) { m.deletesSingly = true } }

// ListPage sets how many objects a page of List has at most, in place of 1000.
func ListPage(n int) Option { return func(m *Memory) { m.listPage = n } }

// Buckets names the buckets that the store has, in place of Bucket.
func Buckets(names ...string) Option {
	return func(m *Memory) {
		m.buckets = map[string]*bucket{}
		for _, n := range names {
			m.buckets[n] = newBucket()
		}
	}
}

// New returns a Memory.
func New(opts ...Option) *Memory {
	m := &Memory{
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
		limits: store.Limits{
			MaxParts: 10000, MinPart: 5 << 20, MaxPart: 5 << 30, MaxPut: 5 << 30, MaxCopy: 5 << 30, MaxObject: 5 << 30 * 10000,
		},
		buckets:  map[string]*bucket{Bucket: newBucket()},
		counts:   Counts{},
		listPage: 1000,
	}
	for _, o := range opts {
		o(m)
	}
	if m.tb != nil {
		m.tb.Cleanup(func() { m.FaultsFired(m.tb) })
	}
	return m
}

func newBucket() *bucket {
	return &bucket{made: modified(), objects: map[string][]*object{}, uploads: map[string]*upload{}, done: map[string]store.Object{}}
}

// SetChecksums changes which checksums the store supports from now on; open uploads keep theirs.
func (m *Memory) SetChecksums(c Checksums) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checks = c
}

// CreateBucket creates a bucket if there is none of that name.
func (m *Memory) CreateBucket(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.makeBucket(name)
}

// HasBucket reports whether the store has that bucket.
func (m *Memory) HasBucket(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buckets[name] != nil
}

func (m *Memory) makeBucket(name string) *bucket {
	b := m.buckets[name]
	if b == nil {
		b = newBucket()
		m.buckets[name] = b
	}
	return b
}

// Open is an upload that is open, with the parts that the store holds of it.
type Open struct {
	store.Upload
	Parts []store.Part // in order of Number
}

// OpenUploads returns all open uploads, in order of key and age.
func (m *Memory) OpenUploads() []Open {
	m.mu.Lock()
	defer m.mu.Unlock()
	var open []Open
	for _, name := range slices.Sorted(maps.Keys(m.buckets)) {
		for _, u := range m.buckets[name].open("") {
			open = append(open, Open{Upload: u.info, Parts: u.list()})
		}
	}
	return open
}

// Count is what was asked of a store in one operation.
type Count struct {
	Calls   int
	In, Out int64 // payload bytes that the store read and returned
}

// Counts are those of all operations.
type Counts map[Op]Count

// In returns the sum of payload bytes that the store read.
func (c Counts) In() (n int64) {
	for _, x := range c {
		n += x.In
	}
	return n
}

// Out returns the sum of payload bytes that the store returned.
func (c Counts) Out() (n int64) {
	for _, x := range c {
		n += x.Out
	}
	return n
}

// Counts returns what was asked of the store so far; faults count too.
func (m *Memory) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts)
}

func (m *Memory) count(op Op, x Count) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Add(op, x)
}

// Add adds to the counts of an operation.
func (c Counts) Add(op Op, x Count) {
	was := c[op]
	c[op] = Count{Calls: was.Calls + x.Calls, In: was.In + x.In, Out: was.Out + x.Out}
}

// id returns an unused name; m.mu is held.
func (m *Memory) id(prefix string) string {
	m.ids++
	return fmt.Sprintf("%s-%06d", prefix, m.ids)
}

// fatal ends the test, or if there is none, the program: a helper was misused.
func (m *Memory) fatal(format string, args ...any) {
	if m.tb == nil {
		panic("storetest: internal error: " + fmt.Sprintf(format, args...))
	}
	m.tb.Helper()
	m.tb.Fatalf("storetest: "+format, args...)
}

// modified returns the current time as in HTTP, in whole seconds.
func modified() time.Time { return time.Now().UTC().Truncate(time.Second) }

// Limits returns those set by New, for every bucket.
func (m *Memory) Limits(string) store.Limits {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.limits
}

// Scheme returns want if the store supports it, and else what comes closest.
func (m *Memory) Scheme(_ string, want checksum.Algorithm) checksum.Scheme {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.checks.Agree(checksum.Scheme{Algorithm: want})
	if s.Algorithm != checksum.None {
		s.Kind = checksum.FullObject
	}
	return s
}
