package s3

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// conn is one connection of a directTransport, for one request at a time.
type conn struct {
	net.Conn              // TLS or plain
	raw      *countedConn // below TLS
	records  *records     // nil without TLS
	pending  *pending     // nil if the connection has no socket
	head     headReader   // what in reads from
	in       *bufio.Reader
	idle     time.Time // since when
	used     bool      // before the present request
}

// readBuffer of a connection, in bytes: for heads of answers. Reads as large as it bypass it.
const readBuffer = 16 << 10

// pool keeps the idle connections of a directTransport.
type pool struct {
	// immutable
	tls         *tls.Config
	dialTimeout time.Duration

	mu    sync.Mutex
	idle  map[origin][]*conn // the last used is the last
	hosts map[string]*host
}

// origin is the key of idle connections.
type origin struct{ scheme, host string }

func (a address) origin() origin { return origin{a.scheme, a.host} }

// host is what is known of a host's addresses.
type host struct {
	found time.Time
	addrs []string
	next  atomic.Uint32
}

const (
	// freshNames is how long addresses of a host are used before they are looked up again; S3 changes them every few
	// seconds.
	freshNames = 30 * time.Second
	maxIdle    = 256 // connections per host
)

func newPool(t *tls.Config) *pool {
	if t == nil {
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t = t.Clone()
	t.NextProtos = []string{"http/1.1"}
	t.DynamicRecordSizingDisabled = true
	t.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return &pool{tls: t, dialTimeout: dialTimeout, idle: map[origin][]*conn{}, hosts: map[string]*host{}}
}

// get returns a connection, the most recently used idle one unless fresh is wanted.
func (p *pool) get(ctx context.Context, a address, fresh bool) (*conn, error) {
	if c := p.hottest(a); c != nil && !fresh {
		return c, nil
	} else if c != nil {
		c.Close()
	}
	return p.dial(ctx, a)
}

func (p *pool) hottest(a address) *conn {
	key := a.origin()
	var dead []*conn
	defer func() {
		for _, c := range dead {
			c.Close()
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	if time.Since(c.idle) > idleTimeout { // then all of them are stale
		dead = list
		delete(p.idle, key)
		return nil
	}
	p.idle[key] = list[:len(list)-1]
	c.used = true
	return c
}

// put takes a connection back after an answer that was read to its end.
func (p *pool) put(a address, c *conn) {
	c.idle = time.Now()
	key := a.origin()
	var dead *conn
	p.mu.Lock()
	list := append(p.idle[key], c)
	if len(list) > maxIdle || time.Since(list[0].idle) > idleTimeout {
		dead = list[0]
		list = slices.Delete(list, 0, 1)
	}
	p.idle[key] = list
	p.mu.Unlock()
	if dead != nil {
		dead.Close()
	}
}

// dial connects to one of the host's addresses, trying each in turn.
func (p *pool) dial(ctx context.Context, a address) (*conn, error) {
	name, port, err := net.SplitHostPort(a.host)
	if err != nil {
		name, port = a.host, map[string]string{"http": "80", "https": "443"}[a.scheme]
	}
	addrs, err := p.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: p.dialTimeout, KeepAlive: 15 * time.Second}
	for i, addr := range addrs {
		var c net.Conn
		if c, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(addr, port)); err == nil {
			return p.secure(ctx, a, name, c)
		}
		p.forget(name)
		if ctx.Err() != nil || i == 3 {
			break
		}
	}
	return nil, err
}

// secure does the TLS handshake if the address requires it.
func (p *pool) secure(ctx context.Context, a address, name string, plain net.Conn) (*conn, error) {
	raw := countConn(plain)
	c := &conn{Conn: raw, raw: raw}
	if raw.raw != nil {
		limitAhead(raw.raw)
		c.pending = newPending(raw.raw)
	}
	if a.scheme == "https" {
		t := p.tls
		if t.ServerName == "" {
			t = t.Clone()
			t.ServerName = name
		}
		c.records = &records{Conn: raw, read: make([]byte, recordsSize)}
		secured := tls.Client(c.records, t)
		hctx, cancel := context.WithTimeout(ctx, tlsTimeout)
		defer cancel()
		if err := secured.HandshakeContext(hctx); err != nil {
			raw.Close()
			return nil, err
		}
		c.Conn = secured
	}
	c.head = headReader{Conn: c.Conn, left: -1}
	c.in = bufio.NewReaderSize(&c.head, readBuffer)
	return c, nil
}

// headReader reads from a connection, and bounds the heads of answers.
type headReader struct {
	net.Conn
	left int // bytes that may come; unlimited if below 0
}

var errLongHead = fmt.Errorf("an answer with a head of more than %d KiB came", maxHead>>10)

// Read reads at most what is left.
func (h *headReader) Read(p []byte) (int, error) {
	if h.left < 0 {
		return h.Conn.Read(p)
	}
	if h.left == 0 {
		return 0, errLongHead
	}
	n, err := h.Conn.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// lookUp returns the addresses of a host, each time beginning with another, so that connections spread over all of them.
func (p *pool) lookUp(ctx context.Context, name string) ([]string, error) {
	p.mu.Lock()
	h := p.hosts[name]
	p.mu.Unlock()
	if h == nil || time.Since(h.found) > freshNames {
		addrs, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil {
			return nil, err
		}
		h = &host{found: time.Now(), addrs: addrs}
		p.mu.Lock()
		p.hosts[name] = h
		p.mu.Unlock()
	}
	i := int(h.next.Add(1)-1) % len(h.addrs)
	return append(slices.Clone(h.addrs[i:]), h.addrs[:i]...), nil
}

// forget makes the host be looked up again, after one of its addresses was dead.
func (p *pool) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hosts, name)
}

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
	case c.pending == nil || !c.pending.now():
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

// records makes fewer and larger reads and writes of those of TLS, which are of one record of 16 KiB at a time. Writes are
// passed on at once except between hold and flush.
type records struct {
	net.Conn
	held []byte
	hold bool
	read []byte
	r, w int // read[r:w] was read from Conn and is not returned yet
}

// recordsSize is about how much is read or written at once, in bytes.
const recordsSize = 64 << 10

// ahead returns how many bytes were read that TLS has not asked for.
func (r *records) ahead() int { return r.w - r.r }

// Read returns what has come.
func (r *records) Read(p []byte) (int, error) {
	if r.r == r.w {
		if len(p) >= len(r.read) {
			return r.Conn.Read(p)
		}
		n, err := r.Conn.Read(r.read)
		if r.r, r.w = 0, n; n == 0 {
			return 0, err
		}
	}
	n := copy(p, r.read[r.r:r.w])
	r.r += n
	return n, nil
}

// Write buffers the bytes or passes them on.
func (r *records) Write(p []byte) (int, error) {
	if !r.hold {
		return r.Conn.Write(p)
	}
	if len(r.held)+len(p) > recordsSize {
		if err := r.pass(); err != nil {
			return 0, err
		}
	}
	r.held = append(r.held, p...)
	return len(p), nil
}

func (r *records) flush() error {
	r.hold = false
	return r.pass()
}

func (r *records) pass() error {
	if len(r.held) == 0 {
		return nil
	}
	_, err := r.Conn.Write(r.held)
	r.held = r.held[:0]
	return err
}
