package nullstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"syscall"

	"haul.example/haul/checksum"
)

const page = 4096

// DefaultPattern is the usual size of the pattern, in bytes: too large for a processor's cache to make reading it too cheap.
const DefaultPattern = 256 << 20

// Pattern is what all objects are made of: random bytes, once in a file and once mapped into memory. An object is the pattern over and
// over, from a page that depends on its key. The number of pages is odd, so that parts at even offsets differ from each other.
type Pattern struct {
	file *os.File
	data []byte
}

// NewPattern makes a pattern of about size bytes in an unnamed file in dir.
func NewPattern(dir string, size int64) (*Pattern, error) {
	f, err := os.CreateTemp(dir, "haul-pattern-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p := &Pattern{file: f}
	size = (max(size/page, 2) - 1 | 1) * page
	if err := p.fill(size); err != nil {
		return nil, errors.Join(fmt.Errorf("make the pattern: %w", err), f.Close())
	}
	p.data, err = syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

func (p *Pattern) fill(size int64) error {
	random := rand.NewPCG(1, 2)
	slice := make([]byte, 1<<20)
	for left := size; left > 0; {
		n := min(left, int64(len(slice)))
		for i := int64(0); i < n; i += 8 {
			binary.LittleEndian.PutUint64(slice[i:], random.Uint64())
		}
		if _, err := p.file.Write(slice[:n]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// Close gives back the memory and the file.
func (p *Pattern) Close() error { return errors.Join(syscall.Munmap(p.data), p.file.Close()) }

// Content gives the content of an object of that key and size.
func (p *Pattern) Content(key string, size int64) Content {
	h := fnv.New64a()
	_, _ = io.WriteString(h, key)
	return Content{p: p, start: int64(h.Sum64()%uint64(len(p.data)/page)) * page, size: size}
}

// Content is the content of one object.
type Content struct {
	p     *Pattern
	start int64
	size  int64
}

// span gives where in the pattern the byte at an offset lies, and how many of the next n follow it there without a break.
func (c Content) span(offset, n int64) (at, run int64) {
	at = (c.start + offset) % int64(len(c.p.data))
	return at, min(n, int64(len(c.p.data))-at)
}

// ReadAt fulfils io.ReaderAt.
func (c Content) ReadAt(b []byte, offset int64) (int, error) {
	if offset >= c.size {
		return 0, io.EOF
	}
	n := min(int64(len(b)), c.size-offset)
	for done := int64(0); done < n; {
		at, run := c.span(offset+done, n-done)
		copy(b[done:], c.p.data[at:at+run])
		done += run
	}
	if n < int64(len(b)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// Reader reads all of it.
func (c Content) Reader() *io.SectionReader { return io.NewSectionReader(c, 0, c.size) }

// Sum gives the sum of all of it.
func (c Content) Sum(a checksum.Algorithm) checksum.Sum {
	h := a.New()
	for done := int64(0); done < c.size; {
		at, run := c.span(done, c.size-done)
		h.Write(c.p.data[at : at+run])
		done += run
	}
	return checksum.Of(a, h)
}
