package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"haul.example/haul/lab/proxy"
)

func TestProxy(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, r.Host+r.RequestURI+r.Header.Get("Proxy-Authorization"))
			}))
			defer server.Close()
			p := proxy.Start(t, proxy.Config{
				Hosts: map[string]string{"example.com": server.Listener.Addr().String()}, // the name in httptest's certificate
				Login: url.UserPassword("me", "p@ss:word"),
			})
			for via, want := range map[string]int{p.URL: 200, p.Name: 407, strings.Replace(p.URL, "me:", "you:", 1): 407} {
				if got := get(t, server, via, name+"://example.com/a%2Fb"); got != want {
					t.Errorf("through %s: status %d, want %d", via, got, want)
				}
			}
			if got := get(t, server, p.URL, name+"://elsewhere.test/"); got != 502 {
				t.Errorf("a name that the proxy does not know: status %d", got)
			}
			if p.Up.Load() == 0 || p.Down.Load() == 0 || p.Forwarded.Load()+p.Tunnels.Load() == 0 {
				t.Errorf("nothing was counted: %d bytes up, %d down", p.Up.Load(), p.Down.Load())
			}
		})
	}
}

// get gives the status of an answer, also of the proxy's own to CONNECT.
func get(t *testing.T, server *httptest.Server, via, address string) (status int) {
	t.Helper()
	u, err := url.Parse(via)
	if err != nil {
		t.Fatal(err)
	}
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(u)
	transport.DialContext = nil // httptest's knows example.com
	defer transport.CloseIdleConnections()
	refused := map[string]int{}
	for _, code := range []int{407, 502} {
		refused[http.StatusText(code)] = code
	}
	resp, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		return refused[err.(*url.Error).Err.Error()]
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode == 200 && string(body) != "example.com/a%2Fb" {
		t.Errorf("the server saw %q", body)
	}
	return resp.StatusCode
}
