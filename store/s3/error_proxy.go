package s3

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

// proxyName names a proxy without its login.
func proxyName(u *url.URL) string { return u.Scheme + "://" + u.Host }

// proxyVariable returns the environment variable that sets the request's proxy.
func (x *roundTrip) proxyVariable() string { return strings.ToUpper(x.scheme) + "_PROXY" }

// ofProxy reports whether an error that came over plain HTTP is the proxy's own: it has no header of a store.
func (x *roundTrip) ofProxy() bool {
	f := x.fault
	if x.proxy == nil || x.scheme != "http" || f == nil || f.Code != "" || f.RequestID != "" {
		return false
	}
	return f.foreign || f.status == http.StatusProxyAuthRequired || f.status >= 500
}

// explainProxy explains a proxy that refuses, or that cannot be reached; false is for errors of another kind.
func (x *roundTrip) explainProxy(e *store.Error, err error) bool {
	var refused *rawhttp.ProxyError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		e.Err = refused
		e.Kind, e.Hint = x.refusal(refused)
	case errors.As(err, &op) && (op.Op == "proxyconnect" || op.Op == "socks connect"):
		explainNet(e, err)
		if e.Kind == store.Network {
			e.Hint = "nothing answers at the proxy " + proxyName(x.proxy) + ": check " + x.proxyVariable() + "; if the host is reachable without a proxy, add it to NO_PROXY"
		} else {
			e.Hint = "it is about the proxy " + proxyName(x.proxy) + ": " + e.Hint
		}
	default:
		return false
	}
	return true
}

// refusal classifies a proxy's answer. If a proxy cannot reach the server, that may change soon.
func (x *roundTrip) refusal(p *rawhttp.ProxyError) (store.Kind, string) {
	switch {
	case p.Status == http.StatusProxyAuthRequired && p.Proxy.User == nil:
		return store.Denied, "the proxy requires a login: write " + x.proxyVariable() + "=http://USER:PASSWORD@HOST:PORT, with special characters in the password as %XX"
	case p.Status == http.StatusProxyAuthRequired:
		return store.Denied, "the proxy rejects the login in " + x.proxyVariable() + ": check it, and that special characters in the password are written as %XX"
	case p.Status == http.StatusForbidden, p.Status == http.StatusUnauthorized:
		return store.Denied, "the proxy does not allow this host: ask its administrator; if the host is reachable without a proxy, add it to NO_PROXY"
	case p.Status >= 500, p.Status == http.StatusTooManyRequests, p.Status == http.StatusRequestTimeout:
		return store.Network, "the proxy could not reach the store: check the endpoint; if the host is reachable without a proxy, add it to NO_PROXY"
	}
	return store.Unsupported, "check the endpoint, and that " + x.proxyVariable() + " is the address of a proxy"
}

// blameProxy adds the proxy to the advice about a connection that fails somewhere on its path.
func (x *roundTrip) blameProxy(e *store.Error) {
	if x.proxy == nil {
		return
	}
	if e.Hint != "" {
		e.Hint += "; "
	}
	e.Hint += "the way goes through the proxy " + proxyName(x.proxy)
}
