// Package nullstore is an S3 endpoint that keeps nothing, so that what a benchmark measures is the client.
//
// What is sent is thrown away inside the kernel; what is fetched comes from one cached file that all objects share, by sendfile. It speaks
// HTTP/1.1 with code of its own, over TLS as well, takes any signature, and knows enough of S3 for haul, the AWS CLI, s5cmd, rclone and mc.
//
//	PUT     drop the body (checking mode: sum it, compare with what was promised), remember size, sums and metadata
//	GET     the pattern, from a page that depends on the key; so an object that was PUT comes back only if it was Content of its own key
//	Shape   rates of a connection and of the link, the delay to the first byte, and requests that are slow, stall, are cut, spoiled or refused
//
// A second listener is for control, in JSON: POST /shape, POST /reset, GET /stats, GET /objects.
//
// It does not promise: that two conditional writes exclude each other, versions, ACLs, or that anything outlives the process. Rates hold
// to a few percent for bodies of a megabyte and more.
package nullstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/wide"
)

// Config is how to start a Server.
type Config struct {
	// Dir is where the pattern lies, best in memory; empty is the folder for temporary files.
	Dir string
	// PatternSize in bytes; 0 is DefaultPattern.
	PatternSize int64
	// Objects that are there from the beginning.
	Objects []Declared
	// Check sums every body and compares; it costs far more than dropping.
	Check bool
	Shape Shape
}

// Declared is an object that is there from the beginning.
type Declared struct {
	Bucket, Key string
	Size        int64
}

// Server is a running endpoint.
type Server struct {
	// HTTP, HTTPS and Control are the URLs of its listeners, on loopback. CA is the PEM of the certificate that HTTPS is signed by.
	HTTP, HTTPS, Control string
	CA                   []byte

	pattern *Pattern
	check   bool
	stats   *stats
	etags   atomic.Int64
	regime  atomic.Pointer[regime]

	listeners []net.Listener
	control   *http.Server
	running   sync.WaitGroup

	mu      sync.Mutex
	objects map[string]*object // by bucket/key
	sorted  []string           // the names of objects in order; nil when it must be made anew
	uploads map[string]*upload
	open    map[*conn]struct{}
	closed  bool
}

// Start starts a Server.
func Start(c Config) (*Server, error) {
	if err := c.Shape.check(); err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	if c.Dir == "" {
		c.Dir = os.TempDir()
	}
	if c.PatternSize == 0 {
		c.PatternSize = DefaultPattern
	}
	p, err := NewPattern(c.Dir, c.PatternSize)
	if err != nil {
		return nil, err
	}
	s := &Server{pattern: p, check: c.Check, stats: newStats(),
		objects: map[string]*object{}, uploads: map[string]*upload{}, open: map[*conn]struct{}{}}
	s.regime.Store(newRegime(c.Shape))
	for _, d := range c.Objects {
		s.declare(d)
	}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Content is what an object of that name and size holds.
func (s *Server) Content(bucket, key string, size int64) Content {
	return s.pattern.Content(bucket+"/"+key, size)
}

func (s *Server) declare(d Declared) {
	name := d.Bucket + "/" + d.Key
	sum := s.pattern.Content(name, d.Size).Sum(checksum.CRC64NVME)
	s.objects[name] = &object{name: name, size: d.Size, etag: s.newETag(), modified: time.Now(), crc: sum, kind: checksum.FullObject,
		sums: []field{{sumPrefix + "crc64nvme", sum.Base64()}}}
}

// newETag gives an ETag that cannot be taken for an MD5.
func (s *Server) newETag() string { return fmt.Sprintf("null-%08x", s.etags.Add(1)) }

func (s *Server) listen() error {
	config, ca, err := newTLS()
	if err != nil {
		return err
	}
	s.CA = ca
	for _, to := range []struct {
		url    *string
		scheme string
	}{{&s.HTTP, "http"}, {&s.HTTPS, "https"}, {&s.Control, "http"}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
		*to.url = to.scheme + "://" + l.Addr().String()
	}
	s.control = &http.Server{Handler: s.controls(), ReadHeaderTimeout: time.Minute}
	s.running.Add(3)
	go s.accept(s.listeners[0], nil)
	go s.accept(s.listeners[1], config)
	go func() {
		defer s.running.Done()
		_ = s.control.Serve(s.listeners[2]) // ends by Close
	}()
	return nil
}

func (s *Server) accept(l net.Listener, config *tls.Config) {
	defer s.running.Done()
	for {
		n, err := l.Accept()
		if err != nil {
			return
		}
		tcp := n.(*net.TCPConn)
		raw, err := tcp.SyscallConn()
		if err != nil {
			_ = tcp.Close()
			continue
		}
		c := &conn{s: s, c: tcp, tcp: tcp, raw: raw, buf: make([]byte, 8<<10)}
		if config != nil {
			c.wide = wide.New(tcp, wideSize)
			c.c = tls.Server(c.wide, config)
			c.scratch = make([]byte, recordSize)
		}
		if !s.enter(c) {
			_ = tcp.Close()
			continue
		}
		go func() {
			defer s.leave(c)
			c.serve()
		}()
	}
}

func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.open[c] = struct{}{}
	s.running.Add(1)
	s.stats.opened.Add(1)
	s.stats.open.enter()
	return true
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.stats.open.leave()
	s.running.Done()
}

// SetShape gives the link another Shape. Requests that were stalled by the old one end.
func (s *Server) SetShape(shape Shape) error {
	if err := shape.check(); err != nil {
		return err
	}
	old := s.regime.Swap(newRegime(shape))
	close(old.over)
	return nil
}

// Stats gives what was seen since the last Reset.
func (s *Server) Stats() Stats { return s.stats.snapshot() }

// Reset counts from zero, begins the Shape's choices anew, and forgets what was PUT.
func (s *Server) Reset() error {
	s.mu.Lock()
	for name, o := range s.objects {
		if o.put {
			delete(s.objects, name)
		}
	}
	clear(s.uploads)
	s.sorted = nil
	s.mu.Unlock()
	err := s.SetShape(s.regime.Load().Shape)
	s.stats.reset()
	return err
}

// Close ends all connections and gives everything back.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		_ = c.tcp.Close()
	}
	s.mu.Unlock()
	if s.control != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.control.Shutdown(ctx); err != nil {
			errs = append(errs, s.control.Close())
		}
	}
	errs = append(errs, s.SetShape(Shape{}))
	s.running.Wait()
	return errors.Join(append(errs, s.pattern.Close())...)
}

// ParseDeclared reads "BUCKET/KEY=SIZE", or "BUCKET/PREFIX=COUNTxSIZE" for COUNT objects PREFIX00000, PREFIX00001 and so on.
func ParseDeclared(text string) ([]Declared, error) {
	name, amount, ok := strings.Cut(text, "=")
	bucket, key, ok2 := strings.Cut(name, "/")
	if !ok || !ok2 || bucket == "" || key == "" {
		return nil, fmt.Errorf("%q is not BUCKET/KEY=SIZE", text)
	}
	count, each, many := strings.Cut(amount, "x")
	if !many {
		size, err := ParseSize(amount)
		return []Declared{{bucket, key, size}}, err
	}
	n, err1 := ParseSize(count)
	size, err2 := ParseSize(each)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	all := make([]Declared, n)
	for i := range all {
		all[i] = Declared{bucket, fmt.Sprintf("%s%05d", key, i), size}
	}
	return all, nil
}
