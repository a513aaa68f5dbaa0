package rawhttp

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// A proxy that speaks HTTPS puts one TLS into another; the bytes are counted below both.
func TestWatchdogFindsTheConnection(t *testing.T) {
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close(); there.Close() })
	counted := countConn(here)
	for name, c := range map[string]net.Conn{
		"plain":     counted,
		"TLS":       tls.Client(counted, &tls.Config{}),
		"TLS twice": tls.Client(tls.Client(counted, &tls.Config{}), &tls.Config{}),
	} {
		_, w := Watch(t.Context(), time.Minute, time.Minute, 0)
		w.got(c)
		if w.conn.Load() != counted {
			t.Errorf("%s: the connection was not found", name)
		}
		w.Stop()
	}
}
