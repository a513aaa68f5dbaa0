package rawhttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// origin is the key of idle connections.
type origin struct{ scheme, host string }

func originOf(r *http.Request) origin { return origin{r.URL.Scheme, r.URL.Host} }

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
	maxIdle    = 256 // connections per origin
)

// get returns a connection, the most recently used idle one unless fresh is wanted. An idle one on which something came is
// closed: bytes that nobody asked for, such as the 408 of a proxy that is about to close it, are not the next response.
func (c *Client) get(ctx context.Context, to origin, fresh bool) (*conn, error) {
	for n := c.hottest(to); n != nil; n = c.hottest(to) {
		if !fresh && !n.answered() {
			return n, nil
		}
		n.Close()
		if fresh {
			break
		}
	}
	return c.dial(ctx, to)
}

// hottest returns the idle connection that was used last, or nil.
func (c *Client) hottest(to origin) *conn {
	var dead []*conn
	defer func() {
		for _, n := range dead {
			n.Close()
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.idle[to]
	if len(list) == 0 {
		return nil
	}
	n := list[len(list)-1]
	if time.Since(n.idle) > idleTimeout { // then all of them are stale
		dead = list
		delete(c.idle, to)
		return nil
	}
	c.idle[to] = list[:len(list)-1]
	n.used = true
	return n
}

// put takes a connection back after a response that was read to its end.
func (c *Client) put(to origin, n *conn) {
	n.idle = time.Now()
	var dead *conn
	c.mu.Lock()
	list := append(c.idle[to], n)
	if len(list) > maxIdle || time.Since(list[0].idle) > idleTimeout {
		dead = list[0]
		list = slices.Delete(list, 0, 1)
	}
	c.idle[to] = list
	c.mu.Unlock()
	if dead != nil {
		dead.Close()
	}
}

// dial connects to one of the host's addresses, trying each in turn.
func (c *Client) dial(ctx context.Context, to origin) (*conn, error) {
	name, port, err := net.SplitHostPort(to.host)
	if err != nil {
		name, port = to.host, map[string]string{"http": "80", "https": "443"}[to.scheme]
	}
	addrs, err := c.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: c.dialTimeout, KeepAlive: keepAlive}
	for i, addr := range addrs {
		var plain net.Conn
		if plain, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(addr, port)); err == nil {
			return c.secure(ctx, to, name, plain)
		}
		c.forget(name)
		if ctx.Err() != nil || i == 3 {
			break
		}
	}
	return nil, err
}

// secure does the TLS handshake if the origin requires it.
func (c *Client) secure(ctx context.Context, to origin, name string, plain net.Conn) (*conn, error) {
	raw := countConn(plain)
	n := &conn{Conn: raw, raw: raw}
	if raw.raw != nil {
		limitAhead(raw.raw)
		n.readable = newReadable(raw.raw)
	}
	if to.scheme == "https" {
		t := c.tls
		if t.ServerName == "" {
			t = t.Clone()
			t.ServerName = name
		}
		n.records = &records{Conn: raw, read: make([]byte, recordsSize)}
		secured := tls.Client(n.records, t)
		hctx, cancel := context.WithTimeout(ctx, tlsTimeout)
		defer cancel()
		if err := secured.HandshakeContext(hctx); err != nil {
			raw.Close()
			return nil, err
		}
		n.Conn = secured
	}
	n.head = headReader{Conn: n.Conn, left: -1}
	n.in = bufio.NewReaderSize(&n.head, readBuffer)
	return n, nil
}

// lookUp returns the addresses of a host, each time beginning with another, so that connections spread over all of them.
func (c *Client) lookUp(ctx context.Context, name string) ([]string, error) {
	c.mu.Lock()
	h := c.hosts[name]
	c.mu.Unlock()
	if h == nil || time.Since(h.found) > freshNames {
		addrs, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil {
			return nil, err
		}
		h = &host{found: time.Now(), addrs: addrs}
		c.mu.Lock()
		c.hosts[name] = h
		c.mu.Unlock()
	}
	i := int(h.next.Add(1)-1) % len(h.addrs)
	return append(slices.Clone(h.addrs[i:]), h.addrs[:i]...), nil
}

// forget makes the host be looked up again, after one of its addresses did not answer.
func (c *Client) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hosts, name)
}
