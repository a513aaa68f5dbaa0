package haul

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"haul.example/haul/internal/dispatch"
	"haul.example/haul/internal/journal"
	"haul.example/haul/store"
)

// Uploads that would be left in the store without anybody knowing of them:
//
//   - One whose ID was never received: the answer to Create was lost, or the process was killed before it had recorded the ID. A
//     record says beforehand that one is about to be opened, and since when; the run that finds it aborts the open uploads of the
//     key that are not older, hold no part, and are in no record here.
//   - One of a stream or of a copy whose process was killed. It cannot be resumed; its record says what to abort.
//
// Not possible: to distinguish an upload whose ID was never received from one of the same key that another machine has
// opened since, and has not sent a part of yet. That one is aborted too, and the other machine starts it over.

const (
	// openGrace is how long the answer to a request that opens an upload is waited for after the transfer has ended.
	openGrace = 10 * time.Second
	// clockSkew is how far the clocks of store and machine may be apart: a store refuses requests beyond that
	// (RequestTimeTooSkewed).
	clockSkew = 15 * time.Minute
)

// outlast returns a context that ends some time after ctx does.
func outlast(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if dispatch.Pause(out, grace) == nil {
			cancel(context.Cause(ctx))
		}
	})
	return out, func() {
		stop()
		cancel(nil)
	}
}

// sweepLost aborts the uploads that were opened but whose ID was never received.
func (a *multipart) sweepLost(ctx context.Context) {
	if a.lostSince.IsZero() || ctx.Err() != nil { // then a later run does it
		return
	}
	ctx, cancel := cleanup(ctx)
	defer cancel()
	n, err := a.sweep(ctx)
	if n > 0 {
		a.Note(fmt.Sprintf("aborted %d empty unfinished upload(s) of %s, opened by requests whose responses were lost", n, a.up.Ref))
	}
	if err != nil {
		a.Note(fmt.Sprintf("an empty unfinished upload of %s may remain in the store: %v", a.up.Ref, err))
		return
	}
	a.lostSince = time.Time{}
}

// sweep aborts the open uploads of the key that may have been opened since, and are in no record; it returns their number.
func (a *multipart) sweep(ctx context.Context) (n int, err error) {
	found, err := a.openUploads(ctx)
	if err != nil {
		return 0, err
	}
	known := a.c.recordedUploads()
	for _, open := range found {
		if open.ID == a.up.ID || known[open.ID] || open.Started.Before(a.lostSince.Add(-clockSkew)) {
			continue
		}
		parts, err := a.stored(ctx, open)
		if errors.Is(err, store.NoUpload) || err == nil && len(parts) > 0 {
			continue
		}
		if err == nil {
			err = a.do(ctx, func(ctx context.Context) error { return a.c.store.Abort(ctx, open, &a.o.attrs) })
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// recordedUploads returns the IDs in the records on this machine.
func (c *Client) recordedUploads() map[string]bool {
	ids := map[string]bool{}
	dir, err := journal.Dir(c.opts.StateDir)
	if err != nil {
		return ids
	}
	for r, err := range journal.List[record](dir) {
		if err == nil {
			ids[r.UploadID] = true
		}
	}
	return ids
}

// remember keeps a record of an upload that cannot be resumed, so that a later run aborts it if this one is killed. Its
// write records the upload, and its end forgets it. What an earlier run of the same transfer left is aborted first.
func (a *multipart) remember(ctx context.Context, kind direction) *leftover {
	l := &leftover{multipart: a, kind: kind}
	dir, err := journal.Dir(a.c.opts.StateDir)
	if err != nil {
		return l
	}
	name := a.recordName(kind, "", a.up.Ref)
	if l.log, err = journal.Open[record, entry](dir, name); err != nil {
		return l // the record only helps; it is not required
	}
	if earlier, ok := l.log.Header(); ok && !l.drop(ctx, earlier) {
		l.log.Close() // it stays as it is
		l.log = nil
	}
	return l
}

// leftover is the record of an upload that cannot be resumed.
type leftover struct {
	*multipart
	kind direction
	log  *recordLog
}

// write records the current state.
func (l *leftover) write() {
	if l.log == nil {
		return
	}
	host, err := os.Hostname()
	if err == nil {
		err = l.log.Begin(record{
			Format: recordVersion,
			Kind:   l.kind, Identity: l.c.identity, Ref: l.up.Ref, Began: time.Now(), Choices: choices{Attrs: l.o.attrs},
			UploadID: l.up.ID, Scheme: l.up.Scheme, LostSince: l.lostSince, Host: host, PID: os.Getpid(),
		})
	}
	if err != nil {
		l.forget(l.log)
		l.log = nil
	}
}

// end forgets the record, unless something is left that it names.
func (l *leftover) end(ctx context.Context, err error) {
	l.sweepLost(ctx)
	if l.log == nil {
		return
	}
	if left := new(IncompleteUploadError); errors.As(err, &left) || !l.lostSince.IsZero() {
		l.log.Close()
		return
	}
	l.forget(l.log)
}

// drop aborts what the record of a dead run names; it returns false if that could not be done.
func (l *leftover) drop(ctx context.Context, earlier record) bool {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	dead := &multipart{transfer: l.transfer, up: store.Upload{Ref: earlier.Ref}, lostSince: earlier.LostSince}
	dead.sweepLost(ctx)
	if earlier.UploadID == "" {
		return dead.lostSince.IsZero()
	}
	old := store.Upload{Ref: earlier.Ref, ID: earlier.UploadID, Scheme: earlier.Scheme}
	err := l.do(ctx, func(ctx context.Context) error { return l.c.store.Abort(ctx, old, &earlier.Choices.Attrs) })
	if err != nil {
		l.Note(fmt.Sprintf("a %s to %s was killed, and its unfinished upload with the ID %s remains in the store: %v", earlier.Kind, old.Ref, old.ID, err))
		return errors.Is(err, store.NoBucket)
	}
	l.Note(fmt.Sprintf("aborted the unfinished upload of a %s to %s that was killed", earlier.Kind, old.Ref))
	return true
}

// sweepDead aborts, once for each Client, what is left of streams and copies whose processes were killed on this machine.
func (c *Client) sweepDead(ctx context.Context, t *transfer) {
	c.swept.Do(func() {
		dir, err := journal.Dir(c.opts.StateDir)
		if err != nil {
			return
		}
		for r, err := range journal.List[record](dir) {
			if err != nil || r.Identity != c.identity || r.Kind != streamed && r.Kind != copied || !isDead(r) {
				continue
			}
			a := &multipart{transfer: t, up: store.Upload{Ref: r.Ref}}
			a.remember(ctx, r.Kind).end(ctx, nil)
		}
	})
}

// isDead reports whether the process that wrote a record no longer runs. A lock shows that as well, but not on every file
// system.
func isDead(r record) bool {
	host, err := os.Hostname()
	if err != nil || r.Host != host {
		return false
	}
	if r.PID == os.Getpid() {
		return true // then a lock is good enough
	}
	p, err := os.FindProcess(r.PID)
	if err != nil {
		return true
	}
	return runtime.GOOS != "windows" && errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
