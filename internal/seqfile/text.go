package seqfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// smallFile, in bytes, is the size up to which a gzip file is inflated as a whole.
const smallFile = 64 << 10

// maxBlock is what a BGZF block has at most, inflated, in bytes; SAM specification, 4.1.
const maxBlock = 1 << 16

// checkGzip checks a gzip file, and the beginning of its text.
func checkGzip(w *window, c *Content) {
	head := w.upTo(firstRead)
	if w.err != nil {
		return
	}
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}) {
		c.bad("it is not gzip: %s", looksLike(head))
		return
	}
	switch {
	case isBGZF(head):
		c.endOfBGZF(w)
	case len(head) > 3 && head[3]&0xe0 != 0: // RFC 1952, 2.3.1.2
		c.bad("its first bytes are damaged: its gzip flags are not valid")
		return
	default:
		c.trailer(w)
		if c.plain = c.Kind == VCFGz; c.plain {
			c.warn("it is plain gzip, not BGZF, so it cannot be indexed (compress it with bgzip)")
		}
	}
	if w.err != nil || c.Size <= smallFile && !c.inflates(w) {
		return
	}
	text, err := beginning(inflated(w), firstRead)
	if err != nil {
		c.headerError(w, "its text", err)
		return
	}
	c.text(text)
	if c.Kind == VCFGz && !c.isBad() {
		c.headerOfVCF(w, inflated(w))
	}
	if isBGZF(head) || c.Size <= smallFile || w.err != nil {
		return
	}
	c.ratio(head, w.tail(4))
	if w.err != nil {
		return
	}
	if !c.isBad() {
		c.Unsure = "the end of plain gzip says little: truncation shows only if all of it is read (gzip -t), or by a checksum (haul verify)"
	}
}

// mostGrown is how many times as well as its beginning FASTQ may be compressed as a whole. Reads and their qualities are
// much the same throughout, so that this is more than ample.
const mostGrown = 16

// ratio compares the size that plain gzip of FASTQ has at its end with what its beginning inflates to. The last of several
// members, as bcl2fastq writes them, has only its own size, so that a size that is too small says nothing; and if the size
// may be 4 GiB or more, the end has only the remainder. FASTA may have a million N, which are compressed like nothing else.
func (c *Content) ratio(head, tail []byte) {
	if c.Kind != FASTQGz || c.isBad() || len(tail) < 4 {
		return
	}
	zr, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return
	}
	n, _ := io.Copy(io.Discard, zr) // it ends in an error if the head does
	most := mostGrown * float64(c.Size) * max(1, float64(n)/float64(len(head)))
	if size := float64(binary.LittleEndian.Uint32(tail)); n > 0 && most < 1<<32 && size > most {
		c.bad("it does not end with a gzip trailer: it is truncated")
	}
}

func (c *Content) isBad() bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Bad })
}

// inflates inflates all of a small file.
func (c *Content) inflates(w *window) bool {
	_, err := io.Copy(io.Discard, inflated(w))
	if err == nil || errors.Is(err, errEnough) {
		return true
	}
	had := len(c.Findings)
	if c.headerError(w, "it", err); had > 0 && len(c.Findings) > had && c.Findings[0].Bad {
		c.Findings = c.Findings[:had] // the first says it better
	}
	return false
}

// endOfBGZF looks for the EOF block. Some writers of FASTQ leave it out; if the end is not that of a block, the file is
// truncated.
func (c *Content) endOfBGZF(w *window) {
	tail := w.tail(len(endOfBGZF))
	if w.err != nil || bytes.Equal(tail, endOfBGZF) {
		return
	}
	if c.Kind != VCFGz && endsInBlock(w.last(maxBlock)) {
		c.warn(noEOFBlock + ", or does not write one")
	} else if w.err == nil {
		c.bad(noEOFBlock)
	}
}

// trailer looks at the last 8 bytes of gzip, CRC32 and size modulo 2^32 of the last member; RFC 1952, 2.3.1.
func (c *Content) trailer(w *window) {
	tail := w.tail(13)
	if w.err != nil {
		return
	}
	if c.Size < 18 || len(tail) < 13 {
		c.bad("it is truncated")
		return
	}
	crc, size := binary.LittleEndian.Uint32(tail[5:]), binary.LittleEndian.Uint32(tail[9:])
	nothing := bytes.HasSuffix(tail[:5], []byte{3, 0}) || bytes.Equal(tail[:5], []byte{1, 0, 0, 0xff, 0xff})
	switch {
	case size == 0 && crc == 0 && !nothing:
		c.bad("it ends in zeros, not with a gzip trailer")
	case c.Size >= 1<<32/mostInflated: // it may stand for 4 GiB and more, of which the end has only the remainder
	case size == 0 && crc != 0, int64(size) > c.Size*mostInflated:
		c.bad("it does not end with a gzip trailer: it is truncated")
	}
}

// checkText looks at the beginning of what is not compressed, and at its last byte.
func checkText(w *window, c *Content) {
	head, tail := w.upTo(firstRead), w.tail(lastRead)
	if w.err != nil {
		return
	}
	c.text(head)
	if c.Kind == VCF && !c.isBad() {
		c.headerOfVCF(w, w.from(0))
	}
	switch {
	case len(tail) == 0:
	case len(bytes.Trim(tail, "\x00")) == 0:
		c.bad("it ends in zeros")
	case c.Kind != FASTA && !c.isBad(): // FASTA is often written so
		c.lastLine(tail)
	}
}

