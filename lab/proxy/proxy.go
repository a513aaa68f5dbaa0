// Package proxy is the HTTP proxy that a site puts between its machines and the world: CONNECT for HTTPS, whole addresses for HTTP.
//
// It knows a few names that nobody else resolves, so that what reaches a server by such a name went through the proxy. It counts every
// byte of its clients' connections, can cut them, and wants a login or refuses where a test asks for that.
package proxy

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Config says how a proxy behaves. The zero value lets nothing through, since it knows no names.
type Config struct {
	// Hosts are the names that the proxy knows, each with the host:port to go to, whatever port is asked for.
	Hosts map[string]string
	// Login is what clients must have; nil lets all in.
	Login *url.Userinfo
	// Refuse is the status that answers everything; 0 refuses nothing.
	Refuse int
	// Mute lets requests wait for ever.
	Mute bool
}

// Proxy is a running proxy.
type Proxy struct {
	// Name is its address, URL the same with the login, for HTTP_PROXY and HTTPS_PROXY.
	Name, URL string
	// Forwarded counts the requests over HTTP, Tunnels those for HTTPS. Up and Down count the bytes of all connections.
	Forwarded, Tunnels, Up, Down atomic.Int64

	config  Config
	forward *httputil.ReverseProxy
	closing chan struct{}
	tunnels sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]bool
	mark  int64 // of bytes, both ways
	reach func()
}

// Start starts a proxy on a free port of the loopback interface; it ends with the test.
func Start(tb testing.TB, c Config) *Proxy {
	tb.Helper()
	p := &Proxy{config: c, closing: make(chan struct{}), conns: map[*conn]bool{}}
	transport := &http.Transport{DialContext: p.dial, DisableCompression: true, MaxIdleConnsPerHost: 64}
	p.forward = &httputil.ReverseProxy{Transport: transport, ErrorLog: silent(), Rewrite: func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = silent()
	server.Listener = &listener{server.Listener, p}
	server.Start()
	p.Name = server.URL
	u, err := url.Parse(server.URL)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = c.Login
	p.URL = u.String()
	tb.Cleanup(func() {
		close(p.closing)
		p.Cut()
		server.Close()
		transport.CloseIdleConnections()
		p.tunnels.Wait()
	})
	return p
}

// At calls f once, when n more bytes have passed, both ways together.
func (p *Proxy) At(n int64, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mark, p.reach = p.Up.Load()+p.Down.Load()+n, f
}

// Cut ends all connections that clients have.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Conn.Close()
	}
}

func (p *Proxy) pass(count *atomic.Int64, n int) {
	count.Add(int64(n))
	p.mu.Lock()
	f := p.reach
	if f == nil || p.Up.Load()+p.Down.Load() < p.mark {
		p.mu.Unlock()
		return
	}
	p.reach = nil
	p.mu.Unlock()
	f()
}

// ServeHTTP forwards a request, or opens a tunnel.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.config.Mute {
		select {
		case <-p.closing:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	}
	if status := p.refusal(r); status != 0 {
		w.Header().Set("Proxy-Authenticate", `Basic realm="lab"`)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><body>%s</body></html>", http.StatusText(status))
		return
	}
	switch {
	case r.Method == http.MethodConnect:
		p.tunnel(w, r)
	case r.URL.IsAbs():
		p.Forwarded.Add(1)
		p.forward.ServeHTTP(w, r)
	default:
		http.Error(w, "this is a proxy", http.StatusBadRequest)
	}
}

// refusal gives the status that a request is refused by, or 0.
func (p *Proxy) refusal(r *http.Request) int {
	if u := p.config.Login; u != nil {
		password, _ := u.Password()
		want := &http.Request{Header: http.Header{}}
		want.SetBasicAuth(u.Username(), password)
		if r.Header.Get("Proxy-Authorization") != want.Header.Get("Authorization") {
			return http.StatusProxyAuthRequired
		}
	}
	return p.config.Refuse
}

// dial connects to a host that the proxy knows.
func (p *Proxy) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	to := p.config.Hosts[name]
	if to == "" {
		return nil, fmt.Errorf("%s is not known here", name)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", to)
}

// tunnel carries the bytes of a connection to and fro until either side ends it.
func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	p.Tunnels.Add(1)
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		panic(err)
	}
	p.tunnels.Go(func() {
		pump := func(to, from net.Conn) {
			_, _ = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 256<<10))
			_ = to.Close()
			_ = from.Close()
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		var up sync.WaitGroup
		up.Go(func() { pump(there, here) })
		pump(here, there)
		up.Wait()
	})
}

// listener gives connections whose bytes are counted.
type listener struct {
	net.Listener
	p *Proxy
}

// Accept gives the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counted := &conn{Conn: c, p: l.p}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.conns[counted] = true
	return counted, nil
}

type conn struct {
	net.Conn
	p *Proxy
}

// Read counts what clients send.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.p.pass(&c.p.Up, n)
	return n, err
}

// Write counts what they get.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.p.pass(&c.p.Down, n)
	return n, err
}

// Close forgets the connection.
func (c *conn) Close() error {
	c.p.mu.Lock()
	delete(c.p.conns, c)
	c.p.mu.Unlock()
	return c.Conn.Close()
}

// silent is for the messages of net/http about connections that were cut on purpose.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
