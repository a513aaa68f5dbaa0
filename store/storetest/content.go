package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"sort"

	"haul.example/haul/checksum"
)

// Content is the bytes of an object. A *bytes.Reader is one, and so is an *io.SectionReader.
type Content interface {
	io.ReaderAt
	Size() int64
}

func bytesContent(b []byte) Content { return bytes.NewReader(b) }

// period is the number of bytes after which a Pattern repeats: a prime, so that parts of any usual size differ from one
// another.
const period = 1<<20 + 7

// Pattern is content that is generated as it is read: an object of any size in one MiB of memory.
type Pattern struct {
	once []byte
	size int64
}

// Generated returns the content of size bytes that belongs to seed.
func Generated(size int64, seed uint64) *Pattern {
	once := make([]byte, min(size, period))
	r := rand.New(rand.NewPCG(seed, 0x6861756c))
	for i := 0; i < len(once); i += 8 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], r.Uint64())
		copy(once[i:], word[:])
	}
	return &Pattern{once: once, size: size}
}

// Size returns the size in bytes.
func (p *Pattern) Size() int64 { return p.size }

// ReadAt implements io.ReaderAt.
func (p *Pattern) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("storetest: negative offset")
	}
	n := 0
	for n < len(b) && off+int64(n) < p.size {
		at := off + int64(n)
		n += copy(b[n:min(int64(len(b)), int64(n)+p.size-at)], p.once[at%period:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Section returns a reader of all of the content.
func (p *Pattern) Section() *io.SectionReader { return io.NewSectionReader(p, 0, p.size) }

// Sum returns the sum of the whole content. By a CRC it costs little at any size.
func (p *Pattern) Sum(a checksum.Algorithm) checksum.Sum {
	if !a.CanCombine() {
		s, err := checksum.Section(a, p.Section(), make([]byte, slice))
		if err != nil {
			panic("storetest: internal error: " + err.Error())
		}
		return s
	}
	full := checksum.Sized{Sum: checksum.Bytes(a, p.once), Size: period} // if there is one
	rest := p.size % period
	parts := make([]checksum.Sized, 0, p.size/period+1)
	for range p.size / period {
		parts = append(parts, full)
	}
	parts = append(parts, checksum.Sized{Sum: checksum.Bytes(a, p.once[:rest]), Size: rest})
	s, err := checksum.Combine(parts)
	if err != nil {
		panic("storetest: internal error: " + err.Error())
	}
	return s
}

// discarded is content of which only the size was kept.
type discarded int64

var errDiscarded = errors.New("storetest: the bytes were discarded")

func (d discarded) Size() int64                       { return int64(d) }
func (d discarded) ReadAt([]byte, int64) (int, error) { return 0, errDiscarded }

// joined is several contents, one after the other.
type joined struct {
	parts []Content
	ends  []int64
}

func join(parts []Content) Content {
	j := &joined{parts: parts}
	var end int64
	for _, p := range parts {
		end += p.Size()
		j.ends = append(j.ends, end)
	}
	return j
}

// Size returns that of all.
func (j *joined) Size() int64 {
	if len(j.ends) == 0 {
		return 0
	}
	return j.ends[len(j.ends)-1]
}

// ReadAt reads across the boundaries.
func (j *joined) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	i := sort.Search(len(j.ends), func(i int) bool { return j.ends[i] > off })
	for ; n < len(b) && i < len(j.parts); i++ {
		start := j.ends[i] - j.parts[i].Size()
		at := off + int64(n) - start
		want := min(int64(len(b)-n), j.parts[i].Size()-at)
		k, err := j.parts[i].ReadAt(b[n:int64(n)+want], at)
		n += k
		if int64(k) < want {
			return n, err
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