// lastLine looks whether text ends as a line does.
func (c *Content) lastLine(tail []byte) {
	if len(tail) > 0 && tail[len(tail)-1] != '\n' {
		c.warn("its last line has no newline: it may be truncated")
	}
}

// headerOfVCF reads the lines of the header, which ends with the names of the columns; VCF specification, 1.2 to 1.5.
func (c *Content) headerOfVCF(w *window, r io.Reader) {
	lines := bufio.NewReader(r)
	for begins := true; ; {
		line, more, err := lines.ReadLine()
		switch {
		case errors.Is(err, io.EOF):
			c.bad("its header is truncated: no line names the columns (#CHROM)")
			return
		case err != nil:
			c.headerError(w, "its header", err)
			return
		case begins && bytes.HasPrefix(line, []byte("#CHROM\t")):
			return
		case begins && !bytes.HasPrefix(line, []byte("##")):
			c.bad("its header is damaged: no line names the columns (#CHROM)")
			return
		}
		begins = !more
	}
}

// text checks the beginning of the text of a file.
func (c *Content) text(head []byte) {
	begins := func(any ...string) bool {
		for _, a := range any {
			if bytes.HasPrefix(head, []byte(a)) {
				return true
			}
		}
		return false
	}
	switch c.Kind {
	case FASTQ, FASTQGz:
		switch {
		case len(head) == 0:
			c.warn("it has no reads")
		case !begins("@"):
			c.bad("it is not FASTQ, which starts with @: %s", looksLike(head))
		}
	case FASTA, FASTAGz:
		switch {
		case len(head) == 0:
			c.warn("it has no sequence")
		default:
			c.firstSequence(head)
		}
	case VCF, VCFGz:
		if !begins(fileFormat) {
			c.bad("it is not VCF, which starts with %s: %s", fileFormat, looksLike(head))
		}
	case SAM:
		if !begins("@HD\t", "@SQ\t", "@RG\t", "@PG\t", "@CO\t") && !isAlignment(head) {
			c.bad("it is not SAM, which starts with a header or an alignment: %s", looksLike(head))
		}
	case Dict:
		if !begins("@HD\t", "@SQ\t") {
			c.bad("it is not a sequence dictionary, which starts with @HD or @SQ: %s", looksLike(head))
		}
	}
}

// isAlignment reports a line of SAM without a header: eleven fields and more, of which the second, the fourth and the fifth
// are numbers; SAM specification, 1.4. An empty text is not an alignment, and may be a file without any.
func isAlignment(head []byte) bool {
	line, _, _ := strings.Cut(string(head), "\n")
	fields := strings.Split(line, "\t")
	if len(fields) < 11 {
		return len(head) == 0
	}
	_, ok := integers([]string{fields[1], fields[3], fields[4]})
	return ok
}

// firstSequence looks for the first sequence of FASTA, before which comments and empty lines may be.
func (c *Content) firstSequence(head []byte) {
	at := 0
	for at < len(head) && head[at] != '>' {
		line, _, ended := bytes.Cut(head[at:], []byte("\n"))
		comment := len(bytes.TrimSpace(line)) == 0 || line[0] == '#' || line[0] == ';'
		if at > 0 && head[0] == ';' {
			return // the oldest form, whose sequences may begin with ;
		}
		if !comment {
			c.bad("it is not FASTA, which starts with >: %s", looksLike(head))
			return
		}
		if !ended {
			return
		}
		at += len(line) + 1
	}
	if line, _, ok := bytes.Cut(head[at:], []byte("\n")); ok {
		c.first, c.firstOffset = strings.TrimSuffix(string(line[1:]), "\r"), int64(at+len(line)+1)
	}
}

// firstWord is a name without what describes it.
func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i]
	}
	return s
}

// checkFAI looks at the first line: name, length, offset, bases and bytes a line, and of FASTQ one more; faidx(5). The name
// is all that stands before the numbers, since bedtools getfasta -fullHeader writes whole descriptions there. It looks at
// the last line, too.
func checkFAI(w *window, c *Content) {
	head, tail := w.upTo(firstRead), w.tail(lastRead)
	if w.err != nil {
		return
	}
	if len(head) == 0 {
		c.warn("it is empty")
		return
	}
	line, _, _ := strings.Cut(string(head), "\n")
	fields := strings.Split(line, "\t")
	numbers := 4 // at the end
	if _, ok := integers(fields[max(0, len(fields)-5):]); ok && len(fields) == 6 {
		numbers = 5
	}
	at := len(fields) - numbers
	if at < 1 {
		c.bad("it is not a FASTA index: %s", looksLike(head))
		return
	}
	values, ok := integers(fields[at:])
	if !ok {
		c.bad("it is not a FASTA index: %s", looksLike(head))
		return
	}
	c.first, c.firstOffset = strings.Join(fields[:at], "\t"), values[1]
	c.lastLine(tail)
}

func integers(fields []string) (all []int64, ok bool) {
	for _, f := range fields {
		n, err := strconv.ParseInt(strings.TrimSuffix(f, "\r"), 10, 64)
		if err != nil {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}
