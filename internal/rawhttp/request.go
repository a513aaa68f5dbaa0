package rawhttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Request is what Client.Do sends. It is read and not changed, except for Buffer.
type Request struct {
	// HTTP has the method, scheme and host of the URL, Host, Header and ContentLength. Nothing else of it is sent.
	HTTP *http.Request
	// Target is the path and query of the request line, escaped as they were signed.
	Target string
	// UserAgent and AcceptEncoding come before the headers of HTTP, which a signature may cover.
	UserAgent, AcceptEncoding string

	// Body is sent after the head; nil is none, and no Content-Length.
	Body *io.SectionReader
	// Lead and Trail frame the body, and count for ContentLength: Lead is sent before it, and what Trail writes after it.
	// Trail is called when all of the body has been read; nil writes nothing.
	Lead  []byte
	Trail func(*bytes.Buffer)
	// Buffer carries head and body to the connection. A short one is replaced by one of the Client's.
	Buffer []byte
	// Watch, unless it is nil, gets a function that returns how many bytes of the request the other side has acknowledged, or
	// false. If the request is sent again, it is called again.
	Watch func(acked func() (int64, bool))
}

var requestBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}

// smallBuffer is the size of the buffer of a request that brings no memory with it, in bytes.
const smallBuffer = 16 << 10

// send writes head and body. It returns early, cut, if the response comes before all of the body is sent: then the rest is
// not wanted.
func (r *Request) send(c *conn) (cut bool, err error) {
	buf := r.Buffer
	if len(buf) < smallBuffer {
		own := requestBuffers.Get().(*[smallBuffer]byte)
		defer requestBuffers.Put(own)
		buf = own[:]
	}
	b := bytes.NewBuffer(buf[:0])
	r.head(b)
	b.Write(r.Lead)
	first := b.Bytes()
	if r.Body == nil || len(first) > len(buf)/2 {
		if err := c.send(first); err != nil {
			return false, noAnswer(err)
		}
		first = first[:0]
	}
	if r.Body == nil {
		return false, nil
	}
	if cut, err = r.sendBody(c, buf, copy(buf, first)); err != nil || cut || r.Trail == nil {
		return cut, err
	}
	b = bytes.NewBuffer(buf[:0])
	r.Trail(b)
	return false, noAnswer(c.send(b.Bytes()))
}

// sendBody writes what buf holds already, n bytes, and the body behind it.
func (r *Request) sendBody(c *conn, buf []byte, n int) (cut bool, err error) {
	for offset, size := int64(0), r.Body.Size(); offset < size || n > 0; n = 0 {
		k, err := r.Body.ReadAt(buf[n:], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if offset += int64(k); k == 0 && offset < size {
			return false, io.ErrUnexpectedEOF
		}
		if err := c.send(buf[:n+k]); err != nil {
			if c.answersSoon() {
				return true, nil
			}
			return false, noAnswer(err)
		}
		if offset < size && c.answered() {
			return true, nil
		}
	}
	return false, nil
}

// head writes the request line and the headers.
func (r *Request) head(b *bytes.Buffer) {
	b.WriteString(r.HTTP.Method)
	b.WriteByte(' ')
	b.WriteString(r.Target)
	b.WriteString(" HTTP/1.1\r\nHost: ")
	b.WriteString(r.HTTP.Host)
	b.WriteString("\r\nUser-Agent: ")
	b.WriteString(r.UserAgent)
	b.WriteString("\r\nAccept-Encoding: ")
	b.WriteString(r.AcceptEncoding)
	b.WriteString("\r\n")
	if r.Body != nil {
		b.WriteString("Content-Length: ")
		b.Write(strconv.AppendInt(b.AvailableBuffer(), r.HTTP.ContentLength, 10))
		b.WriteString("\r\n")
	}
	for name, values := range r.HTTP.Header {
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
