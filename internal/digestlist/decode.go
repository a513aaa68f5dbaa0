package digestlist

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoded returns text as UTF-8, without its byte order mark. Without a mark it stays as it is.
func decoded(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	mark, _ := b.Peek(3) // an error is returned again
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		_, _ = b.Discard(3)
	case bytes.HasPrefix(mark, []byte("\xff\xfe")):
		_, _ = b.Discard(2)
		return &utf16Reader{from: b, order: binary.LittleEndian}
	case bytes.HasPrefix(mark, []byte("\xfe\xff")):
		_, _ = b.Discard(2)
		return &utf16Reader{from: b, order: binary.BigEndian}
	}
	return b
}

// utf16Reader converts UTF-16 to UTF-8.
type utf16Reader struct {
	from  io.Reader
	order binary.ByteOrder
	high  rune // the first half of a pair, or 0
	out   []byte
	err   error
}

// Read returns the next bytes of UTF-8.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		buf := make([]byte, 4<<10)
		n, err := io.ReadFull(u.from, buf)
		if u.err = err; errors.Is(err, io.ErrUnexpectedEOF) {
			u.err = io.EOF
		}
		u.take(buf[:n])
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// take decodes units. A byte that is left over at the end is not a character.
func (u *utf16Reader) take(buf []byte) {
	for ; len(buf) >= 2; buf = buf[2:] {
		r := rune(u.order.Uint16(buf))
		switch {
		case u.high != 0:
			pair := utf16.DecodeRune(u.high, r)
			u.high = 0
			u.out = utf8.AppendRune(u.out, pair)
			if pair == utf8.RuneError && !utf16.IsSurrogate(r) {
				u.out = utf8.AppendRune(u.out, r)
			}
		case r >= 0xd800 && r < 0xdc00:
			u.high = r
		default:
			u.out = utf8.AppendRune(u.out, r)
		}
	}
	if u.err != nil && (len(buf) > 0 || u.high != 0) {
		u.out = utf8.AppendRune(u.out, utf8.RuneError)
		u.high = 0
	}
}

// linesOf returns the whole lines of the beginning of a list.
func linesOf(head []byte, whole bool) []string {
	var all []string
	for line := range strings.Lines(string(head)) {
		if whole || strings.HasSuffix(line, "\n") {
			all = append(all, strings.TrimRight(line, "\r\n"))
		}
	}
	if len(all) == 0 && len(head) > 0 {
		all = []string{string(head)}
	}
	return all
}

// eachLine calls do for each line, numbered from 1, without its end. A read error goes to yield.
func eachLine(r io.Reader, yield yielder, do func(n int, line string) bool) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	n := 1
	for ; s.Scan(); n++ {
		if !do(n, strings.TrimSuffix(s.Text(), "\r")) {
			return
		}
	}
	if err := s.Err(); err != nil {
		yield(Entry{}, fmt.Errorf("read line %d: %w", n, err))
	}
}
