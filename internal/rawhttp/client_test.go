package rawhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"haul.example/haul/internal/rawhttp"
)

// scripted is a server that answers the nth request of a connection with the nth response of that connection, and then
// closes it.
type scripted struct {
	addr  string
	conns atomic.Int64
	got   chan string // the bytes of each request
}

func script(t testing.TB, conns ...[]string) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &scripted{addr: l.Addr().String(), got: make(chan string, 100)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			i := s.conns.Add(1) - 1
			go s.serve(c, conns[min(int(i), len(conns)-1)])
		}
	}()
	return s
}

func (s *scripted) serve(c net.Conn, responses []string) {
	defer c.Close()
	var seen bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &seen))
	for _, text := range responses {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		s.got <- seen.String()
		seen.Reset()
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

// request returns a request for path with a body, or without one if body is nil.
func (s *scripted) request(path string, body []byte) *rawhttp.Request {
	r := &rawhttp.Request{
		HTTP:   &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: s.addr}, Host: "store.example", Header: http.Header{"X-Id": {"a\r\nb"}}},
		Target: path, UserAgent: "test", AcceptEncoding: "identity",
	}
	if body != nil {
		r.HTTP.Method, r.HTTP.ContentLength = "PUT", int64(len(body))
		r.Body = io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body)))
	}
	return r
}

// do makes a request and returns the status and body of its response.
func do(t testing.TB, c *rawhttp.Client, r *rawhttp.Request) (int, string, error) {
	t.Helper()
	ctx, w := rawhttp.Watch(context.Background(), 10*time.Second, 10*time.Second, 0)
	defer w.Stop()
	resp, err := c.Do(ctx, w, r)
	if err != nil {
		return 0, "", err
	}
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(got), errors.Join(err, resp.Body.Close())
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestRequestOnTheWire(t *testing.T) {
	const head = "PUT /b/k%%20?x=1 HTTP/1.1\r\nHost: store.example\r\nUser-Agent: test\r\nAccept-Encoding: identity\r\nContent-Length: %d\r\nX-Id: a  b\r\n\r\n"
	for _, tt := range []struct {
		name, lead, body, trail string
	}{
		{"empty", "", "", ""},
		{"body", "", "GATTACA", ""},
		{"framed", "7\r\n", "GATTACA", "\r\n0\r\nsum:x\r\n\r\n"},
		{"framed and empty", "", "", "0\r\nsum:x\r\n\r\n"},
		{"larger than the buffer", "lead", strings.Repeat("ACGT", 20_000), "trail"},
		{"a lead larger than half the buffer", strings.Repeat("l", 12<<10), "GATTACA", "trail"},
	} {
		s := script(t, []string{ok})
		r := s.request("/b/k%20?x=1", []byte(tt.body))
		r.Lead, r.HTTP.ContentLength = []byte(tt.lead), int64(len(tt.lead+tt.body+tt.trail))
		if tt.trail != "" {
			r.Trail = func(b *bytes.Buffer) { b.WriteString(tt.trail) }
		}
		if status, body, err := do(t, rawhttp.New(nil, 0), r); status != 200 || body != "ok" || err != nil {
			t.Errorf("%s: %d %q %v", tt.name, status, body, err)
		}
		if got, want := <-s.got, fmt.Sprintf(head, r.HTTP.ContentLength)+tt.lead+tt.body+tt.trail; got != want {
			t.Errorf("%s: sent\n%.300q\nwant\n%.300q", tt.name, got, want)
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first []string // the responses of the first connection
		conns int64
	}{
		{"after a body that was read", []string{ok, ok}, 1},
		{"after an empty one", []string{"HTTP/1.1 204 No Content\r\n\r\n", ok}, 1},
		{"after 1xx", []string{"HTTP/1.1 102 Processing\r\n\r\n" + ok, ok}, 1},
		{"not if the server says so", []string{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", ok}, 2},
		{"not if it closed meanwhile", []string{ok}, 2},
		{"not if a proxy gives up on the next request", []string{ok + "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", ok}, 2},
		{"not if its length is its end", []string{"HTTP/1.1 200 OK\r\n\r\nok"}, 2},
	} {
		s := script(t, tt.first, []string{ok})
		c := rawhttp.New(nil, 0)
		for i := range 2 {
			if status, body, err := do(t, c, s.request(fmt.Sprint("/", i), nil)); status/100 != 2 || err != nil {
				t.Errorf("%s: request %d: %d %q %v", tt.name, i, status, body, err)
			}
		}
		if got := s.conns.Load(); got != tt.conns {
			t.Errorf("%s: %d connections, want %d", tt.name, got, tt.conns)
		}
	}
}

// TestUnaskedBytes: what follows a response on its connection is not the response to the next request.
func TestUnaskedBytes(t *testing.T) {
	const other = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
	s := script(t, []string{ok + other, ok}, []string{ok})
	c := rawhttp.New(nil, 0)
	for range 2 {
		if _, body, err := do(t, c, s.request("/", nil)); body != "ok" || err != nil {
			t.Errorf("%q %v", body, err)
		}
	}
}

// TestFirstConnectionIsNotRetried: only an idle connection may have been closed by a server that never saw the request.
func TestFirstConnectionIsNotRetried(t *testing.T) {
	s := script(t, nil)
	if _, _, err := do(t, rawhttp.New(nil, 0), s.request("/", nil)); err == nil || s.conns.Load() != 1 {
		t.Errorf("%d connections, %v", s.conns.Load(), err)
	}
}

func TestHeadIsBounded(t *testing.T) {
	s := script(t, []string{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Padding: "+strings.Repeat("a", 1000)+"\r\n", 300) + "\r\n"})
	if _, _, err := do(t, rawhttp.New(nil, 0), s.request("/", nil)); !errors.Is(err, rawhttp.ErrLongHead) {
		t.Errorf("got %v", err)
	}
}

// TestStall: the context ends with ErrStalled if the server does not answer in time.
func TestStall(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, w := rawhttp.Watch(t.Context(), 100*time.Millisecond, 100*time.Millisecond, 0)
	defer w.Stop()
	if _, err := rawhttp.New(nil, 0).Do(ctx, w, (&scripted{addr: l.Addr().String()}).request("/", nil)); err == nil || w.Cause() != rawhttp.ErrStalled {
		t.Errorf("got %v, cause %v", err, w.Cause())
	}
}
