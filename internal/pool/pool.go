// Package pool runs functions at the same time, up to a limit.
//
// [Each] is for a slice and a fixed limit; the first error cancels the rest. A [Pool] is for work that is found while earlier work
// runs, under a limit that grows with the connections of a client:
//
//	p := pool.New(client.Lanes)
//	for each task: p.Go(ctx, task), which waits for room
//	p.Wait()
//
// It keeps no queue: work that waits belongs to the caller, who may put it in an order.
package pool

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	// least functions may run at once, and perConnection for each connection, so that no connection waits for one to start.
	least         = 32
	perConnection = 2
)

// Pool runs functions. One goroutine starts them and waits for them.
type Pool struct {
	// Ended, if not nil, is called after a function has ended, when there may be room. It must not block.
	Ended func()

	connections func() int
	running     atomic.Int64
	ended       chan struct{}
	wg          sync.WaitGroup
}

// New returns a pool that runs twice as many functions as there are connections now, and never fewer than 32.
func New(connections func() int) *Pool {
	return &Pool{connections: connections, ended: make(chan struct{}, 1)}
}

// Room reports whether Go would start a function without waiting.
func (p *Pool) Room() bool {
	return p.running.Load() < int64(max(least, perConnection*p.connections()))
}

// Go waits for room and starts f. If ctx has ended or ends first, the error is its cause, and f was not started.
func (p *Pool) Go(ctx context.Context, f func()) error {
	for ctx.Err() == nil && !p.Room() {
		select {
		case <-p.ended:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.running.Add(1)
	p.wg.Go(func() {
		f()
		p.running.Add(-1)
		select {
		case p.ended <- struct{}{}:
		default:
		}
		if p.Ended != nil {
			p.Ended()
		}
	})
	return nil
}

// Wait waits until all functions have ended.
func (p *Pool) Wait() { p.wg.Wait() }

// Each calls f for every item, at most limit at once, and returns the first error, which also cancels the context of the others.
func Each[T any](ctx context.Context, limit int, items []T, f func(ctx context.Context, i int, item T) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(limit)
	for i, item := range items {
		g.Go(func() error { return f(gctx, i, item) })
	}
	return g.Wait()
}
