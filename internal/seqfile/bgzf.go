package seqfile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// damage is how existing bytes are wrong: a clause after "it is".
type damage string

// Error returns the clause.
func (d damage) Error() string { return string(d) }

// errBlock says that a block of BGZF, or of a CRAM, does not match its checksum.
const errBlock = damage("damaged: its checksum does not match")

const (
	blockHead = 18 // of a BGZF block whose extra field has nothing else, in bytes, as htslib wants it
	blockTail = 8  // CRC32 and size
)

// isBGZF reports the head of a BGZF block: a gzip header whose extra field is BC and nothing else; SAM specification, 4.1.
func isBGZF(head []byte) bool {
	return len(head) >= blockHead && bytes.HasPrefix(head, endOfBGZF[:4]) && bytes.Equal(head[10:16], endOfBGZF[10:16])
}

// blockSize returns the length of the block that begins so, in bytes.
func blockSize(head []byte) int { return int(binary.LittleEndian.Uint16(head[blockHead-2:])) + 1 }

// blocks reads the text of BGZF. A block is inflated and checked against its CRC32 and its size before any of it is
// returned.
type blocks struct {
	src  io.Reader
	text []byte // of the block, not yet returned
}

// Read returns what comes next.
func (b *blocks) Read(p []byte) (int, error) {
	for len(b.text) == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.text)
	b.text = b.text[n:]
	return n, nil
}

func (b *blocks) next() error {
	head := make([]byte, blockHead)
	if _, err := io.ReadFull(b.src, head); err != nil {
		return err
	}
	size := blockSize(head)
	if !isBGZF(head) || size < blockHead+blockTail {
		return damage("damaged: a BGZF block has no valid header")
	}
	body := make([]byte, size-blockHead)
	if _, err := io.ReadFull(b.src, body); errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	tail := body[len(body)-blockTail:]
	var text bytes.Buffer
	_, err := io.Copy(&text, io.LimitReader(flate.NewReader(bytes.NewReader(body[:len(body)-blockTail])), maxBlock+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF): // within the block, of which all is there
		return errBlock
	case err != nil:
		return err
	case crc32.ChecksumIEEE(text.Bytes()) != binary.LittleEndian.Uint32(tail), text.Len() != int(binary.LittleEndian.Uint32(tail[4:])):
		return errBlock
	}
	b.text = text.Bytes()
	return nil
}

// endsInBlock reports whether the last bytes of a file end where a BGZF block does.
func endsInBlock(tail []byte) bool {
	for at := len(tail) - blockHead - blockTail; at >= 0; at-- {
		if isBGZF(tail[at:]) && at+blockSize(tail[at:]) == len(tail) {
			return true
		}
	}
	return false
}
