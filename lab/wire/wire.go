// Package wire is a bad network: a proxy for HTTP that corrupts, cuts, stalls and refuses, and counts what passes.
//
// It stands before a real server, so that haul's answer to a fault is seen to work with that server's own. Requests pass as they came,
// Host included, so that their signatures hold. Each fault must fire as often as it says: one that did not fails the test.
package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Way is what happens to a request.
type Way string

// The ways.
const (
	// Corrupt flips a bit of the body and lets everything else be.
	Corrupt Way = "corrupt"
	// Cut ends the connection in the middle of the body.
	Cut Way = "cut"
	// Stall lets no more of the body through and keeps the connection open.
	Stall Way = "stall"
	// SlowDown answers 503 SlowDown; the server never sees the request.
	SlowDown Way = "slow down"
	// LoseAnswer lets the server do the work and cuts the connection before its answer.
	LoseAnswer Way = "lose answer"
)

// Side is a direction.
type Side int

// The sides.
const (
	Up   Side = iota // the body of the request
	Down             // the body of the answer
)

// Fault is something that happens to requests.
type Fault struct {
	Way Way
	// When reports which requests: PutPart, GetBytes, Complete, or a function of one's own.
	When func(*http.Request) bool
	// Side and After say where Corrupt, Cut and Stall harm: from the byte at that offset of that body. Shorter bodies go free.
	Side  Side
	After int64
	// Times is how many requests are harmed, the first that fit; 0 is one.
	Times int
}

// PutPart reports whether a request sends a part.
func PutPart(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}

// GetBytes reports whether a request fetches bytes of an object.
func GetBytes(r *http.Request) bool {
	return r.Method == http.MethodGet && len(r.URL.Query()) <= 1 && r.Header.Get("Range") != ""
}

// Complete reports whether a request completes an upload.
func Complete(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

// Proxy is a running proxy.
type Proxy struct {
	URL string
	// Up and Down count the bytes of bodies.
	Up, Down atomic.Int64

	tb      testing.TB
	forward *httputil.ReverseProxy
	closing chan struct{}

	mu     sync.Mutex
	faults []*fault
}

type fault struct {
	Fault
	left int
}

// Start starts a proxy before the HTTP server at target; it ends with the test.
func Start(tb testing.TB, target string) *Proxy {
	tb.Helper()
	to, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // else it would ask for gzip and undo it
	transport.MaxIdleConnsPerHost = 64
	p := &Proxy{tb: tb, closing: make(chan struct{})}
	p.forward = &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  silent(),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: p.answer,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // cuts the connection
	}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = silent()
	server.Start()
	p.URL = server.URL
	tb.Cleanup(func() {
		close(p.closing)
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
		p.check()
	})
	return p
}

// Break adds a fault.
func (p *Proxy) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &fault{f, max(f.Times, 1)})
}

func (p *Proxy) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.left > 0 {
			p.tb.Errorf("the fault %q did not fire %d times more", f.Way, f.left)
		}
	}
}

// claim gives the fault that is this request's, or nil. Before the request goes out, length is that of its body; after, the answer's.
func (p *Proxy) claim(r *http.Request, answered bool, length int64) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		late := f.Side == Down || f.Way == LoseAnswer
		bites := f.Way == SlowDown || f.Way == LoseAnswer || length < 0 || length > f.After
		if f.left > 0 && late == answered && bites && f.When(r) {
			f.left--
			return f
		}
	}
	return nil
}

// ServeHTTP passes a request on, harmed if it is its turn.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.claim(r, false, r.ContentLength)
	if f != nil && f.Way == SlowDown {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, slowDown)
		return
	}
	if r.Body != http.NoBody {
		r.Body = &body{ReadCloser: r.Body, proxy: p, fault: f, count: &p.Up, done: r.Context().Done()}
	}
	p.forward.ServeHTTP(w, r)
}

const slowDown = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`

// answer looks at the server's answer before it goes back.
func (p *Proxy) answer(r *http.Response) error {
	f := p.claim(r.Request, true, r.ContentLength)
	if f != nil && f.Way == LoseAnswer {
		return errCut
	}
	r.Body = &body{ReadCloser: r.Body, proxy: p, fault: f, count: &p.Down, done: r.Request.Context().Done()}
	return nil
}
