// Package rawhttp is a client for HTTP/1.1 whose request and response cost one goroutine, one buffer and no copy: the
// transport of object data. A request goes out in large writes of the caller's own buffer, head and body together, made by
// the goroutine that called Do; the body of the response is read by the goroutine that reads it.
//
//	Do(request):
//		an idle connection, the last used first, or a new one: look up, dial, TLS, limit what the socket accepts ahead
//		head -> buffer; read the body into the rest of the buffer and write, until its end
//		    after each write: has the server answered already? then send no more, and close the connection in the end
//		read the head of the response, 256 KiB at most; skip 1xx
//		the server closed an idle connection before it answered: once more, on a new one
//	Close of the response's body: read to its end -> the connection is idle again; else close it
//	Watchdog: from a timer, compare the bytes that moved, as the kernel counts them; too few for too long -> cancel
//
// net/http does the same with two goroutines and a buffer of its own for each connection, and does not report which bytes
// have left: doc/performance.md (The data path, in system calls) says what a client of S3 needs instead, and
// doc/adr/0017 what else was considered. What is not object data goes through NewTransport, which is net/http with
// connections that a Watchdog can watch.
//
// It does not promise HTTP/2, proxies, redirects, cookies, compression or 100-continue. It retries nothing but a request
// whose idle connection was closed, so a request must be safe to send twice. A header may be sent that net/http would
// refuse; only line ends are kept out.
package rawhttp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Client keeps connections. It may be used from several goroutines at once.
type Client struct {
	// immutable
	tls         *tls.Config
	dialTimeout time.Duration

	mu    sync.Mutex
	idle  map[origin][]*conn // the last used is the last
	hosts map[string]*host
}

// New returns a Client. A dialTimeout of 0 is 10 s for each address of a host.
func New(t *tls.Config, dialTimeout time.Duration) *Client {
	if t == nil {
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t = t.Clone()
	t.NextProtos = []string{"http/1.1"}
	t.DynamicRecordSizingDisabled = true
	t.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return &Client{tls: t, dialTimeout: cmp.Or(dialTimeout, defaultDial), idle: map[origin][]*conn{}, hosts: map[string]*host{}}
}

// Do sends a request and returns the head of its response; the body must be closed. The context is that of the response's
// body too, and w, which Watch made with it, watches both.
func (c *Client) Do(ctx context.Context, w *Watchdog, r *Request) (*http.Response, error) {
	to := originOf(r.HTTP)
	for try := 0; ; try++ {
		if ctx.Err() != nil { // an existing connection would not notice in time
			return nil, context.Cause(ctx)
		}
		n, err := c.get(ctx, to, try > 0)
		if err != nil {
			return nil, err
		}
		resp, err := c.exchange(ctx, w, n, r)
		if err == nil {
			return resp, nil
		}
		n.drop(ctx)
		if try > 0 || !n.used || ctx.Err() != nil || !errors.Is(err, errNoAnswer) {
			return nil, err
		}
	}
}

// exchange does one request on one connection.
func (c *Client) exchange(ctx context.Context, w *Watchdog, n *conn, r *Request) (*http.Response, error) {
	stop := context.AfterFunc(ctx, func() { n.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if stop != nil {
			stop()
		}
	}()
	w.got(n.raw)
	w.waiting.Store(false)
	if r.Watch != nil {
		before, _ := acked(n.raw)
		r.Watch(func() (int64, bool) {
			now, ok := acked(n.raw)
			return max(0, now-before), ok
		})
	}
	cut, err := r.send(n)
	if err != nil {
		return nil, err
	}
	w.waiting.Store(true)
	if _, err := n.in.Peek(1); err != nil {
		return nil, noAnswer(err)
	}
	w.waiting.Store(false)
	n.head.left = maxHead
	resp, err := http.ReadResponse(n.in, r.HTTP)
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(n.in, r.HTTP)
	}
	n.head.left = -1
	if err != nil {
		return nil, fmt.Errorf("read the head of the answer: %w", err)
	}
	resp.Body = &responseBody{
		ReadCloser: resp.Body, client: c, from: originOf(r.HTTP), conn: n, left: resp.ContentLength, keep: !resp.Close && !cut, stop: stop,
	}
	stop = nil
	return resp, nil
}

// errNoAnswer wraps what went wrong before the first byte of a response.
var errNoAnswer = errors.New("the server closed the connection")

// noAnswer marks an end of the connection that came instead of a response.
func noAnswer(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return err
}

// responseBody returns its connection to the Client after it was read to the end, and closes it otherwise.
type responseBody struct {
	io.ReadCloser
	client *Client
	from   origin
	conn   *conn
	left   int64 // of a known length; -1 otherwise
	keep   bool
	stop   func() bool // stops watching the context
	end    bool        // an EOF was seen
	done   bool
}

// Read reads, and notices the end.
func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err == io.EOF {
		b.end = true
	}
	return n, err
}

// Close returns the connection to the Client or closes it.
func (b *responseBody) Close() error {
	if b.done {
		return nil
	}
	b.done = true
	unhurt := b.stop()
	if b.keep && unhurt && (b.left == 0 || b.end) {
		b.client.put(b.from, b.conn)
		return nil
	}
	return b.conn.Close()
}
