package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/meter"
	"haul.example/haul/internal/pace"
	"haul.example/haul/store"
)

const (
	defaultPatience = 5 * time.Minute
	// firstPatience bounds the wait for a store that has never answered: a mistyped endpoint should not cost minutes.
	firstPatience = 20 * time.Second
	// leastTries is how many tries a request gets at least, however long each takes, also if it moves for minutes before it
	// breaks.
	leastTries = 3
	// sayQuiet is how long a silence lasts before it is reported.
	sayQuiet = 3 * time.Second
	// maxCorrupt is how often one request may arrive damaged before the path, or this machine, is to blame.
	maxCorrupt = 5
	// maxAlone is how often the store may answer one request with the same 5xx while others go through: then it is the
	// object's fault, or its shard's, and not the store's. The waits between the tries add up to about 13 s.
	maxAlone = 8
	// maxAmongOthers is how long, in patiences, a request that moves nothing is tried again while others succeed.
	maxAmongOthers = 4
	// maxThrottled is the attempt from which the waits of a refused request no longer grow: the rate of all requests is
	// bounded already, and one unlucky part must not delay the end of a transfer.
	maxThrottled = 4
	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Minute
)

// ErrRetriesExhausted is in the chain of an error that concerns one request: it was made as often as Config.MaxTries allows, or
// the store kept refusing it while others went through. Other requests may well succeed.
var ErrRetriesExhausted = errors.New("tried often enough")

// retriesExhausted is an ErrRetriesExhausted with its details.
type retriesExhausted struct {
	tries int
	err   error
}

func (e *retriesExhausted) Error() string   { return fmt.Sprintf("tried %d times: %v", e.tries, e.err) }
func (e *retriesExhausted) Unwrap() []error { return []error{ErrRetriesExhausted, e.err} }

// movedOn is the failure of a try that moved some of the bytes.
type movedOn struct{ error }

func (e *movedOn) Unwrap() error { return e.error }

// MovedOn marks the failure of a try that moved some of the bytes, so that the next one starts after them.
func MovedOn(err error) error { return &movedOn{err} }

// failing is what is known of a request that fails.
type failing struct {
	first   time.Time // its first failure since bytes last moved
	tries   int       // since bytes last moved
	corrupt int       // of all its tries
	same    int       // answers with the same status and code, one after the other
	status  int
	code    string
}

// failed counts one more failure.
func (f *failing) failed(now time.Time, err error) {
	if moved := new(movedOn); errors.As(err, &moved) {
		f.first, f.tries = time.Time{}, 0
	}
	if f.first.IsZero() {
		f.first = now
	}
	f.tries++
	var e *store.Error
	if !errors.As(err, &e) {
		return
	}
	if e.Kind == store.Corrupt {
		f.corrupt++
	}
	if e.Status != f.status || e.Code != f.code {
		f.status, f.code, f.same = e.Status, e.Code, 0
	}
	f.same++
}

