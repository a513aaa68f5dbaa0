package haul

import (
	"context"
	"errors"
	"fmt"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

// maxRestarts is how often one upload may be started over: once for an upload of an earlier run, once for one that was
// gone, and a few times for a store whose limits show up one after the other.
const maxRestarts = 4

// refusedForGood reports a refusal that the same request, sent again for the same upload, would meet again, whoever sends
// it. Other permissions, other credentials, more space or more time do not help.
func refusedForGood(err error) bool {
	var e *store.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case store.NoUpload, store.NotFound, store.Corrupt, store.ChecksumRefused, store.Unsupported, store.Invalid, store.TooLarge,
		store.BadRange, store.Changed:
		return true
	}
	return false
}

// startOver decides whether an upload that failed with err is started over, and prepares that:
//
//   - the store's limits turned out to be narrower than the parts were made for;
//   - the upload is gone, and this run has not sent a part of it: else somebody aborted it to stop this run;
//   - the store refuses to complete it, and parts of it were cut and sent again, which some servers cannot cope with (rclone's): then
//     no part is cut any more;
//   - the upload is an earlier run's, and the store refuses to complete it, or accepts no part of it.
//
// So no record leads into the same refusal twice. An upload that this run opened itself is not started over, since that
// would most likely fail in the same way: fail aborts it.
func (u *upload) startOver(ctx context.Context, err error) (bool, error) {
	if ctx.Err() != nil || u.restarts >= maxRestarts || !refusedForGood(err) {
		return false, err
	}
	limits := u.c.store.Limits(u.up.Bucket)
	gone := errors.Is(err, store.NoUpload)
	var why string
	switch {
	case gone && u.sent == 0:
		why = "the upload is no longer in the store"
	case gone:
		return false, err
	case limits != u.limits:
		return u.obey(ctx, limits, err)
	case u.completing && u.cuts.Load() > 0 && u.c.noCuts.CompareAndSwap(false, true):
		why = fmt.Sprintf("the store may have lost a part that was sent twice: %v", err)
	case !u.ours && (u.completing || u.sent == 0):
		why = fmt.Sprintf("the store refuses the upload of an earlier run: %v", err)
	default:
		return false, err
	}
	u.Note(why + "; starting over")
	return u.reset(ctx, err)
}

// obey lays the file out for the limits that the store turned out to have.
func (u *upload) obey(ctx context.Context, limits store.Limits, err error) (bool, error) {
	layout, lerr := layout.Parts(u.src.Size(), u.o.partSize, limits)
	if lerr != nil {
		return false, fmt.Errorf("%w: %w", lerr, err)
	}
	old := u.layout
	u.limits = limits
	if again, err := u.reset(ctx, err); !again {
		return false, err
	}
	u.layout = layout
	if _, said := u.c.saidLimits.LoadOrStore(limits, true); !said {
		u.Note(fmt.Sprintf("%v; starting over with %d parts in place of %d", err, layout.Count, old.Count))
	}
	return true, nil
}

// reset aborts the upload and forgets its progress.
func (u *upload) reset(ctx context.Context, err error) (bool, error) {
	if !errors.Is(err, store.NoUpload) {
		if derr := u.dropOld(ctx, u.up); derr != nil {
			return false, errors.Join(err, derr)
		}
	}
	parts, bytes := u.count()
	u.discarded()
	u.arrived.Add(-bytes)
	u.c.meter.Undo(bytes, u.kept.Swap(0), parts)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.up = store.Upload{Ref: u.up.Ref}
	u.parts, u.sums, u.bytes, u.sent = nil, []checksum.Sum(nil), 0, 0
	u.ours, u.completing = false, false
	u.restarts++
	return true, nil
}

// fail reports what stays after err, or makes sure that nothing does.
func (u *upload) fail(ctx context.Context, err error) error {
	parts, _ := u.count()
	u.noteRate(u.log)
	switch {
	case errors.Is(err, store.NoUpload):
		u.forget(u.log)
		return fmt.Errorf("%w: it was aborted or completed by somebody else meanwhile", err)
	case u.o.resume == ResumeNever, errors.Is(err, ErrSourceChanged), errors.Is(err, ErrMismatch), errors.Is(err, store.Exists):
		return u.discard(ctx, err)
	case ctx.Err() == nil && refusedForGood(err) && (u.completing || parts == 0):
		// Resuming it would only lead to the same answer.
		return u.discard(ctx, fmt.Errorf("%w; the upload was aborted, and the same command starts over", err))
	}
	return u.left(u.recount(ctx, err), u.log != nil)
}

// discard aborts the upload after err, and forgets it unless the abort failed.
func (u *upload) discard(ctx context.Context, err error) error {
	u.sweepLost(ctx)
	if err = u.abort(ctx, err); !errors.As(err, new(*IncompleteUploadError)) {
		u.forget(u.log)
	}
	return err
}

// recountTime is how long a last look may take.
const recountTime = 2 * time.Second

// recount lists once more what the store holds, if ctx interrupted tries whose bytes had arrived; it returns err.
func (u *upload) recount(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recountTime)
	defer cancel()
	_, parts, perr := u.c.store.Parts(ctx, u.up, &u.o.attrs)
	if perr != nil { // then what this run knows must do
		return err
	}
	for _, p := range parts {
		if p.Number >= 1 && p.Number <= u.layout.Count && !u.has(p.Number) && p.Size == u.layout.Part(p.Number).Length {
			u.add(p, checksum.Sum{})
		}
	}
	return err
}
