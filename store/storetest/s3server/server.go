// Package s3server is an S3 endpoint on the loopback interface, on top of a storetest.Memory: for tests of a client of S3, and
// of programs.
//
//	s := s3server.Serve(t, m)
//	s.Wire(storetest.PutPart).Part(3).After(1024).CorruptByte() // on the network; m.Fault is in the store
//
//	request -> a lie, if there are Lies -> operation and object -> fault of the network -> a signature? -> Memory -> XML
//
// It speaks HTTP/1.1 and path style, and what of S3 a Memory has. It does not check signatures.
package s3server

import (
	"context"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Server is an S3 endpoint for a Memory. It accepts every signature, but requires one. Serve makes one.
type Server struct {
	// URL of the endpoint: scheme, host and port.
	URL string

	memory    *storetest.Memory
	http      *httptest.Server
	tls       bool
	anonymous bool
	region    string
	strict    bool // requires the right region
	page      int
	rate      atomic.Int64
	delay     time.Duration
	done      <-chan struct{}
	stop      context.CancelFunc
	ids       atomic.Int64
	wireIn    atomic.Int64
	wireOut   atomic.Int64

	mu     sync.Mutex
	counts storetest.Counts

	script storetest.Script
	lies   atomic.Pointer[Lies]
}

// Option is an option of Serve.
type Option func(*Server)

// TLS makes the server speak HTTPS, with a certificate signed by Server.CA.
func TLS() Option { return func(s *Server) { s.tls = true } }

// Anonymous makes the server answer requests that are not signed.
func Anonymous() Option { return func(s *Server) { s.anonymous = true } }

// Region sets the region of the server, in place of us-east-1, and makes it redirect requests that are signed for another.
func Region(name string) Option {
	return func(s *Server) { s.region, s.strict = name, true }
}

// Page sets how many entries a page of a listing has at most, in place of 1000.
func Page(n int) Option { return func(s *Server) { s.page = n } }

// Rate limits every connection to that many bytes per second, in each direction.
func Rate(bytes int64) Option { return func(s *Server) { s.rate.Store(bytes) } }

// Delay makes every request wait that long for its answer.
func Delay(d time.Duration) Option { return func(s *Server) { s.delay = d } }

// Serve starts an S3 endpoint for m, on a free port of 127.0.0.1. With tb it is closed at the end of the test, and fails it
// if a fault of the network did not fire; tb may be nil, and the caller must then close it.
func Serve(tb testing.TB, m *storetest.Memory, opts ...Option) *Server {
	s := &Server{memory: m, region: "us-east-1", page: 1000, counts: storetest.Counts{}}
	for _, o := range opts {
		o(s)
	}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	ctx, stop := context.WithCancel(context.Background())
	s.done, s.stop = ctx.Done(), stop
	s.http.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	s.http.Listener = &listener{Listener: s.http.Listener, s: s}
	s.URL = "http://" + s.http.Listener.Addr().String() // before Start: handlers read it
	if s.tls {
		s.URL = "https" + strings.TrimPrefix(s.URL, "http")
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	if tb != nil {
		tb.Cleanup(func() {
			s.Close()
			s.script.Fired(tb)
		})
	}
	return s
}

// Close ends all connections and stops the server.
func (s *Server) Close() {
	s.stop()
	s.http.CloseClientConnections()
	s.http.Close()
}

// CA returns the certificate of a TLS server, in PEM, for clients to trust.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// Wire makes a request of op go wrong between client and store, in the way that the methods of the result say. An Error of
// kind Network or Stalled resets the connection; another is reported in S3's words; WrongRegion names the server's region.
// LoseAnswer resets the connection after all was done. Truncate and CorruptByte keep the headers right; Truncate is for
// downloads.
func (s *Server) Wire(op storetest.Op) *storetest.Fault { return s.script.Fault(op) }

// Random makes requests go wrong on the network by chance, from now on; seed makes it the same every time.
func (s *Server) Random(seed uint64, r storetest.Rates) { s.script.Random(seed, r) }

// SetRate changes what Rate set; 0 is no limit.
func (s *Server) SetRate(bytes int64) { s.rate.Store(bytes) }

// Counts returns what went over the network so far: requests, and payload bytes as far as the server read or wrote them.
func (s *Server) Counts() storetest.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Bytes returns how many bytes of all kinds came in and went out: payload, headers, TLS.
func (s *Server) Bytes() (in, out int64) { return s.wireIn.Load(), s.wireOut.Load() }

func (s *Server) count(op storetest.Op, x storetest.Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Add(op, x)
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.lie(w, r) {
		s.serveTruth(w, r)
	}
}

func (s *Server) serveTruth(w http.ResponseWriter, r *http.Request) {
	q := s.parse(w, r)
	w.Header().Set("x-amz-request-id", fmt.Sprintf("REQUEST%09d", s.ids.Add(1)))
	w.Header().Set("Server", "storetest")
	if s.delay > 0 && q.sleep(s.delay) != nil {
		q.reset()
		return
	}
	err := q.call.Begin()
	if err == nil {
		err = s.authorized(r)
	}
	if err == nil {
		err = q.answer()
	}
	q.finish(err)
}

// authorized requires a signature, whatever it says.
func (s *Server) authorized(r *http.Request) error {
	signature := r.Header.Get("Authorization") + r.URL.Query().Get("X-Amz-Credential")
	if signature == "" {
		if s.anonymous {
			return nil
		}
		return storetest.Refuse("", store.Ref{}, store.Denied, "Access Denied")
	}
	// The scope of a signature of version 4 is KEY/DATE/REGION/SERVICE/aws4_request.
	if scope := strings.Split(signature, "/"); s.strict && len(scope) >= 5 && scope[2] != s.region {
		return storetest.Refuse("", store.Ref{}, store.WrongRegion, "The bucket you are attempting to access must be addressed using the specified endpoint.")
	}
	return nil
}

// listener counts and slows the bytes of its connections.
type listener struct {
	net.Listener
	s *Server
}

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok && l.s.rate.Load() > 0 {
		// Large kernel buffers would make a slow connection look fast to the sender.
		if err := tcp.SetReadBuffer(64 << 10); err != nil {
			return nil, err
		}
	}
	return &conn{Conn: c, s: l.s}, nil
}

type conn struct {
	net.Conn
	s *Server
}

// Read reads no faster than the server's rate.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(c.some(p))
	c.s.wireIn.Add(int64(n))
	c.pause(n)
	return n, err
}

// Write writes no faster than the server's rate.
func (c *conn) Write(p []byte) (int, error) {
	sent := 0
	for {
		some := c.some(p[sent:])
		c.s.wireOut.Add(int64(len(some))) // before, so that readers of the bytes find them counted
		n, err := c.Conn.Write(some)
		sent += n
		c.pause(n)
		if err != nil || sent == len(p) {
			return sent, err
		}
	}
}

// some returns the first bytes of p, as many as fit a twentieth of a second.
func (c *conn) some(p []byte) []byte {
	if rate := c.s.rate.Load(); rate > 0 {
		return p[:min(int64(len(p)), max(1, rate/20))]
	}
	return p
}

func (c *conn) pause(n int) {
	if rate := c.s.rate.Load(); rate > 0 && n > 0 {
		select {
		case <-time.After(time.Duration(float64(n) / float64(rate) * float64(time.Second))):
		case <-c.s.done:
		}
	}
}
