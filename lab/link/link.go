// Package link is a slow link: a relay before a server that lets so many bytes a second through, all connections and each way by itself,
// and counts what passes.
package link

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	slice = 16 << 10
	// socket is the size of the buffers of a slow link's sockets, in bytes: what lies in them has not passed.
	socket = 32 << 10
)

// Link is a running relay.
type Link struct {
	Up, Down Flow

	listener net.Listener
	target   string
	wg       sync.WaitGroup

	open, peak atomic.Int64 // connections

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// Flow is one direction.
type Flow struct {
	bytes atomic.Int64
	rate  atomic.Int64

	mu     sync.Mutex
	next   time.Time // when the link is free again
	mark   int64
	passed context.CancelFunc // called once when bytes reach mark
}

// New listens on a free port of the loopback interface until Close, for the server at the address target. Rate is in bytes a second,
// each way; 0 is no limit.
func New(target string, rate int64) (*Link, error) {
	var config net.ListenConfig
	if rate > 0 {
		config.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, socket) })
		}
	}
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target, conns: map[net.Conn]bool{}}
	l.SetRate(rate)
	l.wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.wg.Go(func() { l.serve(client) })
		}
	})
	return l, nil
}

// URL is where the relay listens.
func (l *Link) URL() string { return "http://" + l.listener.Addr().String() }

// SetRate changes how many bytes a second pass, each way.
func (l *Link) SetRate(rate int64) {
	l.Up.rate.Store(rate)
	l.Down.rate.Store(rate)
}

// Peak is the highest number of connections that were open at once.
func (l *Link) Peak() int64 { return l.peak.Load() }

// Close stops listening, and ends all connections.
func (l *Link) Close() {
	_ = l.listener.Close()
	l.mu.Lock()
	for c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
	l.mu.Unlock()
	l.wg.Wait()
}

// Bytes is how many have passed.
func (f *Flow) Bytes() int64 { return f.bytes.Load() }

// At arranges for call when n more bytes have passed.
func (f *Flow) At(n int64, call context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mark, f.passed = f.bytes.Load()+n, call
}

func (f *Flow) add(n int64) {
	total := f.bytes.Add(n)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.passed != nil && total >= f.mark {
		f.passed()
		f.passed = nil
	}
}

// take waits until n bytes may pass.
func (f *Flow) take(n int) {
	rate := f.rate.Load()
	if rate <= 0 || n == 0 {
		return
	}
	f.mu.Lock()
	now := time.Now()
	if early := now.Add(-10 * time.Millisecond); f.next.Before(early) { // timers come late
		f.next = early
	}
	f.next = f.next.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	wait := f.next.Sub(now)
	f.mu.Unlock()
	time.Sleep(wait)
}

// keep notes a connection for Close; false when that was already.
func (l *Link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns != nil {
		l.conns[c] = true
	}
	return l.conns != nil
}

func (l *Link) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !l.keep(client) || !l.keep(server) {
		return
	}
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, client)
		delete(l.conns, server)
	}()
	open := l.open.Add(1)
	for peak := l.peak.Load(); open > peak && !l.peak.CompareAndSwap(peak, open); peak = l.peak.Load() {
	}
	defer l.open.Add(-1)
	var both sync.WaitGroup
	both.Go(func() { pump(server, client, &l.Up) })
	pump(client, server, &l.Down)
	both.Wait()
}

// pump copies until either side ends, then closes both. On Linux the bytes stay in the kernel where there is no limit.
func pump(to, from net.Conn, f *Flow) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, slice)
	for {
		var n int64
		var err error
		if f.rate.Load() <= 0 {
			n, err = io.CopyN(to, from, 256<<10)
		} else {
			var k int
			k, err = from.Read(buf)
			f.take(k)
			if n = int64(k); k > 0 {
				if _, werr := to.Write(buf[:k]); werr != nil {
					err = werr
				}
			}
		}
		f.add(n)
		if err != nil {
			return
		}
	}
}
