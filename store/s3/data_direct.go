package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/internal/rawhttp"
)

// directTransport moves the data with rawhttp. The SDK says where a bucket is and what to sign with, and its signer signs; if
// an address needs more than that, the request goes through the SDK. Why it exists beside the SDK is in doc/performance.md
// (The data path, in system calls).
type directTransport struct {
	store  *Store
	http   *rawhttp.Client
	signer *v4.Signer
}

func newDirectTransport(s *Store, c *rawhttp.Client) *directTransport {
	return &directTransport{store: s, http: c, signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
}

func (d *directTransport) send(ctx context.Context, m dataRequest) (*roundTrip, error) {
	return d.store.do(ctx, &m.call, func(ctx context.Context, c *awss3.Client) error {
		r, err := d.sign(ctx, http.MethodPut, m)
		if err != nil {
			return err
		}
		if r == nil {
			m.signed = d.store.signPayload
			return sdkSend(ctx, c, m)
		}
		_, err = d.roundTrip(ctx, r)
		return err
	})
}

func (d *directTransport) fetch(ctx context.Context, m dataRequest) (*roundTrip, io.ReadCloser, error) {
	m.stream = true
	var body io.ReadCloser
	x, err := d.store.do(ctx, &m.call, func(ctx context.Context, c *awss3.Client) error {
		r, err := d.sign(ctx, http.MethodGet, m)
		if err != nil {
			return err
		}
		if r == nil {
			body, err = sdkFetch(ctx, c, m)
			return err
		}
		resp, err := d.roundTrip(ctx, r)
		if err == nil {
			body = resp.Body
		}
		return err
	})
	return x, body, err
}

const unsignedPayload = "UNSIGNED-PAYLOAD"

// sign addresses and signs a request, in the region that do says. It returns nil if only the SDK can send it.
func (d *directTransport) sign(ctx context.Context, method string, m dataRequest) (*rawhttp.Request, error) {
	s := d.store
	at, err := s.addressOf(ctx, m.ref.Bucket, roundTripOf(ctx).region)
	if err != nil || at.odd {
		return nil, err
	}
	r, err := m.request(method, at)
	if err != nil {
		return nil, err
	}
	r.AcceptEncoding = s.profile.encoding()
	if at.region == "" {
		return r, nil
	}
	payload := unsignedPayload
	switch {
	case m.trailing != nil:
		payload = streamingTrailer
	case s.signPayload && m.body != nil:
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(m.body, 0, m.body.Size())); err != nil {
			return nil, err
		}
		payload = hex.EncodeToString(h.Sum(nil))
	}
	r.HTTP.Header.Set("X-Amz-Content-Sha256", payload)
	v, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	return r, d.signer.SignHTTP(ctx, v, r.HTTP, payload, "s3", at.region, time.Now())
}

// request writes a request in HTTP, not signed yet.
func (m *dataRequest) request(method string, at address) (*rawhttp.Request, error) {
	target := at.prefix + escaped(m.ref.Key)
	u := &url.URL{Scheme: at.scheme, Host: at.host, RawPath: target}
	var err error
	if u.Path, err = url.PathUnescape(target); err != nil {
		return nil, err
	}
	if u.RawQuery = m.query(); u.RawQuery != "" {
		target += "?" + u.RawQuery
	}
	r := &rawhttp.Request{
		HTTP:   &http.Request{Method: method, URL: u, Host: at.host, Header: make(http.Header, len(m.header)+4)},
		Target: target, UserAgent: userAgent, Body: m.body, Buffer: m.buffer,
	}
	for name, values := range m.header {
		r.HTTP.Header[name] = values
	}
	if m.body != nil {
		r.HTTP.ContentLength = m.body.Size()
	}
	if m.trailing != nil {
		m.trailing.frame(r)
	}
	if m.wire != nil {
		r.Watch = m.wire.Watch
	}
	return r, nil
}

// query names the part or the version, as S3 signs it: sorted, and escaped like a key, but with the slash escaped too.
func (m *dataRequest) query() string {
	value := func(s string) string { return strings.ReplaceAll(escaped(s), "/", "%2F") }
	switch {
	case m.uploadID != "":
		return "partNumber=" + strconv.Itoa(m.part) + "&uploadId=" + value(m.uploadID)
	case m.ref.Version != "":
		return "versionId=" + value(m.ref.Version)
	}
	return ""
}

// roundTrip sends the request and takes in the response, as captureClient does for the SDK.
func (d *directTransport) roundTrip(ctx context.Context, r *rawhttp.Request) (*http.Response, error) {
	x := roundTripOf(ctx)
	x.sent = true
	resp, err := d.http.Do(ctx, x.watchdog, r)
	if err != nil {
		x.netErr = err
		return nil, err
	}
	x.status, x.answer = resp.StatusCode, resp.Header
	if resp.StatusCode < 300 && resp.Header.Get("Content-Length") == "" && resp.ContentLength >= 0 {
		resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	if resp.StatusCode < 300 {
		err = x.take(resp)
	} else {
		err = x.readFault(resp)
	}
	if err != nil {
		resp.Body.Close()
		x.netErr = err
		return nil, err
	}
	return resp, nil
}

var _ objectTransport = (*directTransport)(nil)
