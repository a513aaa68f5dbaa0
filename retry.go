package haul

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"haul/internal/meter"
	"haul/internal/pace"
	"haul/store"
)

const (
	defaultPatience = 5 * time.Minute
	// firstPatience bounds the wait for a store that has never answered: a mistyped endpoint should not cost minutes.
	firstPatience = 20 * time.Second
	// leastTries are made of a request however long each takes: of one that moves for minutes before it breaks, too.
	leastTries = 3
	// sayQuiet is after how long a silence is worth a word.
	sayQuiet = 3 * time.Second
	// maxCorrupt is how often one request may arrive damaged before the path, or this machine, is to blame.
	maxCorrupt = 5
	// maxThrottled is the attempt from which on the waits of a refused request grow no more: the rate of all requests is bounded
	// already, and one unlucky part must not be what a transfer ends with.
	maxThrottled = 4
	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Minute
	// cleanupTime is what an abort may take after the transfer's own context has ended.
	cleanupTime = 30 * time.Second
)

// try is the one retry layer. It does f, a request or a request with the reading of its answer, until it succeeds, fails
// for good, or the client has had no success for as long as its patience lasts. Between tries it waits with full jitter;
// a store that asks to slow down slows every request of the client.
func (t *transfer) try(ctx context.Context, f func(context.Context) error) error {
	var firstFailure time.Time
	corrupt := 0
	for attempt := 0; ; attempt++ {
		if err := t.c.gate(ctx); err != nil {
			return err
		}
		err := f(ctx)
		now := time.Now()
		if err == nil {
			t.c.succeeded()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errSlow) || errors.Is(err, errExcess) {
			if errors.Is(err, errSlow) { // the other is no failure
				t.retried(err, 0)
			}
			attempt--
			continue
		}
		if !store.Retryable(err) {
			return err
		}
		if firstFailure.IsZero() {
			firstFailure = now
		}
		kind := store.KindOf(err)
		if kind == store.Corrupt {
			if corrupt++; corrupt >= maxCorrupt {
				return fmt.Errorf("tried %d times: %w", corrupt, err)
			}
		}
		if !silent(err) {
			t.c.answered.Store(true)
		}
		waited, limit := now.Sub(t.c.quietSince(firstFailure)), t.c.patience(kind)
		if waited >= limit && attempt >= leastTries || now.Sub(firstFailure) >= 4*limit {
			return fmt.Errorf("tried %d times, without success for %v: %w", attempt+1, waited.Round(time.Second), err)
		}
		if waited >= sayQuiet && !t.c.saidQuiet.Swap(true) {
			t.note(fmt.Sprintf("nothing got through for %v, and is tried for %v: %v", waited.Round(time.Second), limit, err))
		}
		wait := t.c.waitAfter(attempt, err)
		t.retried(err, wait)
		if err := t.c.pause(ctx, wait); err != nil {
			return err
		}
	}
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

// waitAfter tells how long to wait before the next try, and slows the client where the store asked for it.
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

// gate waits as long as a store that asked to slow down lets no new request out.
func (c *Client) gate(ctx context.Context) error {
	for {
		wait := c.pace.Gate(time.Now())
		if err := c.pause(ctx, wait); err != nil || wait <= 0 {
			return err
		}
	}
}

// pause is a pause of a request, which pace is told of.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if d > 0 {
		defer c.meter.Since(meter.Pausing, time.Now())
	}
	c.pausing.Add(1)
	defer c.pausing.Add(-1)
	return pause(ctx, d)
}

// succeeded notes that something got through.
func (c *Client) succeeded() {
	c.lastSuccess.Store(int64(time.Since(c.born)) + 1)
	if c.saidQuiet.Load() {
		c.saidQuiet.Store(false)
	}
}

// quietSince is when the silence began that patience measures: at the last success of any request, or, if that was
// before, at this request's first failure.
func (c *Client) quietSince(firstFailure time.Time) time.Time {
	last := c.born.Add(time.Duration(c.lastSuccess.Load()))
	if last.After(firstFailure) {
		return last
	}
	return firstFailure
}

// patience is how long a silence may last. Credentials that expired are given less: either they are renewed by
// themselves, at once, or a person must come.
func (c *Client) patience(kind store.Kind) time.Duration {
	p := c.opts.Patience
	if p == 0 {
		p = defaultPatience
	}
	switch {
	case c.lastSuccess.Load() == 0 && !c.answered.Load():
		return min(p, firstPatience)
	case kind == store.Expired:
		return p / 5
	case kind == store.BadAnswer: // a page of a portal does not go away by itself
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

// cleanup gives a context for tidying up, that does not end with ctx.
func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}
