package rawhttp

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

// ErrStalled is the cause of a canceled context whose connection stood still.
var ErrStalled = errors.New("no byte moved for too long")

// Watchdog watches one request and its response, and cancels their context if the connection stands still while this side
// waits for it: for limit while sending or reading, for answer while the server works on its response.
type Watchdog struct {
	limit  time.Duration // immutable
	answer time.Duration // immutable
	floor  int64         // immutable; bytes that must move within limit
	cancel context.CancelCauseFunc
	cause  func() error

	conn    atomic.Pointer[countedConn]
	waiting atomic.Bool // the request is sent, the response has not arrived

	mu    sync.Mutex
	timer *time.Timer
	seen  int64     // bytes moved at mark
	mark  time.Time // when enough had moved last; time without a waiting caller does not count
	idle  time.Time // since when no caller waits for the connection; zero during the request or a Read of its body
	ended bool
}

// Watch starts to watch a request, made with the context that it returns. Stop ends both.
func Watch(parent context.Context, limit, answer time.Duration, floor int64) (context.Context, *Watchdog) {
	ctx, cancel := context.WithCancelCause(parent)
	w := &Watchdog{limit: limit, answer: answer, floor: max(floor, 1), cancel: cancel, mark: time.Now()}
	w.cause = func() error { return context.Cause(ctx) }
	w.mu.Lock() // check must not look for the timer before it is there
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.tick(), w.check)
	return ctx, w
}

// Traced makes net/http report to the watchdog how a request on a transport of NewTransport proceeds.
func (w *Watchdog) Traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) {
			_ = i.Conn.SetDeadline(time.Time{}) // of readyTimeout; a connection that is closed has none
			w.got(i.Conn)
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { w.waiting.Store(true) },
		GotFirstResponseByte: func() { w.waiting.Store(false) },
	})
}

// Answered reports that the head of the response is there. net/http may report that it wrote the request only after that.
func (w *Watchdog) Answered() { w.waiting.Store(false) }

// Cause returns why the context was canceled: ErrStalled, what Cancel said, or the cause of the caller's context; nil if it
// was not.
func (w *Watchdog) Cause() error { return w.cause() }

// Cancel cancels the request.
func (w *Watchdog) Cancel(cause error) { w.cancel(cause) }

// tick returns the time between two checks.
func (w *Watchdog) tick() time.Duration { return max(w.limit/8, time.Millisecond) }

// got records the connection, also under TLS, and under two if a proxy uses HTTPS.
func (w *Watchdog) got(c net.Conn) {
	for {
		switch t := c.(type) {
		case *countedConn:
			w.conn.Store(t)
			w.restart()
			return
		case *tls.Conn:
			c = t.NetConn()
		default:
			return
		}
	}
}

// restart begins a new period of patience.
func (w *Watchdog) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark = time.Now()
	if c := w.conn.Load(); c != nil {
		w.seen = c.moved()
	}
}

// Resume and Pause bracket a Read of the body: outside of them there is no caller waiting for the connection.
func (w *Watchdog) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark = w.mark.Add(time.Since(w.idle))
	w.idle = time.Time{}
}

// Pause says that no caller waits for the connection.
func (w *Watchdog) Pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = time.Now()
}

func (w *Watchdog) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	c, now := w.conn.Load(), time.Now()
	limit := w.limit
	if w.waiting.Load() {
		limit = w.answer
	}
	switch {
	case !w.idle.IsZero():
	case c == nil:
		w.mark = now // dialing has limits of its own
	case c.moved()-w.seen >= w.floor:
		w.mark, w.seen = now, c.moved()
	case now.Sub(w.mark) >= limit:
		w.ended = true
		w.cancel(ErrStalled)
		return
	}
	w.timer.Reset(w.tick())
}

// Stop ends the watch and the context.
func (w *Watchdog) Stop() {
	w.mu.Lock()
	w.ended = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(nil)
}
