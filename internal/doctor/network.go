package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/pool"
	"haul.example/haul/store"
)

const (
	// dialTime is how long a connection may take to open.
	dialTime = 3 * time.Second
	// loginTime is how long finding credentials may take: a person may have to type an MFA code.
	loginTime = 30 * time.Second
	// lookupTime is how long DNS may take.
	lookupTime = 5 * time.Second
	// greetTime is how long the first response may take.
	greetTime = 5 * time.Second
	// certificateTime is how long before its end a certificate is worth a warning.
	certificateTime = 14 * 24 * time.Hour
	// smallSkew and maxSkew are how far the clocks may differ: S3 refuses requests whose time is 15 minutes off (RequestTimeTooSkewed,
	// docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
	smallSkew = time.Minute
	maxSkew   = 15 * time.Minute
)

// settings reports how the store was set up.
func (d *run) settings(ctx context.Context) {
	e, ok := d.store.(store.Explainer)
	if !ok {
		d.open("this store does not report it", "endpoint", "credentials")
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, loginTime, fmt.Errorf("none were found within %v", loginTime))
	defer cancel()
	at, err := e.Endpoint(ctx, d.Where.Bucket)
	if err == nil {
		d.endpoint, err = url.Parse(at.Value)
	}
	if err != nil {
		d.bad("endpoint", text(err), advice(err))
		d.unreachable = "the endpoint is not valid"
	} else {
		d.ok("endpoint", "%s (%s)", at.Value, at.From)
	}
	l, err := e.Login(ctx)
	switch {
	case err != nil:
		d.bad("credentials", text(err), advice(err))
		d.refused = "there are no credentials"
	case l.From == "":
		d.anonymous = true
		d.ok("credentials", "none: requests are not signed")
	default:
		d.ok("credentials", "%s", described(l, time.Now()))
	}
}

// described returns a login in words.
func described(l store.Login, now time.Time) string {
	s := l.From
	if l.KeyEnd != "" {
		s += ", access key …" + l.KeyEnd
	}
	if left := l.Expires.Sub(now); left > 0 {
		s += fmt.Sprintf(", valid until %s (%s)", l.Expires.UTC().Format(time.RFC3339), amount.Short(left))
	}
	return s
}

// proxy reports the proxy that requests go through.
func (d *run) proxy(context.Context) {
	const name = "proxy"
	if d.endpoint == nil {
		d.skip("the endpoint is not known", name)
		return
	}
	through, err := http.ProxyFromEnvironment(&http.Request{URL: d.endpoint})
	variables := strings.Join(d.ProxyVariables, ", ")
	switch {
	case err != nil:
		d.bad(name, "the address in "+variables+" is not valid", "write it like http://gate.example.org:3128")
	case through != nil:
		d.proxied = true
		d.ok(name, "requests go through %s://%s (%s)", through.Scheme, through.Host, variables)
	case variables != "":
		d.ok(name, "none for %s, although %s is set", d.endpoint.Hostname(), variables)
	default:
		d.ok(name, "none")
	}
}

// lookup looks the endpoint up in DNS.
func (d *run) lookup(ctx context.Context) {
	const name = "dns"
	switch {
	case d.endpoint == nil:
		d.skip("the endpoint is not known", name)
		return
	case d.proxied:
		d.open("the proxy looks the name up", name)
		return
	}
	host := d.endpoint.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		d.ok(name, "%s is an address", host)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	began := time.Now()
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		d.bad(name, fmt.Sprintf("%s was not found: %v", host, err), "check the spelling of the endpoint, the region, and the network (VPN, /etc/resolv.conf)")
		d.unreachable = "the name of the endpoint was not found"
		return
	}
	var four, six []string
	for _, a := range all {
		if a.Unmap().Is4() {
			four = append(four, a.Unmap().String())
		} else {
			six = append(six, a.String())
		}
	}
	d.ok(name, "%s has %s and %s, found in %s", host, addresses("IPv4", four), addresses("IPv6", six), amount.Took(time.Since(began)))
}

// addresses returns the first few addresses of a kind in words.
func addresses(kind string, all []string) string {
	const most = 2
	switch {
	case len(all) == 0:
		return "no " + kind + " address"
	case len(all) > most:
		return fmt.Sprintf("%s %s and %d more", kind, strings.Join(all[:most], ", "), len(all)-most)
	}
	return kind + " " + strings.Join(all, ", ")
}

// dialed is a connection that was tried over one version of IP.
type dialed struct {
	network, version string
	took             time.Duration
	err              error
}

// connect opens a TCP connection over each version of IP.
func (d *run) connect(ctx context.Context) {
	const name = "tcp"
	switch {
	case d.endpoint == nil:
		d.skip("the endpoint is not known", name)
		return
	case d.proxied:
		d.open("connections go through the proxy", name)
		return
	case d.unreachable != "":
		d.skip(d.unreachable, name)
		return
	}
	tries := []*dialed{{network: "tcp4", version: "IPv4"}, {network: "tcp6", version: "IPv6"}}
	_ = pool.Each(ctx, len(tries), tries, func(ctx context.Context, _ int, t *dialed) error { // an error is in its try
		t.dial(ctx, address(d.endpoint))
		return nil
	})
	var worked, failed []string
	slow := false
	for _, t := range tries {
		var none *net.AddrError
		switch {
		case t.err == nil:
			worked = append(worked, fmt.Sprintf("%s in %s", t.version, amount.Took(t.took)))
		case errors.As(t.err, &none): // it has no such address
		default:
			failed = append(failed, fmt.Sprintf("%s: %v", t.version, t.err))
			slow = slow || errors.Is(t.err, context.DeadlineExceeded)
		}
	}
	switch {
	case len(worked) == 0:
		d.bad(name, "no connection: "+strings.Join(failed, "; "), "check the host and port of the endpoint, that the server is running, and firewalls; if this network needs a proxy, set HTTPS_PROXY")
		d.unreachable = "the endpoint cannot be reached"
	case slow:
		d.warn(name, strings.Join(append(worked, failed...), "; "), "connections may take longer to open: have the network fixed, or that address removed from DNS")
	default:
		d.ok(name, "%s", strings.Join(append(worked, failed...), "; "))
	}
}

