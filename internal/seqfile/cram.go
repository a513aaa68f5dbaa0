package seqfile

import (
	"bytes"
	"io"
)

// The containers that end a CRAM; CRAM specification 2.1 and 3.x, 9. Of the byte at 8 only the lower half counts: early
// writers in Java and in C coded -1 in two ways.
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
		c.bad("it is not CRAM: %s", looksLike(head))
		return
	case len(head) < fileDefinition:
		c.bad("its header is truncated")
		return
	}
	major, minor := head[4], head[5]
	switch {
	case major < 1 || major > 4 || major == 1 && minor > 0 || (major == 2 || major == 3) && minor > 1:
		c.bad("it claims to be CRAM %d.%d, which does not exist", major, minor)
		return
	case major == 4:
		c.warn("it is CRAM 4, which is not final, so nothing shows whether it is complete")
		return
	case (major == 1 || major == 2 && minor == 0) && c.endsAsCRAM(w, endOfCRAM3):
		c.bad("it is damaged: it starts as CRAM %d.%d, and ends as CRAM 3", major, minor)
		return
	case major == 1 || major == 2 && minor == 0:
		c.warn("it is CRAM %d.%d, which has no EOF container, so nothing shows whether it is complete", major, minor)
	case major == 2:
		c.endOfCRAM(w, endOfCRAM2)
	default:
		c.endOfCRAM(w, endOfCRAM3)
	}
	if major > 1 && w.err == nil {
		c.containers(w, major)
	}
}

func (c *Content) endOfCRAM(w *window, want string) {
	if !c.endsAsCRAM(w, want) && w.err == nil {
		c.bad(noEOFContainer)
	}
}

func (c *Content) endsAsCRAM(w *window, want string) bool {
	got := bytes.Clone(w.tail(len(want)))
	if len(got) == len(want) {
		got[oddByte] &= 0x0f
	}
	return string(got) == want
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
