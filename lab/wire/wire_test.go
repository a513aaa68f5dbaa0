package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"haul.example/haul/lab/wire"
)

var whole = bytes.Repeat([]byte("0123456789"), 100_000)

// start gives a proxy before a server that sends whole, and compares what it is sent with whole.
func start(t *testing.T) (*wire.Proxy, *http.Client) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write(whole)
			return
		}
		got, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
		case bytes.Equal(got, whole):
			w.WriteHeader(http.StatusCreated)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return wire.Start(t, server.URL), &http.Client{Transport: &http.Transport{}}
}

func get(t *testing.T, c *http.Client, url string, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	r.Header.Set("Range", "bytes=0-")
	answer, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

func put(c *http.Client, url string) (int, error) {
	r, _ := http.NewRequest(http.MethodPut, url+"?partNumber=1&uploadId=u", bytes.NewReader(whole))
	answer, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func TestDown(t *testing.T) {
	p, c := start(t)
	if got, err := get(t, c, p.URL, time.Minute); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("unharmed: %d bytes, %v", len(got), err)
	}
	p.Break(wire.Fault{Way: wire.Corrupt, When: wire.GetBytes, Side: wire.Down, After: 77_777})
	if got, err := get(t, c, p.URL, time.Minute); err != nil || got[77_777] == whole[77_777] || len(got) != len(whole) {
		t.Errorf("corrupt: %d bytes, %v", len(got), err)
	}
	p.Break(wire.Fault{Way: wire.Cut, When: wire.GetBytes, Side: wire.Down, After: 500_000})
	if got, err := get(t, c, p.URL, time.Minute); err == nil || !bytes.HasPrefix(whole, got) || len(got) > 500_000 {
		t.Errorf("cut: %d bytes, %v", len(got), err)
	}
	p.Break(wire.Fault{Way: wire.Stall, When: wire.GetBytes, Side: wire.Down, After: 500_000})
	if got, err := get(t, c, p.URL, 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stall: %d bytes, %v", len(got), err)
	}
	if p.Down.Load() < 3_000_000 {
		t.Errorf("counted %d bytes", p.Down.Load())
	}
}

func TestUp(t *testing.T) {
	p, c := start(t)
	p.Break(wire.Fault{Way: wire.Corrupt, When: wire.PutPart, After: 999_999})
	p.Break(wire.Fault{Way: wire.SlowDown, When: wire.PutPart, Times: 2})
	for _, want := range []int{400, 503, 503, 201} {
		if got, err := put(c, p.URL); got != want || err != nil {
			t.Errorf("status %d (%v), want %d", got, err, want)
		}
	}
	for _, f := range []wire.Fault{{Way: wire.Cut, After: 1000}, {Way: wire.LoseAnswer}} {
		f.When = wire.PutPart
		p.Break(f)
		if got, err := put(c, p.URL); err == nil {
			t.Errorf("%s: status %d", f.Way, got)
		}
	}
	if p.Up.Load() < 3_000_000 {
		t.Errorf("counted %d bytes", p.Up.Load())
	}
}
