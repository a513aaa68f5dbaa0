package rawhttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// conn is one connection of a Client, for one request at a time.
type conn struct {
	net.Conn              // TLS or plain
	raw      *countedConn // below TLS
	records  *records     // nil without TLS
	readable *readable    // nil if the connection has no socket
	head     headReader   // what in reads from
	in       *bufio.Reader
	idle     time.Time // since when
	used     bool      // before the present request
}

// readBuffer of a connection, in bytes: for heads of responses. Reads as large as it bypass it.
const readBuffer = 16 << 10

// drop closes the connection. If the request was aborted, what the kernel has not sent of it yet is discarded: else it
// would take the link from others.
func (c *conn) drop(ctx context.Context) {
	if tcp, ok := c.raw.Conn.(*net.TCPConn); ok && ctx.Err() != nil {
		_ = tcp.SetLinger(0) // only to spare bytes
	}
	c.Close()
}

// send writes all of b, under TLS in as few large writes as possible.
func (c *conn) send(b []byte) error {
	if c.records != nil {
		c.records.hold = true
	}
	_, err := c.Write(b)
	if c.records != nil {
		if ferr := c.records.flush(); err == nil {
			err = ferr
		}
	}
	return err
}

// answered reports, without waiting, whether the server has begun to answer: while a body is still being sent, that is bad
// news.
func (c *conn) answered() bool {
	switch {
	case c.in.Buffered() > 0:
		return true
	case c.records != nil && c.records.ahead() > 0:
	case c.readable == nil || !c.readable.now():
		return false
	case c.records == nil:
		return true
	}
	// Under TLS it may be no more than a session ticket.
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return false
	}
	_, err := c.in.Peek(1)
	if derr := c.SetReadDeadline(time.Time{}); derr != nil {
		return true
	}
	var timeout net.Error
	return err == nil || !errors.As(err, &timeout) || !timeout.Timeout()
}

// answersSoon waits a moment for the response of a server that stopped reading.
func (c *conn) answersSoon() bool {
	if err := c.SetReadDeadline(time.Now().Add(answerGrace)); err != nil {
		return false
	}
	_, err := c.in.Peek(1)
	return errors.Join(err, c.SetReadDeadline(time.Time{})) == nil
}

// headReader reads from a connection, and bounds the heads of responses.
type headReader struct {
	net.Conn
	left int // bytes that may come; unlimited if below 0
}

// maxHead bounds the status line and headers of a response, those of informational responses before it included, in bytes.
// S3's own limit is 8 KiB.
const maxHead = 256 << 10

// ErrLongHead is the error of a response whose head does not end.
var ErrLongHead = fmt.Errorf("an answer with a head of more than %d KiB came", maxHead>>10)

// Read reads at most what is left.
func (h *headReader) Read(p []byte) (int, error) {
	if h.left < 0 {
		return h.Conn.Read(p)
	}
	if h.left == 0 {
		return 0, ErrLongHead
	}
	n, err := h.Conn.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}
