package seqfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// mostInflated is what one byte of deflate can stand for at most; see RFC 1951, and zlib's technical details.
const mostInflated = 1032

// number reads a little-endian int32.
func number(r io.Reader) (int, error) {
	var n int32
	err := binary.Read(r, binary.LittleEndian, &n)
	return int(n), err
}

// magic reads as many bytes as want has and reports whether they are these.
func magic(r io.Reader, want string) (bool, error) {
	got := make([]byte, len(want))
	_, err := io.ReadFull(r, got)
	return string(got) == want, err
}

// checkBAM reads the header; SAM specification, 4.2.
func checkBAM(w *window, c *Content) {
	r := bgzf(w, c)
	if r == nil {
		return
	}
	br := bufio.NewReader(r)
	ok, err := magic(br, "BAM\x01")
	switch {
	case err != nil:
		c.headerError(w, "its header", err)
		return
	case !ok:
		c.bad("it is BGZF, but not BAM")
		return
	}
	if err := c.headerOfBAM(br); err != nil {
		c.headerError(w, "its header", err)
	}
}

// headerOfBAM reads text and reference sequences.
func (c *Content) headerOfBAM(r io.Reader) error {
	length, err := number(r)
	if err != nil {
		return err
	}
	if length < 0 || int64(length) > c.Size*mostInflated {
		c.bad("its header is damaged: a text of %d bytes", length)
		return nil
	}
	sequences, err := c.samHeader(r, length)
	if err != nil {
		if sequences > 0 && errors.Is(err, errEnough) {
			return nil // so there are some; how many is not known
		}
		return err
	}
	refs, err := number(r)
	if err != nil {
		return err
	}
	if refs < 0 || int64(refs) > c.Size*mostInflated/9 { // a name of one byte, its NUL, and two numbers, but for one byte
		c.bad("its header is damaged: %d reference sequences", refs)
		return nil
	}
	for range refs {
		switch ok, err := reference(r); {
		case errors.Is(err, errEnough):
			c.Refs = refs
			return nil
		case err != nil:
			return err
		case !ok:
			c.bad("its header is damaged: a reference sequence has no name")
			return nil
		}
	}
	c.Refs = refs
	return nil
}

// maxSequenceName is far above what any name of a sequence has, in bytes.
const maxSequenceName = 1 << 16

// reference reads one reference sequence, and reports whether it can be one.
func reference(r io.Reader) (bool, error) {
	n, err := number(r)
	if err != nil || n < 1 || n > maxSequenceName {
		return false, err
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(r, name); err != nil {
		return false, err
	}
	length, err := number(r)
	return err == nil && length >= 0 && bytes.IndexByte(name, 0) == n-1, err
}

// samHeader reads a SAM header of n bytes and counts the sequences that it names; SAM specification, 1.3. With an error it
// returns those up to there.
func (c *Content) samHeader(r io.Reader, n int) (count int, err error) {
	rest := &io.LimitedReader{R: r, N: int64(n)}
	lines := bufio.NewReaderSize(rest, mostLine)
	for begins := true; ; {
		line, err := lines.ReadSlice('\n')
		atEnd := errors.Is(err, io.EOF) && rest.N == 0
		ended, full := err == nil || atEnd, errors.Is(err, bufio.ErrBufferFull)
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case begins && ended && !isHeaderLine(line):
			return count, damage("damaged: a line is not valid in a SAM header")
		case begins && bytes.HasPrefix(line, []byte("@SQ\t")) && (ended || full):
			count++
		case begins && bytes.HasPrefix(line, []byte("@RG\t")):
			c.long = c.long || longReads(line)
		}
		switch {
		case atEnd:
			return count, nil
		case errors.Is(err, io.EOF):
			return count, io.ErrUnexpectedEOF
		case !ended && !full:
			return count, err
		}
		begins = ended
	}
}

// mostLine is how long a line of a SAM header may be for its syntax to be looked at, in bytes.
const mostLine = 64 << 10

// isHeaderLine reports a line of a SAM header as htslib takes it: @, two letters, and fields of two characters, a colon and
// a value; a sequence has a name and a length, read groups and programs an ID.
func isHeaderLine(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 || line[0] == 0 { // what pads the text
		return true
	}
	fields := bytes.Split(line, []byte("\t"))
	if kind := fields[0]; len(kind) != 3 || kind[0] != '@' || !isLetter(kind[1]) || !isLetter(kind[2]) || bytes.IndexByte(line, 0) >= 0 {
		return false
	}
	has := func(tag string) bool {
		return slices.ContainsFunc(fields, func(f []byte) bool { return bytes.HasPrefix(f, []byte(tag)) })
	}
	switch string(fields[0]) {
	case "@CO":
		return true
	case "@SQ":
		if !has("SN:") || !has("LN:") {
			return false
		}
	case "@RG", "@PG":
		if !has("ID:") {
			return false
		}
	}
	return len(fields) > 1 && !slices.ContainsFunc(fields[1:], func(f []byte) bool { return len(f) < 3 || f[2] != ':' })
}

func isLetter(b byte) bool { return 'A' <= b&^0x20 && b&^0x20 <= 'Z' }

// longReads reports a read group of Oxford Nanopore or PacBio, whose basecallers write reads that are mapped to nothing.
func longReads(line []byte) bool {
	for field := range bytes.SplitSeq(line, []byte("\t")) {
		if platform, ok := bytes.CutPrefix(field, []byte("PL:")); ok {
			return bytes.EqualFold(platform, []byte("ONT")) || bytes.EqualFold(platform, []byte("PACBIO"))
		}
	}
	return false
}

// checkBCF reads the header; VCF specification, 6.2. Files written without compression have no end that could be
// recognized.
func checkBCF(w *window, c *Content) {
	if head := w.upTo(firstRead); bytes.HasPrefix(head, []byte("BCF\x02")) {
		c.warn("it is not compressed, so nothing shows whether it is complete")
		return
	}
	r := bgzf(w, c)
	if r == nil {
		return
	}
	ok, err := magic(r, "BCF\x02")
	if err == nil && ok {
		var head []byte
		if head, err = beginning(r, 5+len(fileFormat)); err == nil {
			length := uint32(0)
			if len(head) >= 5 {
				length = binary.LittleEndian.Uint32(head[1:])
			}
			if ok = bytes.HasSuffix(head, []byte(fileFormat)) && int64(length) <= c.Size*mostInflated; ok {
				_, err = io.CopyN(io.Discard, r, int64(length)-int64(len(fileFormat)))
			}
		}
	}
	switch {
	case err != nil:
		c.headerError(w, "its header", err)
	case !ok:
		c.bad("it is BGZF, but not BCF")
	}
}

const fileFormat = "##fileformat=VCF"
