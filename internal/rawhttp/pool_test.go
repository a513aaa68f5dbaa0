package rawhttp

import (
	"net"
	"testing"
	"time"
)

// A stale connection makes place for the next one; it is the stale one that is closed, and no other.
func TestPoolClosesTheStaleOne(t *testing.T) {
	c, to := New(nil, 0), origin{"http", "h"}
	made := func(idle time.Time) (*conn, net.Conn) {
		here, there := net.Pipe()
		t.Cleanup(func() { here.Close(); there.Close() })
		return &conn{Conn: here, idle: idle}, there
	}
	stale, _ := made(time.Now().Add(-2 * idleTimeout))
	live, _ := made(time.Now())
	next, _ := made(time.Now())
	c.idle[to] = []*conn{stale, live}
	c.put(to, next)
	if err := stale.SetDeadline(time.Time{}); err == nil {
		t.Error("the stale connection is still open")
	}
	for _, n := range []*conn{live, next} {
		if err := n.SetDeadline(time.Time{}); err != nil {
			t.Errorf("a live connection was closed: %v", err)
		}
	}
	if got := c.hottest(to); got != next {
		t.Error("the hottest connection is not the one that was used last")
	}
}
