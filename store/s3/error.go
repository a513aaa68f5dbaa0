package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

var errNoSuchAddressing = errors.New("no such addressing")

// fault is an error as the server reported it. Elements that hold secrets (StringToSign, Token-0, AWSAccessKeyId) are not
// read.
type fault struct {
	status  int
	header  http.Header
	text    string // of an answer that is not XML, its beginning
	foreign bool   // a page for people, not from an S3 store
	other   string // what came in place of the answer that was asked for; see form

	Code         string `xml:"Code"`
	Message      string `xml:"Message"`
	RequestID    string `xml:"RequestId"`
	Region       string `xml:"Region"`
	Condition    string `xml:"Condition"`
	StorageClass string `xml:"StorageClass"`
	AccessTier   string `xml:"AccessTier"`

	// MaxSizeAllowed and MinSizeAllowed, in bytes, come with EntityTooLarge and EntityTooSmall.
	MaxSizeAllowed string `xml:"MaxSizeAllowed"`
	MinSizeAllowed string `xml:"MinSizeAllowed"`
}

// parseFault reads the error in an answer; for one without a body, or of another form, it returns the status alone.
func parseFault(resp *http.Response, body []byte) *fault {
	f := &fault{status: resp.StatusCode, header: resp.Header}
	var doc struct {
		fault
		Inner *fault `xml:"Error"` // <ErrorResponse><Error>
	}
	d := xml.NewDecoder(bytes.NewReader(escapeXML(body)))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if err := d.Decode(&doc); err == nil && (doc.Code != "" || doc.Inner != nil) {
		reported := doc.fault
		if doc.Inner != nil {
			reported = *doc.Inner
		}
		reported.status, reported.header = f.status, f.header
		f = &reported
	} else if text := strings.TrimSpace(string(body)); text != "" {
		f.text = text[:min(len(text), 200)]
		f.foreign = isHTML(resp, text)
	}
	if f.RequestID == "" {
		f.RequestID = f.header.Get("X-Amz-Request-Id")
	}
	return f
}

// rootElement returns the name of the first element of an XML document as far as it is there, or "".
func rootElement(doc []byte) string {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		t, err := d.RawToken()
		if err != nil {
			return ""
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t.Name.Local
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return ""
			}
		}
	}
}

// region returns the region that the server says is the right one.
func (f *fault) region() string {
	if r := f.header.Get("X-Amz-Bucket-Region"); r != "" {
		return r
	}
	return f.Region
}

// retryAfter parses the Retry-After header, in seconds or as a date.
func (f *fault) retryAfter(now time.Time) time.Duration {
	v := f.header.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now).Round(time.Second)
	}
	return 0
}

// explain returns the Error of a failed call. gctx is the context of the call itself, ctx that of the caller.
func (s *Store) explain(ctx, gctx context.Context, x *roundTrip, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", x.call.op, x.call.ref, context.Cause(ctx))
	}
	e := &store.Error{Op: x.call.op, Ref: x.call.ref}
	var before *store.Error
	switch {
	case errors.Is(context.Cause(gctx), rawhttp.ErrStalled):
		s.explainStall(e, x)
	case x.fault != nil:
		s.explainFault(e, x)
	case errors.As(err, &before): // credentials
		e.Kind, e.Hint, e.Err, e.Code, e.Message = before.Kind, before.Hint, before.Err, before.Code, before.Message
		e.Op = cmp.Or(before.Op, e.Op)
	case errors.Is(x.netErr, rawhttp.ErrLongHead):
		e.Kind, e.Err, e.Hint = store.BadAnswer, rawhttp.ErrLongHead, foreignHint
	case x.netErr != nil:
		if !x.explainProxy(e, x.netErr) {
			explainNet(e, x.netErr, s.secrets(x.call)...)
			x.blameProxy(e)
		}
	case errors.Is(err, errNoTrailer):
		e.Kind, e.Err = store.ChecksumRefused, errNoTrailer
	case !x.sent:
		e.Kind, e.Err = store.Invalid, errors.New(s.redact(x.call, lastError(err)))
	case brokenAnswer(err):
		explainNet(e, err, s.secrets(x.call)...)
	default:
		e.Kind, e.Status, e.Hint = store.BadAnswer, x.status, foreignHint
		e.Err = fmt.Errorf("it cannot be read: %s", s.redact(x.call, lastError(err)))
	}
	return e
}

