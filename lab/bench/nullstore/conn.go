package nullstore

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"haul.example/haul/lab/bench/wide"
)

const (
	headLimit = 64 << 10
	wideSize  = 256 << 10
	// recordSize is the most that TLS gives at once.
	recordSize = 16 << 10
)

// errEnd ends a connection: the other end is gone, or its request was harmed on purpose.
var errEnd = errors.New("the connection ends")

// conn is one connection: one request after the other.
type conn struct {
	s   *Server
	c   net.Conn // TLS, or tcp itself
	tcp *net.TCPConn
	raw syscall.RawConn
	// wide and scratch are nil where there is no TLS. What was decrypted and is not wanted goes into scratch.
	wide    *wide.Conn
	scratch []byte

	buf  []byte
	r, w int    // buf[r:w] has come and is not used yet
	out  []byte // the answer
	g    *regime
	wait *time.Timer
}

func (c *conn) serve() {
	defer func() { _ = c.c.Close() }()
	for {
		h, err := c.readHead()
		if err != nil {
			return
		}
		c.g = c.s.regime.Load()
		keep, err := c.handle(h)
		if err != nil || !keep {
			return
		}
	}
}

// readHead reads up to the empty line.
func (c *conn) readHead() (*head, error) {
	for {
		if i := bytes.Index(c.buf[c.r:c.w], []byte("\r\n\r\n")); i >= 0 {
			text := string(c.buf[c.r : c.r+i])
			c.r += i + 4
			return parseHead(text)
		}
		if c.r > 0 {
			c.w = copy(c.buf, c.buf[c.r:c.w])
			c.r = 0
		}
		if c.w == len(c.buf) {
			if len(c.buf) >= headLimit {
				return nil, errHead
			}
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		}
		n, err := c.c.Read(c.buf[c.w:])
		c.w += n
		if n == 0 {
			return nil, errors.Join(err, errEnd)
		}
	}
}

// Read gives what follows the head.
func (c *conn) Read(p []byte) (int, error) {
	if c.r < c.w {
		n := copy(p, c.buf[c.r:c.w])
		c.r += n
		return n, nil
	}
	var n int
	var err error
	if len(p) >= len(c.buf) {
		n, err = c.c.Read(p)
	} else {
		c.r = 0
		c.w, err = c.c.Read(c.buf)
		n = copy(p, c.buf[:c.w])
		c.r = n
	}
	switch {
	case n > 0:
		return n, nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return 0, err
}

// drop throws away up to n bytes of what follows the head.
func (c *conn) drop(n int64) (int64, error) {
	if c.r < c.w {
		n = min(n, int64(c.w-c.r))
		c.r += int(n)
		return n, nil
	}
	if c.wide == nil {
		return drop(c.raw, n)
	}
	got, err := c.c.Read(c.scratch[:min(n, recordSize)])
	if got > 0 {
		err = nil
	}
	return int64(got), err
}

// write sends what is in c.out.
func (c *conn) write() error {
	_, err := c.c.Write(c.out)
	c.out = c.out[:0]
	return errors.Join(err, c.flush())
}

func (c *conn) flush() error {
	if c.wide == nil {
		return nil
	}
	return c.wide.Flush()
}

// pause waits, unless another Shape comes.
func (c *conn) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	if c.wait == nil {
		c.wait = time.NewTimer(d)
	} else {
		c.wait.Reset(d)
	}
	select {
	case <-c.wait.C:
	case <-c.g.over:
		c.wait.Stop()
	}
}

// hang is what a stalled request does: nothing, until the other end is gone or another Shape comes.
func (c *conn) hang() error {
	for {
		select {
		case <-c.g.over:
			return errEnd
		default:
		}
		if gone(c.raw) {
			return errEnd
		}
		c.pause(100 * time.Millisecond)
	}
}

// harm does a fault that ends the connection, if f is one.
func (c *conn) harm(f fault) error {
	switch f {
	case stall:
		return errors.Join(c.flush(), c.hang())
	case cut:
		_ = c.tcp.SetLinger(0)
		_ = c.tcp.Close()
		return errEnd
	}
	return nil
}

// answer is an answer without an object's bytes.
type answer struct {
	status int
	fields []field
	body   string
	// expected marks an answer 4xx that is no fault of the client's.
	expected bool
}

// reply sends an answer after the delay to the first byte.
func (c *conn) reply(h *head, a answer) (keep bool, err error) {
	c.pause(time.Duration(c.g.FirstByteMS * float64(time.Millisecond)))
	length := int64(len(a.body))
	if h.method == "HEAD" {
		a.body = ""
	}
	if a.status/100 == 4 && !a.expected && h.method != "HEAD" {
		c.s.stats.complain(h.method + " " + h.path + "?" + h.query + ": " + strconv.Itoa(a.status) + " " + a.body)
	}
	keep = !h.is("connection", "close")
	if !keep {
		a.fields = append(a.fields, field{"Connection", "close"})
	}
	c.begin(a.status, a.fields)
	if a.status != 204 && !has(a.fields, "Content-Length") {
		c.field("Content-Length", strconv.FormatInt(length, 10))
	}
	c.out = append(c.out, "\r\n"...)
	c.out = append(c.out, a.body...)
	return keep, c.write()
}

func has(fields []field, name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}

func (c *conn) begin(status int, fields []field) {
	c.out = append(c.out[:0], "HTTP/1.1 "...)
	c.out = strconv.AppendInt(c.out, int64(status), 10)
	c.out = append(c.out, " -\r\n"...)
	c.field("Server", "nullstore")
	c.field("x-amz-request-id", "0")
	c.out = time.Now().UTC().AppendFormat(append(c.out, "Date: "...), "Mon, 02 Jan 2006 15:04:05 GMT\r\n")
	for _, f := range fields {
		c.field(f.name, f.value)
	}
}

func (c *conn) field(name, value string) {
	c.out = append(c.out, name...)
	c.out = append(c.out, ": "...)
	c.out = append(c.out, value...)
	c.out = append(c.out, "\r\n"...)
}

// slowDown refuses a request before its body, as S3 does: the answer goes out at once, and the connection is given up. What the
// client goes on sending is thrown away for a while, so that it gets to see the answer.
func (c *conn) slowDown(h *head) error {
	c.s.stats.faults[refuse].Add(1)
	length, err := h.length()
	a := answer{status: 503, body: errorXML("SlowDown", "Please reduce your request rate.")}
	if length == 0 || err != nil {
		keep, err := c.reply(h, a)
		if err == nil && !keep {
			err = errEnd
		}
		return err
	}
	a.fields = []field{{"Connection", "close"}}
	if _, err := c.reply(h, a); err != nil {
		return err
	}
	if closer, ok := c.c.(interface{ CloseWrite() error }); ok {
		_ = closer.CloseWrite()
		_ = c.flush()
	}
	_ = c.tcp.SetReadDeadline(time.Now().Add(time.Second))
	pace := c.g.pacer(sound, c.g.in)
	for {
		n, err := c.drop(pace.slice(dropSize))
		c.s.stats.in.Add(n)
		c.pause(pace.due(n))
		if err != nil {
			return errEnd
		}
	}
}
