package rawhttp_test

import (
	"errors"
	"strings"
	"testing"

	"haul.example/haul/internal/rawhttp"
)

// FuzzResponse: whatever bytes come in place of a response, reading it ends, what it holds stands in them, and the next
// request gets its own response.
func FuzzResponse(f *testing.F) {
	for _, text := range []string{
		ok,
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + ok,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nhello",
		ok + ok,
		"\r\n\r\n",
		strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20_000),
	} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, put bool) {
		if len(text) > 1<<20 {
			return
		}
		s := script(t, []string{string(text)}, []string{ok})
		c := rawhttp.New(nil, 0)
		var body []byte
		if put {
			body = []byte("GATTACA")
		}
		status, got, err := do(t, c, s.request("/", body))
		switch {
		case errors.Is(err, rawhttp.ErrStalled):
			t.Fatal("the request did not end")
		case err == nil && (status < 200 || status > 999):
			t.Errorf("a response of status %d", status)
		case len(got) > len(text):
			t.Errorf("%d bytes of body out of %d", len(got), len(text))
		}
		if status, got, err := do(t, c, s.request("/", nil)); err != nil || status != 200 || got != "ok" {
			t.Errorf("the next response: %d %q %v", status, got, err)
		}
	})
}