// brokenAnswer distinguishes an answer that was cut off from one that is nonsense.
func brokenAnswer(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.As(err, &op) || errors.Is(err, syscall.ECONNRESET)
}

// lastError returns the innermost text of an error of the SDK, without the names of its middle layers.
func lastError(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

func (s *Store) explainStall(e *store.Error, x *roundTrip) {
	e.Kind = store.Stalled
	e.Err = fmt.Errorf("no byte moved for %v", s.stallTimeout)
	e.Hint = "the connection was closed and will be opened again; if this continues, check the network"
	x.blameProxy(e)
}

// explainNet explains an answer that never came or broke off.
func explainNet(e *store.Error, err error, secrets ...string) {
	e.Kind = store.Network
	e.Err = &netError{text: redact(err.Error(), secrets...), err: err}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		timeout   net.Error
	)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		e.Kind, e.Hint = store.Invalid, "the server uses plain HTTP: if you trust the network, use http:// instead of https:// in the endpoint"
	case errors.As(err, &host):
		e.Kind, e.Hint = store.Invalid, "the server's certificate is for another host name: check the endpoint; bucket names with dots require --addressing path"
	case errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &verify):
		e.Kind, e.Hint = store.Invalid, "the server's certificate is not trusted: pass your site's CA certificate with --ca-bundle FILE (or, only for testing, use --no-verify-ssl)"
	case errors.As(err, &dns):
		e.Hint = "the host name was not found: check the endpoint, the region and the network (VPN, proxy)"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Hint = "nothing is listening there: check the host and port of the endpoint, and that the server is running"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Hint = "the server did not respond in time: check the network, the VPN and the proxy (HTTPS_PROXY)"
	}
}

// netError keeps the chain of a network error and hides secrets in its text.
type netError struct {
	text string
	err  error
}

func (e *netError) Error() string { return e.text }
func (e *netError) Unwrap() error { return e.err }

// invalid returns the Error of a request that is wrong before it is sent.
func (c *call) invalid(hint string, err error) error {
	return &store.Error{Kind: store.Invalid, Op: c.op, Ref: c.ref, Hint: hint, Err: err}
}

// locate fills in what an error from below left open.
func (c *call) locate(err error) error {
	var e *store.Error
	if errors.As(err, &e) && e.Op == "" {
		e.Op, e.Ref = c.op, c.ref
	}
	return err
}

// secrets lists what must not show up in the text of an error of this call.
func (s *Store) secrets(c *call) []string {
	hidden := s.credentials.hidden()
	if c.attrs == nil {
		return hidden
	}
	for _, k := range []store.CustomerKey{c.attrs.Encryption.Customer, c.attrs.Encryption.CopySource} {
		if k.Key != "" {
			h := http.Header{}
			customerHeaders(h, "", k)
			hidden = append(hidden[:len(hidden):len(hidden)], string(k.Key), h.Get("Key"), h.Get("Key-Md5"))
		}
	}
	return hidden
}

func (s *Store) redact(c *call, text string) string { return redact(text, s.secrets(c)...) }

var secretPatterns = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(x-amz-(?:signature|security-token|credential)["']?\s*[=:]\s*)[^&\s"'<]+|` +
		`((?:signature|credential)=)[^&,\s"'<]+|(://)[^/@\s]*@`)
})

// redact removes secrets from a text that others wrote.
func redact(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return secretPatterns().ReplaceAllString(text, "$1$2$3***")
}
