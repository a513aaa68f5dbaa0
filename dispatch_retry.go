package haul

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
	// maxThrottled is the attempt from which the waits of a refused request no longer grow: the rate of all requests is
	// bounded already, and one unlucky part must not delay the end of a transfer.
	maxThrottled = 4
	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Minute
	// cleanupTime is how long an abort may take after the transfer's own context has ended.
	cleanupTime = 30 * time.Second
)

// ErrTriedOut is in the chain of an error that concerns one request: it was made as often as Options.MaxTries allows, or
// the store kept refusing it while others went through. Other requests may well succeed.
var ErrTriedOut = errors.New("tried often enough")

// triedOut is an ErrTriedOut with its details.
type triedOut struct {
	tries int
	err   error
}

func (e *triedOut) Error() string   { return fmt.Sprintf("tried %d times: %v", e.tries, e.err) }
func (e *triedOut) Unwrap() []error { return []error{ErrTriedOut, e.err} }

// movedOn is the failure of a try that moved some of the bytes, so that the next one starts after them.
type movedOn struct{ error }

func (e *movedOn) Unwrap() error { return e.error }

// failing is what is known of a request that fails.
type failing struct {
	first   time.Time // its first failure
	tries   int       // since bytes last moved
	corrupt int       // of all its tries
	same    int       // answers with the same status and code, one after the other
	status  int
	code    string
}

// failed counts one more failure.
func (f *failing) failed(now time.Time, err error) {
	if f.first.IsZero() {
		f.first = now
	}
	if moved := new(movedOn); errors.As(err, &moved) {
		f.tries = 0
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

// try is the one retry layer (doc/adr/0001-one-retry-layer.md). It calls f, a request or a request with the reading of its
// answer, until it succeeds, fails for good, or the client has had no success for as long as its patience lasts. Between
// tries it waits with full jitter; a store that asks to slow down slows every request of the client. Errors that are not
// transient are not tried again.
func (t *transfer) try(ctx context.Context, f func(context.Context) error) error {
	var failures failing
	var paused time.Duration // by this request
	for attempt := 0; ; attempt++ {
		gated, err := t.c.gate(ctx, t.c.patience("")-paused)
		if err != nil {
			return err
		}
		paused += gated
		err = f(ctx)
		now := time.Now()
		if err == nil {
			t.c.succeeded()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errSlow) || errors.Is(err, errExcess) {
			if errors.Is(err, errSlow) { // other errors are failures
				t.retried(err, 0)
			}
			attempt--
			continue
		}
		if !store.Retryable(err) {
			return err
		}
		failures.failed(now, err)
		if !silent(err) {
			t.c.answered.Store(true)
		}
		if over := t.c.giveUp(failures, err); over != nil {
			return over
		}
		waited, limit := now.Sub(t.c.quietSince(failures.first)), t.c.patience(store.KindOf(err))
		if waited >= limit && (attempt >= leastTries || paused >= limit) || now.Sub(failures.first) >= 4*limit {
			return fmt.Errorf("tried %d times, without success for %v: %w", attempt+1, waited.Round(time.Second), err)
		}
		if waited >= sayQuiet && !t.c.saidQuiet.Swap(true) {
			t.note(fmt.Sprintf("nothing got through for %v, and is tried for %v: %v", waited.Round(time.Second), limit, err))
		}
		wait := t.c.waitAfter(attempt, err)
		if left := limit - waited; left > 0 { // a store may ask for a longer wait than the user's patience
			wait = min(wait, left)
		}
		paused += wait
		t.retried(err, wait)
		if err := t.c.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// giveUp decides whether a request is not worth another try whatever the patience; it returns the error to end with, or
// nil.
func (c *Client) giveUp(f failing, err error) error {
	kind, never := store.KindOf(err), c.lastSuccess.Load() == 0
	switch {
	case c.opts.MaxTries > 0 && f.tries >= c.opts.MaxTries, f.corrupt >= maxCorrupt:
		return &triedOut{f.tries, err}
	case kind == store.Unavailable && f.same >= maxAlone && c.quietSince(f.first).After(f.first):
		return &triedOut{f.tries, err}
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

// ask is try for a request that moves no payload.
func (t *transfer) ask(ctx context.Context, f func(context.Context) error) error {
	return t.try(ctx, func(ctx context.Context) error {
		t.c.meter.Request()
		defer t.c.meter.Since(meter.Asking, time.Now())
		return f(ctx)
	})
}

func (t *transfer) retried(err error, wait time.Duration) {
	t.retries.Add(1)
	t.c.meter.Retry()
	t.event(Event{Kind: EventRetry, Err: err, Wait: wait})
}

// waitAfter returns how long to wait before the next try, and slows the client if the store asked for it.
func (c *Client) waitAfter(attempt int, err error) time.Duration {
	var e *store.Error
	if !errors.As(err, &e) {
		return pace.Backoff(attempt, rand.Float64)
	}
	if e.Kind == store.Throttled {
		c.meter.Throttle()
		c.pace.Throttled(time.Now(), e.RetryAfter)
		attempt = min(attempt, maxThrottled)
	}
	return max(pace.Backoff(attempt, rand.Float64), min(e.RetryAfter, maxRetryAfter))
}

// gate waits while a store that asked to slow down lets no new request out, but not longer than most; it returns how long.
func (c *Client) gate(ctx context.Context, most time.Duration) (waited time.Duration, err error) {
	for {
		wait := min(c.pace.Gate(time.Now()), most-waited)
		if err := c.pause(ctx, wait); err != nil || wait <= 0 {
			return waited, err
		}
		waited += wait
	}
}

// withFile calls f, which opens a file, again while too many are open: others are closed as other transfers end.
func (t *transfer) withFile(ctx context.Context, f func() error) error {
	began := time.Now()
	for attempt := 0; ; attempt++ {
		err := f()
		if !localfile.TooManyOpen(err) || time.Since(began) >= t.c.patience("") {
			return err
		}
		wait := pace.Backoff(min(attempt, maxThrottled), rand.Float64)
		t.retried(err, wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// pause waits before a try of a request, and reports that to pace.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if d > 0 {
		defer c.meter.Since(meter.Pausing, time.Now())
	}
	c.pausing.Add(1)
	defer c.pausing.Add(-1)
	return pause(ctx, d)
}

// succeeded records that something got through.
func (c *Client) succeeded() {
	c.lastSuccess.Store(int64(time.Since(c.born)) + 1)
	if c.saidQuiet.Load() {
		c.saidQuiet.Store(false)
	}
}

// quietSince returns when the silence began that patience measures: at the last success of any request, or, if that was
// before, at this request's first failure.
func (c *Client) quietSince(firstFailure time.Time) time.Time {
	last := c.born.Add(time.Duration(c.lastSuccess.Load()))
	if last.After(firstFailure) {
		return last
	}
	return firstFailure
}

// patience returns how long a silence may last. A store with which no request has succeeded yet gets less: what has been
// wrong since the first request seldom fixes itself. Expired credentials get less, too: either they are renewed
// automatically, at once, or a person must act.
func (c *Client) patience(kind store.Kind) time.Duration {
	p, chosen := c.opts.Patience, c.opts.Patience > 0
	if !chosen {
		p = defaultPatience
	}
	never := c.lastSuccess.Load() == 0
	switch {
	case never && !c.answered.Load(), never && !chosen && kind != store.Throttled:
		return min(p, firstPatience)
	case kind == store.Expired:
		return p / 5
	case kind == store.BadAnswer: // a login page does not go away by itself
		return min(p, firstPatience)
	}
	return p
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
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

// cleanup returns a context for cleaning up that does not end with ctx.
func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}
