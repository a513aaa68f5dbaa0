package s3

import (
	"crypto/tls"
	"net"
	"testing"
)

// A proxy that speaks HTTPS puts one TLS into another; the bytes are counted below both.
func TestGuardFindsTheConnection(t *testing.T) {
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close(); there.Close() })
	counted := countConn(here)
	for name, c := range map[string]net.Conn{
		"plain":     counted,
		"TLS":       tls.Client(counted, &tls.Config{}),
		"TLS twice": tls.Client(tls.Client(counted, &tls.Config{}), &tls.Config{}),
	} {
		_, g := watch(t.Context(), defaultStall, defaultStall, 0)
		g.got(c)
		if g.conn.Load() != counted {
			t.Errorf("%s: the connection was not found", name)
		}
		g.stop()
	}
}
