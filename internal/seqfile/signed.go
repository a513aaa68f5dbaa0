package seqfile

import (
	"bytes"
	"encoding/binary"
)

// The first bytes of files. POD5 ends with them, too; its format specification. A file of the SRA has its byte order after its name.
// The version of Crypt4GH is 1, in four bytes; its specification, 2.2.
const (
	signPOD5 = "\x8bPOD\r\n\x1a\n"
	signSRA  = "NCBI.sra\x88\x19\x03\x05"
	signC4GH = "crypt4gh\x01\x00\x00\x00"
)

// checkSigned checks files that are recognized by their first bytes, and mostly by nothing else.
func checkSigned(w *window, c *Content) {
	head := w.upTo(firstRead)
	if w.err != nil {
		return
	}
	sign := map[Kind]string{POD5: signPOD5, SRA: signSRA, C4GH: signC4GH}[c.Kind]
	if wrong := looksLike(head); !bytes.HasPrefix(head, []byte(sign)) || sign == "" && wrong != somethingElse {
		c.bad("it is not %s: %s", c.Kind, wrong)
		return
	}
	switch c.Kind {
	case POD5:
		if tail := w.tail(len(signPOD5)); w.err == nil && (c.Size < int64(2*len(signPOD5)) || string(tail) != signPOD5) {
			c.bad("it does not end like POD5: it is truncated, or its writer was interrupted")
		}
	case C4GH:
		c.segments(head)
	default:
		c.Unsure = "nothing in it shows where it ends: only a checksum does (haul verify)"
	}
}

// Sizes of Crypt4GH, in bytes: a data block has a nonce, up to 64 KiB of text, and what authenticates them; specification,
// 3.4.
const (
	segmentC4GH = 12 + 64<<10 + 16
	emptyC4GH   = 12 + 16
)

// segments skips the packets of the header, and checks whether what follows can be data blocks: only the last may be
// shorter.
func (c *Content) segments(head []byte) {
	const unsure = "its end says little, since it is encrypted: only a checksum can show truncation (haul verify)"
	if len(head) < len(signC4GH)+4 {
		c.bad("its header is truncated")
		return
	}
	at := int64(len(signC4GH) + 4)
	for range binary.LittleEndian.Uint32(head[len(signC4GH):]) {
		if at+4 > c.Size {
			c.bad("its header is truncated")
			return
		}
		if at+4 > int64(len(head)) {
			c.Unsure = unsure
			return
		}
		length := int64(binary.LittleEndian.Uint32(head[at:]))
		if length < 4 {
			c.bad("its header is damaged: a packet of %d bytes", length)
			return
		}
		at += length
	}
	rest := c.Size - at
	if rest < 0 {
		c.bad("its header is truncated")
		return
	}
	if last := rest % segmentC4GH; last > 0 && last <= emptyC4GH {
		c.bad("its last data block is truncated")
		return
	}
	c.Unsure = unsure
}

// checkPBI looks at the beginning: PacBio BAM index, which is BGZF.
func checkPBI(w *window, c *Content) {
	r := bgzf(w, c)
	if r == nil {
		return
	}
	switch ok, err := magic(r, "PBI\x01"); {
	case err != nil:
		c.headerError(w, "it", err)
	case !ok:
		c.bad("it is BGZF, but not %s", c.Kind)
	}
}