func (t *dialed) dial(ctx context.Context, address string) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	began := time.Now()
	var c net.Conn
	if c, t.err = new(net.Dialer).DialContext(ctx, t.network, address); t.err == nil {
		t.took = time.Since(began)
		t.err = c.Close()
	} else if ctx.Err() != nil {
		t.err = fmt.Errorf("no connection within %v: %w", dialTime, ctx.Err())
	}
}

// address returns host and port of a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// greet sends a request without a signature, which any server answers somehow: with its certificate and its clock.
func (d *run) greet(ctx context.Context) {
	names := []string{"tls", "response", "clock"}
	sender, ok := d.store.(http.RoundTripper)
	switch {
	case !ok || d.endpoint == nil:
		d.skip("the endpoint is not known", names...)
		return
	case d.unreachable != "":
		d.skip(d.unreachable, names...)
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, greetTime, fmt.Errorf("no answer within %v", greetTime))
	defer cancel()
	var sent, answered time.Time
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { sent = time.Now() },
		GotFirstResponseByte: func() { answered = time.Now() },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.endpoint.String()+"/", nil)
	if err != nil {
		d.skip(err.Error(), names...)
		return
	}
	req.Close = true // a connection of its own: Ceph 16 sends stray bytes after the answer to a HEAD, which break the next response
	resp, err := sender.RoundTrip(req)
	if err != nil {
		d.unanswered(err)
		return
	}
	defer resp.Body.Close()
	d.certificate(resp.TLS)
	d.ok("response", "%s answers in %s (HTTP status %d to a test request without a signature)", server(resp), amount.Took(answered.Sub(sent)), resp.StatusCode)
	d.clock(resp.Header.Get("Date"), sent.Add(answered.Sub(sent)/2))
}

// server names the software of a server.
func server(resp *http.Response) string {
	if s := resp.Header.Get("Server"); s != "" {
		return s
	}
	return "a server without a name"
}

// unanswered reports why there was no response.
func (d *run) unanswered(err error) {
	names := []string{"tls", "response", "clock"}
	var wrong *tls.CertificateVerificationError
	if errors.As(err, &wrong) && len(wrong.UnverifiedCertificates) > 0 {
		c := wrong.UnverifiedCertificates[0]
		d.bad("tls", fmt.Sprintf("%v; the certificate is from %s and ends %s", wrong.Err, issuer(c), date(c.NotAfter)), advice(err))
		names = names[1:]
	} else if d.endpoint.Scheme == "https" {
		d.bad("tls", text(err), advice(err))
		names = names[1:]
	} else {
		d.bad("response", text(err), advice(err))
		names = []string{"tls", "clock"}
	}
	d.unreachable = "the server does not answer"
	d.skip("the server does not answer", names...)
}

// certificate reports the server's certificate.
func (d *run) certificate(t *tls.ConnectionState) {
	const name = "tls"
	if t == nil {
		if host := d.endpoint.Hostname(); host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1" {
			d.ok(name, "none, within this machine")
		} else {
			d.warn(name, "none: what is transferred can be read on the network", "use https:// in the endpoint, if the server supports it")
		}
		return
	}
	c := t.PeerCertificates[0]
	what := fmt.Sprintf("%s; the certificate is from %s and ends %s", tls.VersionName(t.Version), issuer(c), date(c.NotAfter))
	switch {
	case len(t.VerifiedChains) == 0:
		d.warn(name, what+"; it was not verified", "omit --no-verify-ssl: with it, anyone on the network can pose as the server")
	case time.Until(c.NotAfter) < certificateTime:
		d.warn(name, what, "have the certificate renewed before that day")
	default:
		d.ok(name, "%s", what)
	}
}

func issuer(c *x509.Certificate) string {
	of := c.Issuer
	switch {
	case len(of.Organization) > 0 && of.CommonName != "":
		return of.Organization[0] + " (" + of.CommonName + ")"
	case len(of.Organization) > 0:
		return of.Organization[0]
	}
	return cmp.Or(of.CommonName, "an issuer without a name")
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// clock compares this machine's clock with the server's, which has whole seconds.
func (d *run) clock(header string, now time.Time) {
	const name = "clock"
	at, err := http.ParseTime(header)
	if err != nil {
		d.open("the response has no date", name)
		return
	}
	off := now.Sub(at.Add(time.Second / 2)).Round(time.Second)
	side := "ahead of"
	if off < 0 {
		side = "behind"
	}
	what := fmt.Sprintf("%v %s the server", off.Abs(), side)
	switch {
	case off.Abs() >= maxSkew:
		d.bad(name, what+"; servers refuse requests whose time is 15 minutes off", "set this machine's clock, or have it set (NTP)")
	case off.Abs() >= smallSkew:
		d.warn(name, what, "set this machine's clock, or have it set (NTP)")
	case off.Abs() <= time.Second:
		d.ok(name, "it agrees with the server's")
	default:
		d.ok(name, "%s", what)
	}
}
