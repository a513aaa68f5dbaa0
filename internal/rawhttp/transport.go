package rawhttp

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// defaultDial is how long one address of a host may take to accept a connection, unless a caller says otherwise.
	defaultDial = 10 * time.Second
	tlsTimeout  = 15 * time.Second
	keepAlive   = 15 * time.Second
	// readyTimeout is for all that comes between dialing and the first request: a proxy's CONNECT, and TLS.
	readyTimeout = 15 * time.Second
	// idleTimeout is less than the 5 s or so after which S3 closes an idle connection, so that none is used that is
	// being closed.
	idleTimeout = 4 * time.Second
	// bufferSize of each connection of net/http, in bytes. Reads as large as it bypass it.
	bufferSize = 64 << 10
)

// NewTransport returns net/http's own transport, for HTTP/1.1 only, since a part must not share its connection with
// another. It goes through proxies, and a Watchdog can watch its connections. A dialTimeout of 0 is 10 s.
func NewTransport(t *tls.Config, dialTimeout time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: cmp.Or(dialTimeout, defaultDial), KeepAlive: keepAlive}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: proxyRefuses,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			// This bounds the time until it is ready; else a proxy that does not answer CONNECT costs a minute.
			return countConn(c), c.SetDeadline(time.Now().Add(readyTimeout))
		},
		TLSClientConfig:     t,
		TLSHandshakeTimeout: tlsTimeout,
		Protocols:           protocols,
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     idleTimeout,
		DisableCompression:  true,

		MaxResponseHeaderBytes: maxHead,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
	}
}

// ProxyError is a refusal of the proxy in place of the server's response.
type ProxyError struct {
	Proxy  *url.URL
	Status int
}

// Error names the proxy, without its login.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy %s://%s answered %d %s", e.Proxy.Scheme, e.Proxy.Host, e.Status, http.StatusText(e.Status))
}

// proxyRefuses returns an error for a proxy's answer to CONNECT, unless it opens the tunnel.
func proxyRefuses(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{proxy, resp.StatusCode}
}
