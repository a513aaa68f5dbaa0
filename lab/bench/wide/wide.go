// Package wide makes the reads and writes below TLS large.
//
// crypto/tls writes one record of at most 16 KiB at a time, and reads about as much. A Conn between it and the socket gathers the records,
// so that a system call moves many of them.
//
//	c := wide.New(tcp, 256<<10)
//	t := tls.Client(c, config)
//	t.Write(request)
//	c.Flush()            // nothing leaves for sure before this, or before the next read
//
// A Conn serves one goroutine at a time.
package wide

import "net"

// Conn is a connection with a buffer each way.
type Conn struct {
	net.Conn
	in   []byte
	r, w int // in[r:w] is read and not yet given
	out  []byte
}

// New puts buffers of that size, in bytes, before a connection.
func New(c net.Conn, size int) *Conn {
	return &Conn{Conn: c, in: make([]byte, size), out: make([]byte, 0, size)}
}

// Read gives what has come, after it has sent what is waiting: who reads an answer has asked for it.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.Flush(); err != nil {
		return 0, err
	}
	if c.r == c.w {
		if len(p) >= len(c.in) {
			return c.Conn.Read(p)
		}
		n, err := c.Conn.Read(c.in)
		c.r, c.w = 0, n
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, c.in[c.r:c.w])
	c.r += n
	return n, nil
}

// Write gathers, and sends when the buffer is full.
func (c *Conn) Write(p []byte) (int, error) {
	if len(c.out)+len(p) > cap(c.out) {
		if err := c.Flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > cap(c.out) {
		return c.Conn.Write(p)
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

// Flush sends what was gathered.
func (c *Conn) Flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// Close sends what was gathered, which may be TLS's farewell, and closes.
func (c *Conn) Close() error {
	_ = c.Flush() // the other end may be gone already
	return c.Conn.Close()
}