// Try is the one retry layer (doc/adr/0001-one-retry-layer.md). It calls f, a request or a request with the reading of its
// answer, until it succeeds, fails for good, or giveUp says so. Between tries it waits with full jitter; a store that asks to slow
// down slows every request of the Dispatcher. Errors that are not transient are not tried again.
func (d *Dispatcher) Try(ctx context.Context, c Caller, f func(context.Context) error) error {
	var failures failing
	var paused time.Duration // by this request
	for attempt := 0; ; attempt++ {
		gated, err := d.gate(ctx, d.patience("")-paused)
		if err != nil {
			return err
		}
		paused += gated
		err = f(ctx)
		now := time.Now()
		if err == nil {
			d.Succeeded()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrSlow) || errors.Is(err, ErrExcess) {
			if errors.Is(err, ErrSlow) { // other errors are failures
				c.Retried(err, 0)
			}
			attempt--
			continue
		}
		if !store.Retryable(err) {
			return err
		}
		failures.failed(now, err)
		if !store.Unanswered(err) {
			d.answered.Store(true)
		}
		if over := d.giveUp(failures, err); over != nil {
			return over
		}
		waited, limit := now.Sub(d.quietSince(failures.first)), d.patience(store.KindOf(err))
		if s := (silence{tries: attempt + 1, waited: waited, paused: paused, failing: now.Sub(failures.first)}); s.outlasts(limit) {
			return fmt.Errorf("tried %d times, without success for %v: %w", s.tries, waited.Round(time.Second), err)
		}
		if waited >= sayQuiet && !d.saidQuiet.Swap(true) {
			c.Note(fmt.Sprintf("nothing got through for %v, and is tried for %v: %v", waited.Round(time.Second), limit, err))
		}
		wait := d.waitAfter(attempt, err)
		if left := limit - waited; left > 0 { // a store may ask for a longer wait than the user's patience
			wait = min(wait, left)
		}
		paused += wait
		c.Retried(err, wait)
		if err := d.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// silence is how long a request has failed.
type silence struct {
	tries   int
	waited  time.Duration // since any request succeeded, or this one first failed
	paused  time.Duration // by this request, between its tries
	failing time.Duration // since this request first failed, or last moved bytes
}

// outlasts reports whether a request is given up, by the patience that applies.
func (s silence) outlasts(patience time.Duration) bool {
	switch {
	case s.waited >= patience && s.paused >= patience: // the server asked for these pauses
		return true
	case s.tries < leastTries:
		return false
	}
	return s.waited >= patience || s.failing >= maxAmongOthers*patience
}

// giveUp decides whether a request is not worth another try whatever the patience; it returns the error to end with, or
// nil.
func (d *Dispatcher) giveUp(f failing, err error) error {
	kind, never := store.KindOf(err), d.lastSuccess.Load() == 0
	switch {
	case d.config.MaxTries > 0 && f.tries >= d.config.MaxTries, f.corrupt >= maxCorrupt:
		return &retriesExhausted{f.tries, err}
	case kind == store.Unavailable && f.same >= maxAlone && d.quietSince(f.first).After(f.first):
		return &retriesExhausted{f.tries, err}
	case never && nobodyThere(err) && f.tries >= leastTries:
		return fmt.Errorf("tried %d times: %w", f.tries, err)
	case never && kind == store.Expired && f.tries > 1: // once more, with credentials that were looked up again
		return err
	}
	return nil
}

// nobodyThere reports whether nothing listens at the address, or there is no such host.
func nobodyThere(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns) && dns.IsNotFound
}

// Ask is Try for a request that moves no payload.
func (d *Dispatcher) Ask(ctx context.Context, c Caller, f func(context.Context) error) error {
	return d.Try(ctx, c, func(ctx context.Context) error {
		d.meter.Request()
		defer d.meter.Since(meter.Asking, time.Now())
		return f(ctx)
	})
}

// waitAfter returns how long to wait before the next try, and slows all requests if the store asked for it.
func (d *Dispatcher) waitAfter(attempt int, err error) time.Duration {
	var e *store.Error
	if !errors.As(err, &e) {
		return pace.Backoff(attempt, rand.Float64)
	}
	if e.Kind == store.Throttled {
		d.meter.Throttle()
		d.Pace.Throttled(time.Now(), e.RetryAfter)
		attempt = min(attempt, maxThrottled)
	}
	return max(pace.Backoff(attempt, rand.Float64), min(e.RetryAfter, maxRetryAfter))
}

// gate waits while a store that asked to slow down lets no new request out, but not longer than most; it returns how long.
func (d *Dispatcher) gate(ctx context.Context, most time.Duration) (waited time.Duration, err error) {
	for {
		wait := min(d.Pace.Gate(time.Now()), most-waited)
		if err := d.pause(ctx, wait); err != nil || wait <= 0 {
			return waited, err
		}
		waited += wait
	}
}

// WithFile calls f, which opens a file, again while too many are open: others are closed as other transfers end.
func (d *Dispatcher) WithFile(ctx context.Context, c Caller, f func() error) error {
	began := time.Now()
	for attempt := 0; ; attempt++ {
		err := f()
		if !localfile.TooManyOpen(err) || time.Since(began) >= d.patience("") {
			return err
		}
		wait := pace.Backoff(min(attempt, maxThrottled), rand.Float64)
		c.Retried(err, wait)
		if err := Pause(ctx, wait); err != nil {
			return err
		}
	}
}

// pause waits before a try of a request, and reports that to pace.
func (d *Dispatcher) pause(ctx context.Context, wait time.Duration) error {
	if wait > 0 {
		defer d.meter.Since(meter.Pausing, time.Now())
	}
	d.pausing.Add(1)
	defer d.pausing.Add(-1)
	return Pause(ctx, wait)
}

// Succeeded records that something got through.
func (d *Dispatcher) Succeeded() {
	d.lastSuccess.Store(int64(time.Since(d.born)) + 1)
	if d.saidQuiet.Load() {
		d.saidQuiet.Store(false)
	}
}

// quietSince returns when the silence began that patience measures: at the last success of any request, or, if that was
// before, at this request's first failure.
func (d *Dispatcher) quietSince(firstFailure time.Time) time.Time {
	last := d.born.Add(time.Duration(d.lastSuccess.Load()))
	if last.After(firstFailure) {
		return last
	}
	return firstFailure
}

// patience returns how long a silence may last. A store with which no request has succeeded yet gets less: what has been
// wrong since the first request seldom fixes itself. Expired credentials get less, too: either they are renewed
// automatically, at once, or a person must act.
func (d *Dispatcher) patience(kind store.Kind) time.Duration {
	p, chosen := d.config.Patience, d.config.Patience > 0
	if !chosen {
		p = defaultPatience
	}
	never := d.lastSuccess.Load() == 0
	switch {
	case never && !d.answered.Load(), never && !chosen && kind != store.Throttled:
		return min(p, firstPatience)
	case kind == store.Expired:
		return p / 5
	case kind == store.BadAnswer: // a login page does not go away by itself
		return min(p, firstPatience)
	}
	return p
}

// Pause waits, unless ctx ends first.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
