package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"haul.example/haul/store"
)

// Fault is something that goes wrong, once unless it says otherwise. It is made by Memory.Fault and configured by its other
// methods before the calls that it is meant for begin. It reads like a sentence:
//
//	m.Fault(storetest.PutPart).Part(3).After(1024).Error(store.Network).Times(2)
//	m.Fault(storetest.Complete).LoseAnswer()
//	m.Fault(storetest.Get).Offset(4096).CorruptByte()
//
// If several faults match a call, the one that was made first happens. A fault that does not happen as often as it says
// fails the test.
type Fault struct {
	script *Script

	// guarded by script.mu
	match matcher
	rule  rule
	times int // 0 is always
	seen  int // calls that matched
	held  int // running calls to which the fault may yet happen
	fired int
}

// matcher says which calls a fault is for.
type matcher struct {
	op     Op
	part   int
	key    string
	keyed  bool
	offset int64
	at     bool
	nth    int
}

// rule says what happens to a call. The zero rule does nothing.
type rule struct {
	after    int64 // payload bytes
	hook     func()
	slow     time.Duration
	stall    chan struct{} // closed to release
	err      error         // before the effect
	late     error         // after it
	in200    bool
	corrupt  bool
	truncate bool
	length   int64 // of the truncated payload
}

// Script holds the faults that a store is to have, or a server in front of one.
type Script struct {
	mu     sync.Mutex
	faults []*Fault
	random *random
}

// Fault makes a call of op go wrong, in the way that the methods of the result say.
func (m *Memory) Fault(op Op) *Fault { return m.script.Fault(op) }

// Fault makes a call of op go wrong, as Memory.Fault does.
func (s *Script) Fault(op Op) *Fault {
	f := &Fault{script: s, match: matcher{op: op}, times: 1}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return f
}

func (f *Fault) set(change func()) *Fault {
	f.script.mu.Lock()
	defer f.script.mu.Unlock()
	change()
	return f
}

// Part restricts the fault to calls about the part of that number.
func (f *Fault) Part(number int) *Fault { return f.set(func() { f.match.part = number }) }

// Key restricts the fault to calls about that key; for Uploads, about that prefix.
func (f *Fault) Key(key string) *Fault {
	return f.set(func() { f.match.key, f.match.keyed = key, true })
}

// Offset restricts the fault to calls whose range begins at that byte of the object; a Get of the whole begins at 0.
func (f *Fault) Offset(off int64) *Fault {
	return f.set(func() { f.match.offset, f.match.at = off, true })
}

// Nth makes the fault wait for the nth call, counted from 1, of those that it matches.
func (f *Fault) Nth(n int) *Fault { return f.set(func() { f.match.nth = n }) }

// Times makes the fault happen n times, to consecutive calls.
func (f *Fault) Times(n int) *Fault { return f.set(func() { f.times = n }) }

// Always makes the fault happen to every call that it matches, but at least once.
func (f *Fault) Always() *Fault { return f.set(func() { f.times = 0 }) }

// After makes the fault happen when n bytes of payload have moved. It counts for Get, Put and PutPart.
func (f *Fault) After(n int64) *Fault { return f.set(func() { f.rule.after = n }) }

// Error makes the call end with err, a store.Kind, a *store.Error or any other, and without effect.
func (f *Fault) Error(err error) *Fault { return f.set(func() { f.rule.err = err }) }

// LateError makes the store do all that it was asked, and the call end with err all the same.
func (f *Fault) LateError(err error) *Fault { return f.set(func() { f.rule.late = err }) }

// LoseAnswer makes the store do all that it was asked, and the answer be lost on the network.
func (f *Fault) LoseAnswer() *Fault { return f.LateError(store.Network) }

// In200 wraps the error into an answer of status 200, as S3 does if Complete or a copy fails late. It is for
// a server.
func (f *Fault) In200() *Fault { return f.set(func() { f.rule.in200 = true }) }

// Throttle makes the store ask to slow down, and to come back after that time if it is not 0.
func (f *Fault) Throttle(retryAfter time.Duration) *Fault {
	return f.Error(&store.Error{
		Kind: store.Throttled, Status: 503, Code: "SlowDown", Message: "Please reduce your request rate.", RetryAfter: retryAfter,
	})
}

// CorruptByte changes one byte of the payload, the first or the one at After: on upload the store gets the wrong byte, on
// download the caller does.
func (f *Fault) CorruptByte() *Fault { return f.set(func() { f.rule.corrupt = true }) }

// Truncate ends the payload after n bytes. On download, the caller reads an unexpected end. On upload, the store takes what
// came as all there was: a checksum lets it refuse, else it keeps a short part.
func (f *Fault) Truncate(n int64) *Fault {
	return f.set(func() { f.rule.truncate, f.rule.length = true, n })
}

// Stall makes the call hang until its context ends, or until Release.
func (f *Fault) Stall() *Fault { return f.set(func() { f.rule.stall = make(chan struct{}) }) }

// Release lets all calls continue that the fault stalled, and those that it would stall.
func (f *Fault) Release() { f.set(func() { close(f.rule.stall) }) }

// Slow makes the call take that much longer.
func (f *Fault) Slow(d time.Duration) *Fault { return f.set(func() { f.rule.slow = d }) }

// Hook runs code of the test at that moment, before anything else that the fault does. It may call the Memory.
func (f *Fault) Hook(run func()) *Fault { return f.set(func() { f.rule.hook = run }) }

// Fired returns how often the fault happened so far.
func (f *Fault) Fired() int {
	f.script.mu.Lock()
	defer f.script.mu.Unlock()
	return f.fired
}

// String returns the fault roughly as the test wrote it.
func (f *Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fault on %s", f.match.op)
	if f.match.part != 0 {
		fmt.Fprintf(&b, ", part %d", f.match.part)
	}
	if f.match.keyed {
		fmt.Fprintf(&b, ", key %q", f.match.key)
	}
	if f.match.at {
		fmt.Fprintf(&b, ", offset %d", f.match.offset)
	}
	if f.match.nth != 0 {
		fmt.Fprintf(&b, ", call %d", f.match.nth)
	}
	if f.rule.after != 0 {
		fmt.Fprintf(&b, ", after %d bytes", f.rule.after)
	}
	return b.String()
}

// FaultsFired fails the test if a fault did not happen, or not as often as it says. For calls it at the end of a test.
func (m *Memory) FaultsFired(tb testing.TB) {
	tb.Helper()
	m.script.Fired(tb)
}

// Fired fails the test if a fault did not happen, or not as often as it says.
func (s *Script) Fired(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if want := max(f.times, 1); f.fired < want {
			tb.Errorf("storetest: %s fired %d of %d times", f, f.fired, want)
		}
	}
}

// choose returns the first fault that matches this call, or a random rule, or nothing.
func (s *Script) choose(op Op, on Target) (*Fault, rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var chosen *Fault
	for _, f := range s.faults {
		if !f.match.fits(op, on) {
			continue
		}
		f.seen++
		live := f.times == 0 || f.fired+f.held < f.times
		if chosen == nil && live && f.seen >= f.match.nth {
			chosen = f
		}
	}
	switch {
	case chosen != nil:
		chosen.held++
		return chosen, chosen.rule
	case s.random != nil:
		return nil, s.random.rule(op, on)
	}
	return nil, rule{}
}

// fits reports whether the fault is for such a call.
func (w matcher) fits(op Op, on Target) bool {
	return (w.op == op || w.op == Any) &&
		(w.part == 0 || w.part == on.Part) &&
		(!w.keyed || w.key == on.Ref.Key) &&
		(!w.at || w.offset == on.Range.Offset)
}
