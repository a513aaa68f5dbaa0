// Package seqtest makes small files of the field for tests, byte by byte as their specifications say, so that no test needs
// binaries that somebody else made: BAM, CRAM, VCF.gz, their indexes, BGZF and plain gzip. They have headers and ends; the reads
// in them are few or none.
package seqtest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// EOF is the block that ends BGZF.
const EOF = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00BC\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// EOFContainer ends a CRAM of version 3.
const EOFContainer = "\x0f\x00\x00\x00\xff\xff\xff\xff\x0f\xe0EOF\x00\x00\x00\x00\x01\x00\x05\xbd\xd9\x4f\x00\x01\x00\x06\x06\x01\x00\x01\x00\x01\x00\xee\x63\x01\x4b"

// BGZF compresses text in blocks, with the one that ends it.
func BGZF(text string) []byte {
	var all bytes.Buffer
	for len(text) > 0 {
		n := min(len(text), 0xff00)
		all.Write(block(text[:n]))
		text = text[n:]
	}
	all.WriteString(EOF)
	return all.Bytes()
}

func block(text string) []byte {
	var body bytes.Buffer
	w, err := flate.NewWriter(&body, flate.DefaultCompression)
	if err != nil {
		panic("seqtest: internal error: " + err.Error())
	}
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	b := []byte("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00BC\x02\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(b)+2+body.Len()+8-1))
	b = append(b, body.Bytes()...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(text)))
	return binary.LittleEndian.AppendUint32(b, uint32(len(text)))
}

// Gzip compresses text as gzip does.
func Gzip(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

func number(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

// header is the text of a SAM header.
func header(refs []string) string {
	var text strings.Builder
	text.WriteString("@HD\tVN:1.6\tSO:coordinate\n")
	for _, name := range refs {
		text.WriteString("@SQ\tSN:" + name + "\tLN:1000\n")
	}
	return text.String()
}

// BAM has these reference sequences, and no reads.
func BAM(refs ...string) []byte {
	text := header(refs)
	var b strings.Builder
	b.WriteString("BAM\x01" + number(len(text)) + text + number(len(refs)))
	for _, name := range refs {
		b.WriteString(number(len(name)+1) + name + "\x00" + number(1000))
	}
	return BGZF(b.String())
}

// BAI is an empty index of so many reference sequences.
func BAI(refs int) []byte {
	return []byte("BAI\x01" + number(refs) + strings.Repeat(number(0)+number(0), refs))
}

// CSI is the same as CSI.
func CSI(refs int) []byte {
	return BGZF("CSI\x01" + number(14) + number(5) + number(0) + number(refs) + strings.Repeat(number(0), refs))
}

// TBI is an empty index of a VCF with one sequence.
func TBI() []byte {
	return BGZF("TBI\x01" + number(1) + number(2) + number(1) + number(2) + number(0) + number('#') + number(0) + number(5) + "chr1\x00" + number(0) + number(0))
}

// CRAM is of version 3.0, has these reference sequences, and no reads.
func CRAM(refs ...string) []byte {
	text := header(refs)
	content := number(len(text)) + text
	head := "\x00\x00\x00" + itf8(len(content)) + itf8(len(content)) + content // raw, SAM header, ID 0
	head += number(int(crc32.ChecksumIEEE([]byte(head))))
	container := number(len(head)) + "\x00\x00\x00\x00\x00\x00\x01\x01\x00"
	container += number(int(crc32.ChecksumIEEE([]byte(container))))
	return []byte("CRAM\x03\x00" + fmt.Sprintf("%-20s", "haul") + container + head + EOFContainer)
}

// itf8 codes a number below 2 to the 28th.
func itf8(n int) string {
	switch {
	case n < 1<<7:
		return string([]byte{byte(n)})
	case n < 1<<14:
		return string([]byte{byte(n>>8) | 0x80, byte(n)})
	}
	return string([]byte{byte(n>>16) | 0xc0, byte(n >> 8), byte(n)})
}

// CRAI has one line for each offset into the CRAM.
func CRAI(offsets ...int) []byte {
	text := ""
	for _, at := range offsets {
		text += fmt.Sprintf("0\t1\t100\t%d\t50\t200\n", at)
	}
	return Gzip(text)
}

// VCF is the text of one with so many lines.
func VCF(lines int) string {
	var b strings.Builder
	b.WriteString("##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
	for i := range lines {
		fmt.Fprintf(&b, "chr1\t%d\t.\tA\tC\t%d\tPASS\t.\n", i+1, i*7919%97)
	}
	return b.String()
}

// FASTQ is the text of so many reads.
func FASTQ(reads int) string {
	var b strings.Builder
	for i := range reads {
		fmt.Fprintf(&b, "@read%d\n%s\n+\n%s\n", i, strings.Repeat("ACGTTGCA"[i%8:i%8+1], 50), strings.Repeat("I", 50))
	}
	return b.String()
}
