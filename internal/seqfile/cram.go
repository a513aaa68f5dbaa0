package seqfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// The containers that end a CRAM; CRAM specification 2.1 and 3.x, 9. Of the byte at 8 only the lower half counts: early writers in
// Java and in C coded -1 in two ways.
const (
	endOfCRAM2 = "\x0b\x00\x00\x00\xff\xff\xff\xff\x0f\xe0\x45\x4f\x46\x00\x00\x00\x00\x01\x00\x00\x01\x00\x06\x06\x01\x00\x01\x00\x01\x00"
	endOfCRAM3 = "\x0f\x00\x00\x00\xff\xff\xff\xff\x0f\xe0\x45\x4f\x46\x00\x00\x00\x00\x01\x00\x05\xbd\xd9\x4f\x00\x01\x00\x06\x06\x01\x00\x01\x00\x01\x00\xee\x63\x01\x4b"
	oddByte    = 8
)

// fileDefinition is how long the beginning of a CRAM is, in bytes; CRAM specification, 6.
const fileDefinition = 26

// checkCRAM looks at the definition, the header and the end.
func checkCRAM(w *window, c *Content) {
	head := w.upTo(firstRead)
	switch {
	case w.err != nil:
		return
	case !bytes.HasPrefix(head, []byte("CRAM")):
		c.bad("it is no CRAM: %s", looks(head))
		return
	case len(head) < fileDefinition:
		c.bad("its header is cut")
		return
	}
	major, minor := head[4], head[5]
	switch {
	case major < 1 || major > 4:
		c.bad("it is of CRAM %d.%d, which there is not", major, minor)
		return
	case major == 4:
		c.warn("it is of CRAM 4, which is not settled, so that nothing tells whether it is whole")
		return
	case major == 1 || major == 2 && minor == 0:
		c.warn("it is of CRAM %d.%d, which has no EOF container, so that nothing tells whether it is whole", major, minor)
	case major == 2:
		c.endOfCRAM(w, endOfCRAM2)
	default:
		c.endOfCRAM(w, endOfCRAM3)
	}
	if major > 1 && w.err == nil {
		if err := c.headerOfCRAM(bufio.NewReader(w.from(fileDefinition)), major); err != nil {
			c.cut(w, "its header", err)
		}
	}
}

func (c *Content) endOfCRAM(w *window, want string) {
	got := bytes.Clone(w.tail(len(want)))
	if len(got) == len(want) {
		got[oddByte] &= 0x0f
	}
	if string(got) != want && w.err == nil {
		c.bad("it has no EOF container at its end: it is cut, or its writer broke off")
	}
}

// headerOfCRAM reads the container of the SAM header, and its block; CRAM specification, 7, 8.1 and 8.3.
func (c *Content) headerOfCRAM(r *bufio.Reader, major byte) error {
	length, err := number(r)
	if err != nil {
		return err
	}
	for range 4 { // reference, start, span, records
		if _, err := itf8(r); err != nil {
			return err
		}
	}
	counter := itf8
	if major > 2 {
		counter = ltf8
	}
	for _, read := range []func(io.ByteReader) (int64, error){counter, ltf8, itf8} { // records before, bases, blocks
		if _, err := read(r); err != nil {
			return err
		}
	}
	landmarks, err := itf8(r)
	if err == nil && (length < 0 || int64(length) > c.Size || landmarks < 0 || landmarks > int64(length)) {
		c.bad("its header is damaged or cut: a container of %d bytes", length)
		return nil
	}
	for i := int64(0); i < landmarks && err == nil; i++ {
		_, err = itf8(r)
	}
	if err == nil && major > 2 {
		_, err = r.Discard(4) // CRC32
	}
	if err != nil {
		return err
	}
	return c.headerBlock(r)
}

// headerBlock reads the block of the SAM header.
func (c *Content) headerBlock(r *bufio.Reader) error {
	method, err := r.ReadByte()
	if err != nil {
		return err
	}
	content, err := r.ReadByte()
	if err != nil {
		return err
	}
	var sizes [3]int64 // ID, compressed, raw
	for i := range sizes {
		if sizes[i], err = itf8(r); err != nil {
			return err
		}
	}
	if content != 0 || sizes[1] < 0 || sizes[1] > c.Size || sizes[2] < 4 {
		c.bad("its header is damaged: no SAM header is in it")
		return nil
	}
	text := io.LimitReader(r, sizes[1])
	switch method {
	case 0:
	case 1:
		zr, err := gzip.NewReader(text)
		if err != nil {
			return err
		}
		text = zr
	default:
		return nil // bzip2 and others may be, and nobody writes them here
	}
	text = &limited{text, mostText}
	n, err := number(text)
	if err == nil && (n < 0 || int64(n) > sizes[2]) {
		c.bad("its header is damaged: a text of %d bytes", n)
		return nil
	}
	if err != nil {
		return err
	}
	refs, err := countSequences(text, n)
	if err == nil || errors.Is(err, errEnough) && refs > 0 {
		if c.Refs = refs; err != nil {
			c.Refs = -1 // some; how many is not known
		}
		return nil
	}
	return err
}

// itf8 reads a number of up to 32 bits; CRAM specification, 2.3.
func itf8(r io.ByteReader) (int64, error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	more := 0
	for more < 4 && b&(0x80>>more) != 0 {
		more++
	}
	v := int64(b & (0xff >> (more + 1)))
	if more == 4 {
		v = int64(b & 0x0f)
	}
	for i := range more {
		next, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if i == 3 { // the last has four bits
			v = v<<4 | int64(next&0x0f)
		} else {
			v = v<<8 | int64(next)
		}
	}
	return int64(int32(v)), nil
}

// ltf8 reads a number of up to 64 bits; CRAM specification, 2.3.
func ltf8(r io.ByteReader) (int64, error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	more := 0
	for more < 8 && b&(0x80>>more) != 0 {
		more++
	}
	v := int64(0)
	if more < 7 {
		v = int64(b & (0xff >> (more + 1)))
	}
	for range more {
		next, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		v = v<<8 | int64(next)
	}
	return v, nil
}
