package haul

import (
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
)

// digestChain sums the bytes of a stream as they pass, in order, each digest in its own goroutine, so that neither another
// digest nor the network waits for one while there is memory. A nil digestChain sums nothing.
type digestChain struct {
	wanted []checksum.Algorithm
	links  []*link
}

// link is one digest of a chain.
type link struct {
	algorithm checksum.Algorithm
	h         hash.Hash
	queue     chan piece
}

// piece is a run of bytes that passes through a chain: in memory, or to be read into a buffer of each link's own.
type piece struct {
	mem  []byte
	from io.ReaderAt // if mem is nil
	size int64
	bufs [][]byte
	done func() // called once by each link
}

// newChain returns a chain of the requested digests, but for one that is free; nil if none is left.
func (t *transfer) newChain(free checksum.Algorithm, g *errgroup.Group) *digestChain {
	if len(t.o.digests) == 0 {
		return nil
	}
	c := &digestChain{wanted: t.o.digests}
	for _, a := range t.o.digests {
		if a == free && a.CanCombine() {
			continue
		}
		l, i := &link{a, a.New(), make(chan piece, maxAhead)}, len(c.links)
		c.links = append(c.links, l)
		g.Go(func() error { return l.run(i) })
	}
	return c
}

// run sums until the queue ends; after an error it still frees what it no longer sums.
func (l *link) run(i int) (err error) {
	for p := range l.queue {
		if err == nil {
			err = p.into(l.h, i)
		}
		p.done()
	}
	return err
}

// into adds the piece to the hash of link i.
func (p piece) into(h hash.Hash, i int) error {
	if p.from == nil {
		h.Write(p.mem)
		return nil
	}
	for off := int64(0); off < p.size; {
		buf := p.bufs[i][:min(int64(len(p.bufs[i])), p.size-off)]
		if n, err := p.from.ReadAt(buf, off); n < len(buf) {
			return fmt.Errorf("read a part of the stream again: %w", err)
		}
		h.Write(buf)
		off += int64(len(buf))
	}
	return nil
}

// pass hands over the next bytes. It returns the func by which their other user frees them: the last user frees.
func (c *digestChain) pass(p piece, free func()) func() {
	if c == nil || len(c.links) == 0 {
		return free
	}
	var users atomic.Int32
	users.Store(int32(len(c.links)) + 1)
	p.done = func() {
		if users.Add(-1) == 0 {
			free()
		}
	}
	for _, l := range c.links {
		l.queue <- p // it takes all, until end
	}
	return p.done
}

// end says that no more bytes come.
func (c *digestChain) end() {
	if c == nil {
		return
	}
	for _, l := range c.links {
		close(l.queue)
	}
}

// sums returns the requested sums, in that order; known is the sum that was free.
func (c *digestChain) sums(known checksum.Sum) []checksum.Sum {
	if c == nil {
		return nil
	}
	sums := make([]checksum.Sum, len(c.wanted))
	for i, a := range c.wanted {
		sums[i] = known
		if known.IsZero() { // no byte passed
			sums[i] = checksum.Bytes(a, nil)
		}
		for _, l := range c.links {
			if l.algorithm == a {
				sums[i] = checksum.Of(a, l.h)
			}
		}
	}
	return sums
}
