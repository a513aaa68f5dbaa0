package seqfile_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/seqfile/seqtest"
)

// counted counts what is read.
type counted struct {
	io.ReaderAt
	n, reads int
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n, c.reads = c.n+n, c.reads+1
	return n, err
}

// check returns the findings as text, each with ! if it is bad.
func check(t testing.TB, kind seqfile.Kind, b []byte) (seqfile.Content, string) {
	t.Helper()
	r := &counted{ReaderAt: bytes.NewReader(b)}
	c, err := seqfile.Check(kind, r, int64(len(b)), seqfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.n > seqfile.MaxRead {
		t.Fatalf("%d bytes were read of %d", r.n, len(b))
	}
	return c, texts(c.Findings)
}

func texts(all []seqfile.Finding) string {
	var b []string
	for _, f := range all {
		if f.Bad {
			f.Text = "!" + f.Text
		}
		b = append(b, f.Text)
	}
	return strings.Join(b, "; ")
}

func cut(b []byte, n int) []byte { return b[:len(b)-n] }

func TestCheck(t *testing.T) {
	bam, cram := seqtest.BAM("chr1", "chr2"), seqtest.CRAM("chr1", "chr2")
	vcf, fastq := seqtest.VCF(5000), seqtest.FASTQ(5000)
	random := strings.Repeat("\x8b\x13\x77\xee", 50<<10)
	const noBlock, noContainer = "!it has no EOF block: it is truncated, or its writer was interrupted", "!it has no EOF container: it is truncated, or its writer was interrupted"
	for _, c := range []struct {
		what string
		kind seqfile.Kind
		b    []byte
		want string
	}{
		{"BAM", seqfile.BAM, bam, ""},
		{"BAM without EOF", seqfile.BAM, cut(bam, 28), noBlock},
		{"BAM cut in its header", seqfile.BAM, bam[:60], "!its header is truncated"},
		{"BAM damaged", seqfile.BAM, append(append(bytes.Clone(bam[:18]), bytes.Repeat([]byte{0xff}, 40)...), bam[58:]...), "!its header cannot be inflated: flate: corrupt input before offset 1"},
		{"BAM without targets", seqfile.BAM, seqtest.BAM(), "its header has no reference sequence (for unmapped reads: --unmapped)"},
		{"BAM that is CRAM", seqfile.BAM, cram, "!it is not BAM: it looks like CRAM"},
		{"BAM that is a page", seqfile.BAM, []byte("<html>"), "!it is not BAM: it looks like a page of HTML or XML"},
		{"BAM of zeros", seqfile.BAM, make([]byte, 1<<20), "!it is not BAM: it starts with zeros"},
		{"BAM with a zero end", seqfile.BAM, append(bytes.Clone(bam), make([]byte, 1<<20)...), noBlock},
		{"BAM that is VCF.gz", seqfile.BAM, seqtest.BGZF(vcf), "!it is BGZF, but not BAM"},
		{"empty BAM", seqfile.BAM, nil, "!it is not BAM: it is empty"},
		{"BAM of EOF alone", seqfile.BAM, []byte(seqtest.EOF), "!its header is truncated"},
		{"CRAM", seqfile.CRAM, cram, ""},
		{"CRAM cut at a container", seqfile.CRAM, cut(cram, len(seqtest.EOFContainer)), noContainer},
		{"CRAM cut in its header", seqfile.CRAM, cram[:70], "!its header is damaged or truncated: a container of 78 bytes"},
		{"CRAM without targets", seqfile.CRAM, seqtest.CRAM(), "its header has no reference sequence (for unmapped reads: --unmapped)"},
		{"CRAM that is BAM", seqfile.CRAM, bam, "!it is not CRAM: it looks like BGZF"},
		{"CRAM 9", seqfile.CRAM, []byte("CRAM\x09\x00" + strings.Repeat("x", 40)), "!it claims to be CRAM 9.0, which does not exist"},
		{"VCF.gz", seqfile.VCFGz, seqtest.BGZF(vcf), ""},
		{"VCF.gz by plain gzip", seqfile.VCFGz, seqtest.Gzip(vcf), "it is plain gzip, not BGZF, so it cannot be indexed (compress it with bgzip)"},
		{"VCF.gz without EOF", seqfile.VCFGz, cut(seqtest.BGZF(vcf), 28), noBlock},
		{"VCF.gz of something else", seqfile.VCFGz, seqtest.BGZF("chr1\t1\n"), "!it is not VCF, which starts with ##fileformat=VCF: it looks like plain text"},
		{"VCF", seqfile.VCF, []byte(vcf), ""},
		{"VCF that is compressed", seqfile.VCF, seqtest.BGZF(vcf), "!it is not VCF, which starts with ##fileformat=VCF: it looks like BGZF"},
		{"BCF", seqfile.BCF, seqtest.BGZF("BCF\x02\x02\x20\x00\x00\x00" + vcf), ""},
		{"BCF without EOF", seqfile.BCF, cut(seqtest.BGZF("BCF\x02\x02\x20\x00\x00\x00"+vcf), 28), noBlock},
		{"FASTQ", seqfile.FASTQ, []byte(fastq), ""},
		{"FASTQ cut", seqfile.FASTQ, []byte(fastq[:1000]), "its last line has no newline: it may be truncated"},
		{"FASTQ of FASTA", seqfile.FASTQ, []byte(">x\nACGT\n"), "!it is not FASTQ, which starts with @: it looks like plain text"},
		{"FASTQ with a zero end", seqfile.FASTQ, append([]byte(fastq), make([]byte, 100)...), "!it ends in zeros"},
		{"FASTQ.gz", seqfile.FASTQGz, seqtest.Gzip(fastq), ""},
		{"FASTQ.gz of members", seqfile.FASTQGz, append(seqtest.Gzip(fastq), seqtest.Gzip("@x\nA\n+\nI\n")...), ""},
		{"FASTQ.gz cut", seqfile.FASTQGz, cut(seqtest.Gzip(fastq), 100), "!it does not end with a gzip trailer: it is truncated"},
		{"FASTQ.gz with a zero end", seqfile.FASTQGz, append(seqtest.Gzip(fastq), make([]byte, 1<<20)...), "!it ends in zeros, not with a gzip trailer"},
		{"large FASTQ.gz that does not end as gzip", seqfile.FASTQGz, append(seqtest.Gzip(fastq), random...), "!it does not end with a gzip trailer: it is truncated"},
		{"FASTQ.gz of nothing", seqfile.FASTQGz, seqtest.Gzip(""), "it has no reads"},
		{"FASTQ.gz that is not compressed", seqfile.FASTQGz, []byte(fastq), "!it is not gzip: it looks like plain text"},
		{"FASTQ.gz by bgzip", seqfile.FASTQGz, seqtest.BGZF(fastq), ""},
		{"FASTQ.gz by bgzip without EOF", seqfile.FASTQGz, cut(seqtest.BGZF(fastq), 28), "it has no EOF block: it is truncated, or its writer was interrupted, or does not write one"},
		{"FASTA", seqfile.FASTA, []byte(">x\nACGT\n"), ""},
		{"FASTA.gz that is text", seqfile.FASTAGz, seqtest.Gzip("hello"), "!it is not FASTA, which starts with >: it looks like plain text"},
		{"gzip", seqfile.Gzip, seqtest.Gzip("hello"), ""},
		{"gzip damaged", seqfile.Gzip, append(seqtest.Gzip("hello")[:14], "xxxxxxxxxxxxxx"...), "!it does not end with a gzip trailer: it is truncated"},
		{"BAI", seqfile.BAI, seqtest.BAI(3), ""},
		{"BAI cut", seqfile.BAI, seqtest.BAI(3)[:20], "!it is truncated or damaged: it is too small for 3 reference sequences"},
		{"BAI that is CSI", seqfile.BAI, seqtest.CSI(3), "!it is not BAI: it looks like BGZF"},
		{"CSI", seqfile.CSI, seqtest.CSI(3), ""},
		{"CSI cut", seqfile.CSI, cut(seqtest.CSI(3), 30), "!it is truncated"},
		{"TBI", seqfile.TBI, seqtest.TBI(), ""},
		{"TBI that is CSI", seqfile.TBI, seqtest.CSI(1), "!it is BGZF, but not TBI"},
		{"CRAI", seqfile.CRAI, seqtest.CRAI(100, 200), ""},
		{"CRAI of words", seqfile.CRAI, seqtest.Gzip("hello\n"), "!it is not a CRAM index: a line does not have six numbers"},
		{"FAI", seqfile.FAI, []byte("x\t4\t3\t4\t5\n"), ""},
		{"FAI of words", seqfile.FAI, []byte("hello\n"), "!it is not a FASTA index: it looks like plain text"},
		{"GZI", seqfile.GZI, make([]byte, 8), ""},
		{"GZI cut", seqfile.GZI, append([]byte{2, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 16)...), "!it is not GZI, or is truncated: its count does not match its size"},
		{"dictionary", seqfile.Dict, []byte("@HD\tVN:1.6\n"), ""},
		{"dictionary of words", seqfile.Dict, []byte("aardvark\n"), "!it is not a sequence dictionary, which starts with @HD or @SQ: it looks like plain text"},
		{"VCF cut in a line", seqfile.VCF, []byte(vcf[:2000]), "its last line has no newline: it may be truncated"},
		{"VCF cut in its header", seqfile.VCF, []byte(vcf[:30]), "!its header is truncated: no line names the columns (#CHROM)"},
		{"VCF.gz cut in its header", seqfile.VCFGz, seqtest.BGZF(vcf[:30]), "!its header is truncated: no line names the columns (#CHROM)"},
		{"VCF without columns", seqfile.VCF, []byte("##fileformat=VCFv4.2\nchr1\t1\n"), "!its header is damaged: no line names the columns (#CHROM)"},
		{"FASTA with comments", seqfile.FASTA, []byte("# of 2026\n\n;old\n>x\nACGT\n"), ""},
		{"FASTA without a last line end", seqfile.FASTA, []byte(">x\nACGT"), ""},
		{"FASTA of comments and words", seqfile.FASTA, []byte("# of 2026\nhello\n"), "!it is not FASTA, which starts with >: it looks like plain text"},
		{"FAI of whole descriptions", seqfile.FAI, []byte("x one two\t10\t3\t4\t5\n"), ""},
		{"FAI of descriptions with tabs", seqfile.FAI, []byte("x\tone\ttwo\t10\t3\t4\t5\n"), ""},
		{"FAI of FASTQ", seqfile.FAI, []byte("x\t10\t3\t4\t5\t99\n"), ""},
		{"FAI cut in a line", seqfile.FAI, []byte("x\t4\t3\t4\t5\ny\t4\t13\t4"), "its last line has no newline: it may be truncated"},
		{"FASTQ.gz by bgzip, cut within its EOF block", seqfile.FASTQGz, cut(seqtest.BGZF(fastq), 7), "!it is truncated"},
		{"FASTQ.gz by bgzip, cut within the head of a block", seqfile.FASTQGz, append(cut(seqtest.BGZF(fastq), 28), seqtest.BGZF(fastq)[:17]...), "!it is truncated"},
		{"SAM", seqfile.SAM, []byte("@HD\tVN:1.6\n@SQ\tSN:a\tLN:9\n"), ""},
		{"SAM without a header", seqfile.SAM, []byte("r\t4\t*\t0\t0\t*\t*\t0\t0\tA\tI\n"), ""},
		{"SAM cut", seqfile.SAM, []byte("r\t4\t*\t0\t0\t*\t*\t0\t0\tA\tI\nr2\t4"), "its last line has no newline: it may be truncated"},
		{"SAM of FASTQ", seqfile.SAM, []byte(fastq), "!it is not SAM, which starts with a header or an alignment: it looks like plain text"},
		{"SAM that is BAM", seqfile.SAM, bam, "!it is not SAM, which starts with a header or an alignment: it looks like BGZF"},
		{"POD5", seqfile.POD5, []byte(pod5 + "x" + pod5), ""},
		{"POD5 cut", seqfile.POD5, []byte(pod5 + "x" + pod5[:7]), "!it does not end like POD5: it is truncated, or its writer was interrupted"},
		{"POD5 of its beginning", seqfile.POD5, []byte(pod5), "!it does not end like POD5: it is truncated, or its writer was interrupted"},
		{"SRA", seqfile.SRA, []byte("NCBI.sra\x88\x19\x03\x05\x01\x00\x00\x00"), ""},
		{"SRA of zeros", seqfile.SRA, make([]byte, 100), "!it is not SRA: it starts with zeros"},
		{"ORA", seqfile.ORA, []byte("\x01\x02\x03\x04"), ""},
		{"ORA that is gzip", seqfile.ORA, seqtest.Gzip(fastq), "!it is not FASTQ.ora: it looks like plain gzip"},
		{"Crypt4GH", seqfile.C4GH, c4gh(1, 1000), ""},
		{"Crypt4GH of whole blocks", seqfile.C4GH, c4gh(3, 2*65564), ""},
		{"Crypt4GH cut in its last block", seqfile.C4GH, c4gh(1, 65564+20), "!its last data block is truncated"},
		{"Crypt4GH cut in its header", seqfile.C4GH, c4gh(2, 0)[:100], "!its header is truncated"},
		{"Crypt4GH that is BAM", seqfile.C4GH, bam, "!it is not Crypt4GH: it looks like BGZF"},
		{"PBI", seqfile.PBI, seqtest.BGZF("PBI\x01\x00\x00\x03\x00"), ""},
		{"PBI that is CSI", seqfile.PBI, seqtest.CSI(1), "!it is BGZF, but not PBI"},
		{"something else", seqfile.Other, []byte("x"), ""},
	} {
		if _, got := check(t, c.kind, c.b); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

const pod5 = "\x8bPOD\r\n\x1a\n"

// c4gh is a Crypt4GH file with so many packets in its header, and so many bytes of data.
func c4gh(packets, data int) []byte {
	b := append([]byte("crypt4gh\x01\x00\x00\x00"), byte(packets), 0, 0, 0)
	for range packets {
		b = append(append(b, 108, 0, 0, 0), make([]byte, 104)...)
	}
	return append(b, make([]byte, data)...)
}

// Unmapped reads of Oxford Nanopore and PacBio are whole without a reference, and others may be; samtools quickcheck calls them all bad
// without -u.
func TestLongReads(t *testing.T) {
	for group, want := range map[string]string{
		"@RG\tID:a\tPL:ONT\tSM:x\n":    "",
		"@RG\tID:a\tPL:PACBIO\n":       "",
		"@RG\tID:a\tPL:pacbio\n":       "",
		"@RG\tID:a\tPL:ILLUMINA\n":     "its header has no reference sequence (for unmapped reads: --unmapped)",
		"@CO\tPL:ONT\n":                "its header has no reference sequence (for unmapped reads: --unmapped)",
		"@RG\tID:a\tDS:PL:ONT\tSM:x\n": "its header has no reference sequence (for unmapped reads: --unmapped)",
	} {
		text := "@HD\tVN:1.6\tSO:unknown\n" + group
		if _, got := check(t, seqfile.BAM, seqtest.BGZF("BAM\x01"+string([]byte{byte(len(text)), 0, 0, 0})+text+"\x00\x00\x00\x00")); got != want {
			t.Errorf("%q: %q, want %q", group, got, want)
		}
	}
}

func TestUnmapped(t *testing.T) {
	b := seqtest.BAM()
	c, err := seqfile.Check(seqfile.BAM, bytes.NewReader(b), int64(len(b)), seqfile.Options{Unmapped: true})
	if err != nil || len(c.Findings) > 0 {
		t.Errorf("%v, %v", c.Findings, err)
	}
}

// TestReads: a file of any size takes two reads of a few kilobytes; a header that is longer than that a few more, and its
// count is then not known if it is too long.
func TestReads(t *testing.T) {
	var refs []string
	for i := range 100_000 {
		refs = append(refs, strings.Repeat("s", i%7+1)+string(rune('a'+i%26))+strings.Repeat("x", i/26%40))
	}
	for _, c := range []struct {
		b           []byte
		reads, refs int
	}{
		{seqtest.BAM("chr1"), 1, 1},
		{append(cut(seqtest.BAM("chr1"), 28), seqtest.BGZF(seqtest.FASTQ(50_000))...), 2, 1},
		{seqtest.BAM(refs...), 7, -1},
	} {
		r := &counted{ReaderAt: bytes.NewReader(c.b)}
		got, err := seqfile.Check(seqfile.BAM, r, int64(len(c.b)), seqfile.Options{})
		if err != nil || len(got.Findings) > 0 || r.reads > c.reads || r.n > seqfile.MaxRead || c.refs >= 0 && got.Refs != c.refs {
			t.Errorf("%d bytes: %d reads of %d bytes, %+v, %v", len(c.b), r.reads, r.n, got, err)
		}
	}
}

func TestReadError(t *testing.T) {
	if _, err := seqfile.Check(seqfile.BAM, bytes.NewReader(nil), 100, seqfile.Options{}); err == nil {
		t.Error("a file that is shorter than it was said to be gives no error")
	}
}

func TestBelongs(t *testing.T) {
	content := func(kind seqfile.Kind, b []byte) seqfile.Content {
		c, _ := check(t, kind, b)
		return c
	}
	bam, cram := content(seqfile.BAM, seqtest.BAM("a", "b")), content(seqfile.CRAM, seqtest.CRAM("a", "b"))
	fasta := content(seqfile.FASTA, []byte(">x one\nACGT\n"))
	for _, c := range []struct {
		what        string
		index, data seqfile.Content
		good        bool
	}{
		{"BAI", content(seqfile.BAI, seqtest.BAI(2)), bam, true},
		{"BAI of more", content(seqfile.BAI, seqtest.BAI(3)), bam, false},
		{"CSI", content(seqfile.CSI, seqtest.CSI(2)), bam, true},
		{"CSI of less", content(seqfile.CSI, seqtest.CSI(1)), bam, false},
		{"CRAI", content(seqfile.CRAI, seqtest.CRAI(50)), cram, true},
		{"CRAI that points too far", content(seqfile.CRAI, seqtest.CRAI(50, 5000)), cram, false},
		{"FAI", content(seqfile.FAI, []byte("x\t4\t7\t4\t5\n")), fasta, true},
		{"FAI of another name", content(seqfile.FAI, []byte("y\t4\t7\t4\t5\n")), fasta, false},
		{"FAI of the whole description", content(seqfile.FAI, []byte("x one\t4\t7\t4\t5\n")), fasta, true},
		{"TBI of plain gzip", content(seqfile.TBI, seqtest.TBI()), content(seqfile.VCFGz, seqtest.Gzip(seqtest.VCF(10))), false},
		{"CRAI of a CRAM that is cut", content(seqfile.CRAI, seqtest.CRAI(50, 5000)), content(seqfile.CRAM, cut(seqtest.CRAM("a"), 1)), true},
		{"FAI of another offset", content(seqfile.FAI, []byte("x\t4\t3\t4\t5\n")), fasta, false},
	} {
		if got := seqfile.Belongs(c.index, c.data); (len(got) == 0) != c.good {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

// TestLikeSamtools: of the files that Debian's htslib-test and samtools-test have, and of each cut short, Check says what
// samtools quickcheck says, except that a file without reference sequences is only worth a look.
func TestLikeSamtools(t *testing.T) {
	samtools, err := exec.LookPath("samtools")
	if err != nil {
		t.Skip("samtools is not in PATH")
	}
	var files []string
	for _, pattern := range []string{"/usr/share/htslib-test/test/*.bam", "/usr/share/htslib-test/test/*.cram", "/usr/share/samtools/test/*/*.bam", "/usr/share/samtools/test/*/*.cram"} {
		some, _ := filepath.Glob(pattern)
		files = append(files, some...)
	}
	if len(files) == 0 {
		t.Skip("neither htslib-test nor samtools-test is installed")
	}
	dir := t.TempDir()
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 28, 38, len(b) / 2} {
			n = min(n, len(b))
			path := filepath.Join(dir, filepath.Base(file))
			if err := os.WriteFile(path, cut(b, n), 0o600); err != nil {
				t.Fatal(err)
			}
			theirs := exec.Command(samtools, "quickcheck", path).Run() == nil
			c, ours := check(t, seqfile.KindOf(file), cut(b, n))
			bad := strings.Contains(ours, "!") || strings.Contains(ours, "has no reference sequence")
			if c.Kind != seqfile.Other && bad == theirs {
				t.Errorf("%s, cut by %d: %q, and samtools quickcheck passes it: %v", file, n, ours, theirs)
			}
		}
	}
	t.Logf("%d files", len(files))
}

func FuzzCheck(f *testing.F) {
	kinds := []seqfile.Kind{
		seqfile.BAM, seqfile.CRAM, seqfile.BCF, seqfile.VCF, seqfile.VCFGz, seqfile.FASTQ, seqfile.FASTQGz, seqfile.FASTA, seqfile.FASTAGz, seqfile.Gzip,
		seqfile.BAI, seqfile.CSI, seqfile.CRAI, seqfile.TBI, seqfile.FAI, seqfile.GZI, seqfile.Dict,
	}
	for _, b := range [][]byte{
		seqtest.BAM("a"), seqtest.CRAM("a"), seqtest.TBI(), seqtest.CSI(1), seqtest.CRAI(7), seqtest.Gzip("@x\n"), seqtest.BAI(1),
		[]byte("x\t4\t3\t4\t5\n"), []byte(">x\nA\n"), {1, 0, 0, 0, 0, 0, 0, 0}, {},
	} {
		f.Add(b, uint32(0))
		f.Add(b, uint32(1<<20))
	}
	f.Fuzz(func(t *testing.T, b []byte, more uint32) {
		b = append(b, make([]byte, more%(1<<20))...)
		var all []seqfile.Content
		for _, kind := range kinds {
			c, _ := check(t, kind, b)
			all = append(all, c)
		}
		for _, index := range all {
			for _, data := range all {
				seqfile.Belongs(index, data)
			}
		}
	})
}

// sparse is a file of size bytes with a beginning and an end, and zeros between.
type sparse struct {
	begin, end string
	size       int64
}

// ReadAt reads.
func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(s.begin)) {
		copy(p, s.begin[off:])
	}
	if at := s.size - int64(len(s.end)) - off; at < int64(len(p)) {
		copy(p[max(at, 0):], s.end[max(-at, 0):])
	}
	return len(p), nil
}

// What gzip writes of just 4 GiB has a size of 0 at its end, which is no damage.
func TestGzipOf4GiB(t *testing.T) {
	random := make([]byte, 1<<18)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	text := string(seqtest.Gzip(string(random)))
	for size, want := range map[int64]string{1 << 20: "!it does not end with a gzip trailer: it is truncated", 5 << 20: ""} {
		c, err := seqfile.Check(seqfile.Gzip, sparse{text, "abcdefgh\x00\x00\x00\x00", size}, size, seqfile.Options{})
		if got := texts(c.Findings); err != nil || got != want {
			t.Errorf("%d bytes: %q, %v", size, got, err)
		}
	}
}

// The size at the end of plain FASTQ is compared with what its beginning inflates to; one that is too small may be that of
// the last of several members.
func TestEndOfPlainFASTQ(t *testing.T) {
	text := string(seqtest.Gzip(seqtest.FASTQ(20_000)))
	for end, want := range map[string]string{"\x00\x00\x00\x7f": "!it does not end with a gzip trailer: it is truncated", "\x00\x10\x00\x00": "", "\x00\x00\x00\x01": ""} {
		c, err := seqfile.Check(seqfile.FASTQGz, sparse{text, "abcdefgh" + end, 3 << 20}, 3<<20, seqfile.Options{})
		if got := texts(c.Findings); err != nil || got != want || (want == "") != (c.Unsure != "") {
			t.Errorf("%q: %q, unsure %q, %v", end, got, c.Unsure, err)
		}
	}
}
