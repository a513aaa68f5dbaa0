package seqfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// checkBAI reads magic and count; SAM specification, 5.2. Each reference sequence takes two counts at least.
func checkBAI(w *window, c *Content) {
	head := w.upTo(8)
	switch {
	case w.err != nil:
	case len(head) < 8 || !bytes.HasPrefix(head, []byte("BAI\x01")):
		c.bad("it is not BAI: %s", looksLike(head))
	default:
		refs := int(int32(binary.LittleEndian.Uint32(head[4:])))
		if refs < 0 || int64(refs)*8+8 > c.Size {
			c.bad("it is truncated or damaged: it is too small for %d reference sequences", refs)
			return
		}
		c.Refs = refs
	}
}

// checkCSI reads the header of a CSI or a Tabix index; their specifications.
func checkCSI(w *window, c *Content) {
	r := bgzf(w, c)
	if r == nil {
		return
	}
	want := map[Kind]string{CSI: "CSI\x01", TBI: "TBI\x01"}[c.Kind]
	ok, err := magic(r, want)
	if err == nil && !ok {
		c.bad("it is BGZF, but not %s", c.Kind)
		return
	}
	refs := 0
	if err == nil && c.Kind == CSI {
		err = skipToRefs(r)
	}
	if err == nil {
		refs, err = number(r)
	}
	switch {
	case errors.Is(err, errDamaged), err == nil && refs < 0:
		c.bad("it is damaged: its header is not valid")
	case err != nil:
		c.headerError(w, "it", err)
	default:
		c.Refs = refs
	}
}

var errDamaged = errors.New("damaged")

// skipToRefs reads what a CSI has before its count: smallest interval and depth of the bins, and auxiliary data.
func skipToRefs(r io.Reader) error {
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = number(r); err != nil {
			return err
		}
	}
	if n[0] < 1 || n[0] > 62 || n[1] < 0 || n[1] > 20 || n[2] < 0 {
		return errDamaged
	}
	_, err := io.CopyN(io.Discard, r, int64(n[2]))
	return err
}

// checkCRAI reads the lines, as far as the window goes: sequence, start, span, and where in the CRAM; CRAM specification, 12.
func checkCRAI(w *window, c *Content) {
	r := io.Reader(w.from(0))
	if head := w.upTo(firstRead); w.err != nil {
		return
	} else if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		r = inflated(w)
	} else if len(head) == 0 {
		c.bad("it is empty")
		return
	}
	lines := bufio.NewReader(r)
	refs := 0
	for {
		line, err := lines.ReadString('\n')
		if line != "" && (err == nil || errors.Is(err, io.EOF)) {
			n, ok := integers(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
			if !ok || len(n) != 6 {
				c.bad("it is not a CRAM index: a line does not have six numbers")
				return
			}
			refs, c.reach = max(refs, int(min(n[0], 1<<31))+1), max(c.reach, n[3])
		}
		if errors.Is(err, io.EOF) {
			c.Refs = refs
			return
		}
		if err != nil {
			c.headerError(w, "it", err)
			return
		}
	}
}

// checkGZI counts: a number of pairs of offsets, compressed and not; bgzip(1), GZI FORMAT.
func checkGZI(w *window, c *Content) {
	head := w.upTo(8)
	if w.err != nil {
		return
	}
	if len(head) < 8 || binary.LittleEndian.Uint64(head) != uint64(c.Size-8)/16 || c.Size%16 != 8 {
		c.bad("it is not GZI, or is truncated: its count does not match its size")
		return
	}
	if c.Size > 8 {
		if tail := w.tail(16); w.err == nil {
			c.reach = int64(binary.LittleEndian.Uint64(tail) & (1<<63 - 1))
		}
	}
}

// Belongs compares an index with its data: how many sequences both have, and how far into the data it points. What was not
// read is not a finding.
func Belongs(index, data Content) []Finding {
	var c Content
	const other = "it is the index of another file, or of another version of it"
	switch index.Kind {
	case BAI, CSI:
		if data.Kind == BAM && index.Refs >= 0 && data.Refs >= 0 && index.Refs != data.Refs {
			c.bad("it has %d reference sequences, and its data has %d: %s", index.Refs, data.Refs, other)
		}
	case CRAI:
		if data.Kind == CRAM && data.Refs > 0 && index.Refs > data.Refs {
			c.bad("it is about %d reference sequences, and its data has %d: %s", index.Refs, data.Refs, other)
		}
	case FAI:
		same := index.first == data.first || index.first == firstWord(data.first)
		if data.firstOffset >= 0 && index.firstOffset >= 0 && data.first != "" && (!same || index.firstOffset != data.firstOffset) {
			c.bad("it starts with %q at byte %d, and its data with %q at byte %d: %s", index.first, index.firstOffset, firstWord(data.first), data.firstOffset, other)
		}
	}
	if data.plain && (index.Kind == TBI || index.Kind == CSI) {
		c.bad("its data is plain gzip, which cannot be indexed: %s", other)
	}
	if (index.Kind == CRAI || index.Kind == GZI) && index.reach > 0 && index.reach >= data.Size && !data.isBad() { // else its data says why
		c.bad("it points to byte %d, and its data has %d bytes: %s, or the data is truncated", index.reach, data.Size, other)
	}
	return c.Findings
}
