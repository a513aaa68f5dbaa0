package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// directTransport moves the data over its own connections: a request is one buffer of head and body, written and read by
// the goroutine that asked for it. The SDK says where a bucket is and what to sign with, and its signer signs; if an
// address needs more than that, the request goes through the SDK.
type directTransport struct {
	*Store
	pool   *pool
	signer *v4.Signer
}

func newLeanDoor(s *Store, p *pool) *directTransport {
	return &directTransport{Store: s, pool: p, signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
}

func (d *directTransport) send(ctx context.Context, m dataRequest) (*roundTrip, error) {
	return d.do(ctx, &m.call, func(ctx context.Context, c *awss3.Client) error {
		t, err := d.begin(ctx, "PUT", m)
		if err != nil {
			return err
		}
		if t == nil {
			m.signed = d.signPayload
			return sdkSend(ctx, c, m)
		}
		_, err = d.converse(ctx, t, m)
		return err
	})
}

func (d *directTransport) fetch(ctx context.Context, m dataRequest) (*roundTrip, io.ReadCloser, error) {
	m.stream = true
	var body io.ReadCloser
	x, err := d.do(ctx, &m.call, func(ctx context.Context, c *awss3.Client) error {
		t, err := d.begin(ctx, "GET", m)
		if err != nil {
			return err
		}
		if t == nil {
			body, err = sdkFetch(ctx, c, m)
			return err
		}
		resp, err := d.converse(ctx, t, m)
		if err == nil {
			body = resp.Body
		}
		return err
	})
	return x, body, err
}

// signedRequest is one request in flight.
type signedRequest struct {
	x    *roundTrip
	at   address
	req  *http.Request // as signed
	path string        // with the query, as sent
	cut  bool          // the answer came before the whole body was sent

	encoding string // that the answer may have
}

const unsignedPayload = "UNSIGNED-PAYLOAD"

// begin addresses and signs a request, in the region that do says. It returns nil if only the SDK can send it.
func (d *directTransport) begin(ctx context.Context, method string, m dataRequest) (*signedRequest, error) {
	x := exchangeOf(ctx)
	at, err := d.addressOf(ctx, m.ref.Bucket, x.region)
	if err != nil || at.odd {
		return nil, err
	}
	t := &signedRequest{x: x, at: at, path: at.prefix + escaped(m.ref.Key), encoding: d.profile.encoding()}
	u := &url.URL{Scheme: at.scheme, Host: at.host, RawPath: t.path}
	if u.Path, err = url.PathUnescape(t.path); err != nil {
		return nil, err
	}
	if u.RawQuery = m.query(); u.RawQuery != "" {
		t.path += "?" + u.RawQuery
	}
	t.req = &http.Request{Method: method, URL: u, Host: at.host, Header: make(http.Header, len(m.header)+4)}
	for name, values := range m.header {
		t.req.Header[name] = values
	}
	payload := unsignedPayload
	if m.body != nil {
		t.req.ContentLength = m.body.Size()
	}
	if m.late != nil {
		payload = streamingTrailer
		m.late.header(t.req.Header)
		t.req.ContentLength = m.late.length()
	}
	if at.region == "" {
		return t, nil
	}
	if d.signPayload && m.body != nil && m.late == nil {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(m.body, 0, m.body.Size())); err != nil {
			return nil, err
		}
		payload = hex.EncodeToString(h.Sum(nil))
	}
	t.req.Header.Set("X-Amz-Content-Sha256", payload)
	v, err := d.credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	return t, d.signer.SignHTTP(ctx, v, t.req, payload, "s3", at.region, time.Now())
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

// head writes the request's head into b.
func (t *signedRequest) head(b *bytes.Buffer) {
	b.WriteString(t.req.Method)
	b.WriteByte(' ')
	b.WriteString(t.path)
	b.WriteString(" HTTP/1.1\r\nHost: ")
	b.WriteString(t.at.host)
	b.WriteString("\r\nUser-Agent: haul\r\nAccept-Encoding: ")
	b.WriteString(t.encoding)
	b.WriteString("\r\n")
	if t.req.Method == "PUT" {
		b.WriteString("Content-Length: ")
		b.Write(strconv.AppendInt(b.AvailableBuffer(), t.req.ContentLength, 10))
		b.WriteString("\r\n")
	}
	for name, values := range t.req.Header {
		for _, v := range values {
			b.WriteString(name)
			b.WriteString(": ")
			b.WriteString(clean.Replace(v))
			b.WriteString("\r\n")
		}
	}
	b.WriteString("\r\n")
}

// clean keeps a value from ending its line.
var clean = strings.NewReplacer("\r", " ", "\n", " ")

// converse sends the request and reads the head of the answer. The server may close an idle connection at the very moment
// it is used; then a fresh one is tried, once.
func (d *directTransport) converse(ctx context.Context, t *signedRequest, m dataRequest) (*http.Response, error) {
	for try := 0; ; try++ {
		if ctx.Err() != nil { // an existing connection would not notice in time
			return nil, context.Cause(ctx)
		}
		c, err := d.pool.get(ctx, t.at, try > 0)
		if err != nil {
			t.x.sent, t.x.netErr = true, err
			return nil, err
		}
		resp, err := d.exchange(ctx, t, c, m)
		if err == nil {
			return resp, nil
		}
		c.drop(ctx)
		if try == 0 && c.used && ctx.Err() == nil && closedIdle(err) {
			continue
		}
		t.x.netErr = err
		return nil, err
	}
}

// errNoAnswer wraps what went wrong before the first byte of an answer.
var errNoAnswer = errors.New("the server closed the connection")

func closedIdle(err error) bool { return errors.Is(err, errNoAnswer) }

// exchange does one request on one connection.
func (d *directTransport) exchange(ctx context.Context, t *signedRequest, c *conn, m dataRequest) (*http.Response, error) {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if stop != nil {
			stop()
		}
	}()
	t.x.sent = true
	t.x.guard.got(c.raw)
	t.x.guard.waiting.Store(false)
	if m.wire != nil {
		before, _ := acked(c.raw.raw)
		m.wire.Watch(func() (int64, bool) {
			n, ok := acked(c.raw.raw)
			return max(0, n-before), ok
		})
	}
	if err := t.sendAll(c, m); err != nil {
		return nil, err
	}
	t.x.guard.waiting.Store(true)
	if _, err := c.in.Peek(1); err != nil {
		return nil, noAnswer(err)
	}
	t.x.guard.waiting.Store(false)
	c.head.left = maxHead
	resp, err := http.ReadResponse(c.in, t.req)
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(c.in, t.req)
	}
	c.head.left = -1
	if err != nil {
		return nil, fmt.Errorf("read the head of the answer: %w", err)
	}
	t.x.status, t.x.answer = resp.StatusCode, resp.Header
	if resp.StatusCode < 300 && resp.Header.Get("Content-Length") == "" && resp.ContentLength >= 0 {
		resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	resp.Body = &answerBody{ReadCloser: resp.Body, door: d, at: t.at, c: c, left: resp.ContentLength, keep: !resp.Close && !t.cut, stop: stop}
	stop = nil
	if resp.StatusCode < 300 {
		err = t.x.take(resp)
	} else {
		err = t.x.readFault(resp)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// noAnswer marks an end of the connection that came instead of an answer.
func noAnswer(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return err
}

var headBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}

// smallBuffer is the size of the buffer of a request that brings no memory with it, in bytes.
const smallBuffer = 16 << 10

// sendAll writes head and body. An answer that comes before all of it is sent says that the rest is not wanted.
func (t *signedRequest) sendAll(c *conn, m dataRequest) error {
	buf, body := m.buffer, m.body
	if len(buf) < smallBuffer {
		own := headBuffers.Get().(*[smallBuffer]byte)
		defer headBuffers.Put(own)
		buf = own[:]
	}
	b := bytes.NewBuffer(buf[:0])
	t.head(b)
	if m.late != nil {
		m.late.before(b)
	}
	first := b.Bytes()
	if body == nil || len(first) > len(buf)/2 {
		if err := c.send(first); err != nil {
			return noAnswer(err)
		}
		first = first[:0]
	}
	if body == nil {
		return nil
	}
	n := copy(buf, first)
	for offset, size := int64(0), body.Size(); offset < size || n > 0; n = 0 {
		k, err := body.ReadAt(buf[n:], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return &bodyError{err}
		}
		if offset += int64(k); k == 0 && offset < size {
			return &bodyError{io.ErrUnexpectedEOF}
		}
		if err := c.send(buf[:n+k]); err != nil {
			if t.cut = early(c); t.cut {
				return nil
			}
			return noAnswer(err)
		}
		if offset < size && c.answered() {
			t.cut = true
			return nil
		}
	}
	if m.late == nil {
		return nil
	}
	b = bytes.NewBuffer(buf[:0])
	m.late.after(b, m.late.sum())
	return noAnswer(c.send(b.Bytes()))
}

// early waits a moment for the answer of a server that stopped reading.
func early(c *conn) bool {
	if err := c.SetReadDeadline(time.Now().Add(250 * time.Millisecond)); err != nil {
		return false
	}
	_, err := c.in.Peek(1)
	return errors.Join(err, c.SetReadDeadline(time.Time{})) == nil
}

// bodyError is an error on this side, in reading what was to be sent.
type bodyError struct{ error }

func (e *bodyError) Unwrap() error { return e.error }

// answerBody returns its connection to the pool after it was read to the end, and closes it otherwise.
type answerBody struct {
	io.ReadCloser
	door *directTransport
	at   address
	c    *conn
	left int64 // of a known length; -1 otherwise
	keep bool
	stop func() bool // stops watching the context
	end  bool        // an EOF was seen
	done bool
}

// Read reads, and notices the end.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err == io.EOF {
		b.end = true
	}
	return n, err
}

// Close returns the connection to the pool or closes it.
func (b *answerBody) Close() error {
	if b.done {
		return nil
	}
	b.done = true
	unhurt := b.stop()
	if b.keep && unhurt && (b.left == 0 || b.end) {
		b.door.pool.put(b.at, b.c)
		return nil
	}
	return b.c.Close()
}

var _ objectTransport = (*directTransport)(nil)
