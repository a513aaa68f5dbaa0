package pool_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"haul.example/haul/internal/pool"
)

// TestPoolGrows starts as many functions as the limit allows, and more once it has grown.
func TestPoolGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections atomic.Int64
		connections.Store(16)
		p := pool.New(func() int { return int(connections.Load()) })
		stop := make(chan struct{})
		started := 0
		start := func(ctx context.Context) error {
			err := p.Go(ctx, func() { <-stop })
			if err == nil {
				started++
			}
			return err
		}
		ctx, cancel := context.WithCancel(t.Context())
		for p.Room() {
			if err := start(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if started != 32 {
			t.Errorf("%d functions started with 16 connections, want 32", started)
		}
		connections.Store(20)
		for p.Room() {
			if err := start(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if started != 40 {
			t.Errorf("%d functions started with 20 connections, want 40", started)
		}
		cancel()
		if err := start(ctx); !errors.Is(err, context.Canceled) || started != 40 {
			t.Errorf("without room and after the end of the context: %v, %d started", err, started)
		}
		close(stop)
		if err := start(t.Context()); err != nil {
			t.Error(err)
		}
		p.Wait()
	})
}

func TestEach(t *testing.T) {
	broken := errors.New("broken")
	var under, most atomic.Int64
	out := make([]int, 100)
	err := pool.Each(t.Context(), 4, out, func(_ context.Context, i, _ int) error {
		most.Store(max(most.Load(), under.Add(1)))
		defer under.Add(-1)
		out[i] = i
		return nil
	})
	if err != nil || most.Load() > 4 || out[99] != 99 {
		t.Errorf("%v, %d at once, last is %d", err, most.Load(), out[99])
	}
	err = pool.Each(t.Context(), 2, out, func(ctx context.Context, i, _ int) error {
		if i == 1 {
			return broken
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the first error", err)
	}
}
