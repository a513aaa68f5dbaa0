package main

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay stands between haul and the server and counts what passes, so that the story tells what really crossed the wire.
type relay struct {
	listener net.Listener
	target   string
	up, down flow
	wg       sync.WaitGroup

	open, peak atomic.Int64 // connections
}

// flow is one direction.
type flow struct {
	bytes atomic.Int64

	mu     sync.Mutex
	mark   int64
	passed context.CancelFunc // called once when bytes reach mark
}

// at arranges for call when n more bytes have passed.
func (f *flow) at(n int64, call context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mark, f.passed = f.bytes.Load()+n, call
}

func (f *flow) add(n int64) {
	total := f.bytes.Add(n)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.passed != nil && total >= f.mark {
		f.passed()
		f.passed = nil
	}
}

// newRelay listens on a free port of the loopback interface until close.
func newRelay(target string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, target: target}
	r.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.serve(client) })
		}
	})
	return r, nil
}

func (r *relay) url() string { return "http://" + r.listener.Addr().String() }

// close stops listening and waits for the connections, which end with haul and the server.
func (r *relay) close() {
	_ = r.listener.Close()
	r.wg.Wait()
}

func (r *relay) serve(client net.Conn) {
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		_ = client.Close()
		return
	}
	open := r.open.Add(1)
	for peak := r.peak.Load(); open > peak && !r.peak.CompareAndSwap(peak, open); peak = r.peak.Load() {
	}
	defer r.open.Add(-1)
	var both sync.WaitGroup
	both.Go(func() { pump(server, client, &r.up) })
	pump(client, server, &r.down)
	both.Wait()
}

// pump copies until either side ends, then closes both. On Linux the bytes stay in the kernel.
func pump(to, from net.Conn, count *flow) {
	for {
		n, err := io.CopyN(to, from, 256<<10)
		count.add(n)
		if err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
}
