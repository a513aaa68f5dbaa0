package seqfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// summed reads in order, counts what it returns, and sums it.
type summed struct {
	r   *bufio.Reader
	crc uint32
	n   int64
}

// Read returns what comes next.
func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.crc, s.n = crc32.Update(s.crc, crc32.IEEETable, p[:n]), s.n+int64(n)
	return n, err
}

// ReadByte returns the next byte.
func (s *summed) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(s, b[:])
	return b[0], err
}

// checksum reads the CRC32 of all that came since its last call; versions before 3 have none.
func (s *summed) checksum(major byte) error {
	want := s.crc
	if major > 2 {
		var got [4]byte
		if _, err := io.ReadFull(s, got[:]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint32(got[:]) != want {
			return errBlock
		}
	}
	s.crc = 0
	return nil
}

// containers reads the container of the SAM header, and the head and first block of the one that follows; CRAM
// specification, 7 and 8.
func (c *Content) containers(w *window, major byte) {
	r := &summed{r: bufio.NewReader(w.from(fileDefinition))}
	length, n, err := c.container(r, major)
	begins := r.n
	if err == nil {
		err = c.headerBlock(r, major)
	}
	for range n - 1 { // more blocks, to leave room for a longer header
		if err == nil {
			_, _, err = c.block(r, major)
		}
	}
	if err == nil && r.n > begins+length {
		err = errBlock
	}
	if err != nil {
		c.headerError(w, "its header", err)
		return
	}
	if major < 3 {
		return // they have no checksums
	}
	_, err = io.CopyN(io.Discard, r, begins+length-r.n)
	r.crc = 0
	from := r.n
	if err == nil {
		length, _, err = c.container(r, major)
	}
	if errors.Is(err, io.EOF) && r.n == from {
		return // that it has no end was found already
	}
	if err == nil && length > 0 {
		_, _, err = c.block(r, major)
	}
	c.headerError(w, "its first container", err)
}

// container reads the head of a container, and returns how long its blocks are together, in bytes, and how many there are.
func (c *Content) container(r *summed, major byte) (int64, int64, error) {
	length, err := number(r)
	if err != nil {
		return 0, 0, err
	}
	counter := itf8
	if major > 2 {
		counter = ltf8
	}
	var blocks, landmarks int64
	for _, read := range []func(io.ByteReader) (int64, error){itf8, itf8, itf8, itf8, counter, ltf8, itf8, itf8} { // reference, start, span, records, records before, bases, blocks, landmarks
		blocks = landmarks
		if landmarks, err = read(r); err != nil {
			return 0, 0, err
		}
	}
	if length < 0 || int64(length) > c.Size || landmarks < 0 || landmarks > int64(length) {
		return 0, 0, damage(fmt.Sprintf("damaged or truncated: a container of %d bytes", length))
	}
	for range landmarks {
		if _, err = itf8(r); err != nil {
			return 0, 0, err
		}
	}
	if blocks < 0 || blocks > int64(length) {
		return 0, 0, errBlock
	}
	return int64(length), blocks, r.checksum(major)
}

// block is what the head of a block says.
type block struct {
	method, content byte
	raw             int64 // size, in bytes
}

// block reads a block; its bytes come with errEnough if only those up to there were read.
func (c *Content) block(r *summed, major byte) (b block, data []byte, err error) {
	if b.method, err = r.ReadByte(); err != nil {
		return b, nil, err
	}
	if b.content, err = r.ReadByte(); err != nil {
		return b, nil, err
	}
	var sizes [3]int64 // ID, compressed, raw
	for i := range sizes {
		if sizes[i], err = itf8(r); err != nil {
			return b, nil, err
		}
	}
	if b.raw = sizes[2]; sizes[1] < 0 || sizes[1] > c.Size || b.raw < 0 {
		return b, nil, errBlock
	}
	data, err = io.ReadAll(io.LimitReader(r, sizes[1]))
	switch {
	case err != nil:
		return b, data, err
	case int64(len(data)) < sizes[1]:
		return b, data, io.ErrUnexpectedEOF
	}
	return b, data, r.checksum(major)
}

// headerBlock reads the block of the SAM header.
func (c *Content) headerBlock(r *summed, major byte) error {
	b, data, err := c.block(r, major)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	long := err
	if b.content != 0 || b.raw < 4 || b.method == 0 && long == nil && int64(len(data)) != b.raw {
		return damage("damaged: it has no SAM header")
	}
	text := io.Reader(bytes.NewReader(data))
	switch b.method {
	case 0:
	case 1:
		zr, err := gzip.NewReader(text)
		if err != nil {
			return err
		}
		text = zr
	case 2:
		text = bzip2.NewReader(text)
	case 3:
		if !bytes.HasPrefix(data, []byte("\xfd7zXZ")) {
			return errBlock
		}
		return nil // nobody writes it here
	default:
		return errBlock
	}
	text = &limited{text, mostText}
	n, err := number(text)
	if err == nil && (n < 0 || int64(n) > b.raw) {
		return damage(fmt.Sprintf("damaged: a text of %d bytes", n))
	}
	refs := 0
	if err == nil {
		refs, err = c.samHeader(text, n)
	}
	if err == nil { // gzip has its own checksum
		_, err = io.Copy(io.Discard, text)
	}
	if long != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		err = long
	}
	if err == nil || errors.Is(err, errEnough) && refs > 0 {
		if c.Refs = refs; err != nil {
			c.Refs = -1 // some; how many is not known
		}
		return long
	}
	return err
}
