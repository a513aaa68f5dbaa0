package seqfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Finding is one thing that is wrong with a file. A Bad one is wrong for sure, or cannot be read by the tools that the name
// is for; others are worth a look.
type Finding struct {
	Bad  bool
	Text string // a clause
}

// Content is what Check found.
type Content struct {
	Kind     Kind
	Size     int64
	Findings []Finding
	// Unsure is why the file's end cannot be checked, in a clause; empty if it was.
	Unsure string
	// Refs is how many reference sequences a BAM or CRAM, or an index of one, has; -1 if that was not read.
	Refs int

	long        bool   // its read groups are of Oxford Nanopore or PacBio, whose reads come unmapped
	plain       bool   // it is gzip, and should be BGZF
	first       string // name of the first sequence of a FASTA, and where it begins; of a FAI, what it says of it
	firstOffset int64  // -1: not known
	reach       int64  // the last offset that an index has into its data
}

// Options are the options of Check.
type Options struct {
	// Unmapped accepts a BAM or CRAM without reference sequences: unmapped reads have none. Otherwise it is worth a look; samtools
	// quickcheck calls it bad.
	Unmapped bool
}

// Checks reports whether Check supports a kind of file.
func Checks(k Kind) bool { return checkOf(k) != nil }

func checkOf(k Kind) func(*window, *Content) {
	switch k {
	case BAM:
		return checkBAM
	case CRAM:
		return checkCRAM
	case BCF:
		return checkBCF
	case VCF, FASTQ, FASTA, SAM, Dict:
		return checkText
	case VCFGz, FASTQGz, FASTAGz, Gzip:
		return checkGzip
	case BAI:
		return checkBAI
	case CSI, TBI:
		return checkCSI
	case CRAI:
		return checkCRAI
	case FAI:
		return checkFAI
	case GZI:
		return checkGZI
	case PBI:
		return checkPBI
	case POD5, SRA, ORA, C4GH:
		return checkSigned
	}
	return nil
}

// Check checks whether a file of size bytes is what k says, and complete. It reads at most MaxRead bytes of it. The error
// is a read error.
func Check(k Kind, r io.ReaderAt, size int64, o Options) (Content, error) {
	w := &window{r: r, size: size}
	c := Content{Kind: k, Size: size, Refs: -1, firstOffset: -1}
	check := checkOf(k)
	if check == nil {
		return c, nil
	}
	check(w, &c)
	if w.err != nil {
		return c, w.err
	}
	if (k == BAM || k == CRAM) && c.Refs == 0 && !o.Unmapped && !c.long {
		c.warn("its header has no reference sequence (for unmapped reads: --unmapped)") // valid: SAM specification, 1.3
	}
	return c, nil
}

func (c *Content) bad(format string, args ...any) {
	c.Findings = append(c.Findings, Finding{true, fmt.Sprintf(format, args...)})
}

func (c *Content) warn(format string, args ...any) {
	c.Findings = append(c.Findings, Finding{false, fmt.Sprintf(format, args...)})
}

// endOfBGZF is the empty block that ends a BGZF file; SAM specification, 4.1.2.
var endOfBGZF = []byte("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00\x42\x43\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00")

// bgzf returns a reader of a file that must be BGZF; nil if it is not. Its blocks are members of gzip.
func bgzf(w *window, c *Content) io.Reader {
	head := w.upTo(firstRead)
	if w.err != nil {
		return nil
	}
	if !isBGZF(head) {
		c.bad("it is not %s: %s", c.Kind, looksLike(head))
		return nil
	}
	if !bytes.Equal(w.tail(len(endOfBGZF)), endOfBGZF) && w.err == nil {
		c.bad(noEOFBlock)
	}
	return inflated(w)
}

// inflated returns the text of a gzip file's beginning.
func inflated(w *window) io.Reader {
	if isBGZF(w.upTo(blockHead)) {
		return &limited{&blocks{src: w.from(0)}, mostText}
	}
	zr, err := gzip.NewReader(w.from(0))
	if err != nil {
		return failing{err}
	}
	return &limited{zr, mostText}
}

// failing is a reader that cannot begin.
type failing struct{ err error }

// Read returns the error.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// limited is a reader of which only so much is read; the end of that is errEnough.
type limited struct {
	r io.Reader
	n int
}

// Read returns what comes next.
func (l *limited) Read(p []byte) (int, error) {
	if l.n <= 0 {
		return 0, errEnough
	}
	n, err := l.r.Read(p[:min(len(p), l.n)])
	l.n -= n
	return n, err
}

// noEOFBlock and noEOFContainer are the usual findings in a truncated file.
const (
	noEOFBlock     = "it has no EOF block: it is truncated, or its writer was interrupted"
	noEOFContainer = "it has no EOF container: it is truncated, or its writer was interrupted"
)

// headerError makes a finding of an error in a header: it is truncated, damaged, or only longer than what is read of it. A truncated
// header replaces the finding of a missing end.
func (c *Content) headerError(w *window, what string, err error) {
	if err == nil || w.err != nil || errors.Is(err, errEnough) {
		return
	}
	var d damage
	c.Findings = slices.DeleteFunc(c.Findings, func(f Finding) bool { return f.Text == noEOFBlock || f.Text == noEOFContainer })
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		c.bad("%s is truncated", what)
	case errors.As(err, &d):
		c.bad("%s is %s", what, d)
	default:
		c.bad("%s cannot be inflated: %v", what, err)
	}
}

// beginning reads up to n bytes of text; fewer if it is shorter, or the window ends.
func beginning(r io.Reader, n int) ([]byte, error) {
	buf := make([]byte, n)
	got, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && got > 0 || errors.Is(err, errEnough) && got > 0 {
		err = nil
	}
	return buf[:got], err
}
