package wire

import (
	"errors"
	"io"
	"log"
	"sync/atomic"
)

var errCut = errors.New("the connection is cut")

// body is the body of a request or an answer on its way through.
type body struct {
	io.ReadCloser
	proxy  *Proxy
	fault  *fault // nil: unharmed
	count  *atomic.Int64
	done   <-chan struct{}
	passed int64
}

// Read harms the byte at the fault's offset.
func (b *body) Read(p []byte) (int, error) {
	if b.fault != nil && b.fault.Way != Corrupt {
		room := b.fault.After - b.passed
		if room <= 0 {
			return 0, b.stop()
		}
		p = p[:min(int64(len(p)), room)]
	}
	n, err := b.ReadCloser.Read(p)
	if b.fault != nil && b.fault.Way == Corrupt {
		if i := b.fault.After - b.passed; i >= 0 && i < int64(n) {
			p[i] ^= 1
		}
	}
	b.passed += int64(n)
	b.count.Add(int64(n))
	return n, err
}

// stop ends the body: at once, or, stalled, when the client or the test gives up.
func (b *body) stop() error {
	if b.fault.Way == Stall {
		select {
		case <-b.done:
		case <-b.proxy.closing:
		}
	}
	return errCut
}

// silent is for the messages of net/http about connections that were cut on purpose.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
