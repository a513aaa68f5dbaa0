package rawhttp

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// answerGrace is how long a connection that the other side closed is still read for a response.
	answerGrace = 250 * time.Millisecond
	// copySize is the size of the buffers that carry a body of net/http to its connection.
	copySize = 256 << 10
)

// countedConn counts the bytes that cross a connection.
type countedConn struct {
	net.Conn
	raw  syscall.RawConn
	in   atomic.Int64
	out  atomic.Int64
	last atomic.Int64 // what moved returned last; it never decreases

	once   sync.Once
	closed chan struct{}
}

func countConn(c net.Conn) *countedConn {
	counted := &countedConn{Conn: c, closed: make(chan struct{})}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			counted.raw = raw
		}
	}
	return counted
}

// moved returns the bytes that came in or left this machine, as far as the kernel reports them.
func (c *countedConn) moved() int64 {
	n := c.in.Load() + c.out.Load()
	if c.raw != nil {
		n -= unsent(c.raw)
	}
	for {
		last := c.last.Load()
		if n <= last {
			return last
		}
		if c.last.CompareAndSwap(last, n) {
			return n
		}
	}
}

// Read counts what comes in.
func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.in.Add(int64(n))
	return n, err
}

// Write counts what goes out. If the other side closed the connection in the middle, the reason may still arrive: a server
// can refuse before it has read all of a body. The error is delayed a little, so that the response is found first.
func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.out.Add(int64(n))
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		t := time.NewTimer(answerGrace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.closed:
		}
	}
	return n, err
}

// Close closes the connection.
func (c *countedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// ReadFrom sends all of r in large writes; net/http itself would use 32 KiB.
func (c *countedConn) ReadFrom(r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{r}, buf[:])
}
