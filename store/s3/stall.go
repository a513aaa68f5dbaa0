package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// errStalled is the cause of a canceled call whose connection stood still.
var errStalled = errors.New("no byte moved for too long")

// guard watches one call and cancels it if its connection stands still while this side waits for it: for limit while
// sending or reading, for answer while the server works on its answer.
type guard struct {
	limit  time.Duration // immutable
	answer time.Duration // immutable
	floor  int64         // immutable; bytes that must move within limit
	cancel context.CancelCauseFunc
	cause  func() error // why the call was canceled: errStalled, or the cause of the caller's context; nil if it was not

	conn    atomic.Pointer[countedConn]
	waiting atomic.Bool // the request is sent, the answer has not arrived

	mu    sync.Mutex
	timer *time.Timer
	seen  int64     // bytes moved at mark
	mark  time.Time // when enough had moved last; time without a waiting caller does not count
	idle  time.Time // since when there is no caller waiting for the connection; zero during the call or a Read of its body
	ended bool
}

// watch begins to guard a call. The context that it returns is the call's; stop ends the watch.
func watch(parent context.Context, limit, answer time.Duration, floor int64) (context.Context, *guard) {
	ctx, cancel := context.WithCancelCause(parent)
	g := &guard{limit: limit, answer: answer, floor: max(floor, 1), cancel: cancel, mark: time.Now()}
	g.cause = func() error { return context.Cause(ctx) }
	g.mu.Lock() // check must not look for the timer before it is there
	defer g.mu.Unlock()
	g.timer = time.AfterFunc(g.tick(), g.check)
	return ctx, g
}

// traced makes net/http report to the guard how a request proceeds.
func (g *guard) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) {
			_ = i.Conn.SetDeadline(time.Time{}) // of readyTimeout; a connection that is closed has none
			g.got(i.Conn)
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { g.waiting.Store(true) },
		GotFirstResponseByte: func() { g.waiting.Store(false) },
	})
}

// tick returns the time between two checks.
func (g *guard) tick() time.Duration { return max(g.limit/8, time.Millisecond) }

// got records the connection, also under TLS, and under two if a proxy uses HTTPS.
func (g *guard) got(c net.Conn) {
	for {
		switch t := c.(type) {
		case *countedConn:
			g.conn.Store(t)
			g.restart()
			return
		case *tls.Conn:
			c = t.NetConn()
		default:
			return
		}
	}
}

// restart begins a new period of patience.
func (g *guard) restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mark = time.Now()
	if c := g.conn.Load(); c != nil {
		g.seen = c.moved()
	}
}

// enter and leave bracket a Read of the body: outside of them there is no caller waiting for the connection.
func (g *guard) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mark = g.mark.Add(time.Since(g.idle))
	g.idle = time.Time{}
}

func (g *guard) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle = time.Now()
}

func (g *guard) check() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	c, now := g.conn.Load(), time.Now()
	limit := g.limit
	if g.waiting.Load() {
		limit = g.answer
	}
	switch {
	case !g.idle.IsZero():
	case c == nil:
		g.mark = now // dialing has limits of its own
	case c.moved()-g.seen >= g.floor:
		g.mark, g.seen = now, c.moved()
	case now.Sub(g.mark) >= limit:
		g.ended = true
		g.cancel(errStalled)
		return
	}
	g.timer.Reset(g.tick())
}

// stop ends the watch and the call's context.
func (g *guard) stop() {
	g.mu.Lock()
	g.ended = true
	g.timer.Stop()
	g.mu.Unlock()
	g.cancel(nil)
}
