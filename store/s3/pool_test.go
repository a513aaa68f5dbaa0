package s3

import (
	"net"
	"testing"
	"time"
)

// A stale connection makes place for the next one; it is the stale one that is closed, and no other.
func TestPoolClosesTheStaleOne(t *testing.T) {
	p, at := newPool(nil), address{scheme: "http", host: "h"}
	made := func(idle time.Time) (*conn, net.Conn) {
		here, there := net.Pipe()
		t.Cleanup(func() { here.Close(); there.Close() })
		return &conn{Conn: here, idle: idle}, there
	}
	stale, _ := made(time.Now().Add(-2 * idleTimeout))
	live, _ := made(time.Now())
	next, _ := made(time.Now())
	p.idle[at.origin()] = []*conn{stale, live}
	p.put(at, next)
	if err := stale.SetDeadline(time.Time{}); err == nil {
		t.Error("the stale connection is still open")
	}
	for _, c := range []*conn{live, next} {
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Errorf("a live connection was closed: %v", err)
		}
	}
	if got := p.hottest(at); got != next {
		t.Error("the hottest connection is not the one that was used last")
	}
}
