package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	crcLen = 8
	// lineExtra is what a line has besides its JSON: sum, space, LF.
	lineExtra = crcLen + 2
	// maxLine bounds the memory that a damaged file can take at replay, in bytes. An S3 object's metadata has 2 KiB at most,
	// so no header comes near.
	maxLine = 1 << 20
)

// castagnoli is the polynomial of CRC32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v) // escapes every LF
	if err != nil {
		return nil, err
	}
	if len(b) > maxLine-lineExtra {
		return nil, fmt.Errorf("a line of %d bytes is too long", len(b)+lineExtra)
	}
	return seal(b), nil
}

// seal makes JSON a line.
func seal(b []byte) []byte {
	return fmt.Appendf(make([]byte, 0, len(b)+lineExtra), "%08x %s\n", crc32.Checksum(b, castagnoli), b)
}

// lineReader reads lines one by one.
type lineReader struct {
	r      *bufio.Reader
	length int64 // of the line read last, in bytes
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10)}
}

// next decodes the next line into v. It returns false at the end, at a line that is not what was written, and, then with
// the error, if reading failed.
func next(l *lineReader, v any) (bool, error) {
	line, err := l.read()
	if err != nil || line == nil {
		return false, err
	}
	l.length = int64(len(line))
	if len(line) <= lineExtra {
		return false, nil
	}
	b := line[crcLen+1 : len(line)-1]
	return bytes.Equal(line, seal(b)) && json.Unmarshal(b, v) == nil, nil
}

// read returns a line with its LF, or nil if there is no whole line of acceptable length any more.
func (l *lineReader) read() ([]byte, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil && len(line) <= maxLine:
			return line, nil
		case errors.Is(err, io.EOF), len(line) > maxLine:
			return nil, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
