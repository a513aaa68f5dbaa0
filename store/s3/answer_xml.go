package s3

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Keys may have bytes that XML 1.0 cannot hold (section 2.2, Char): control characters, and what is not UTF-8. Servers that
// echo such a key write it anyway, as it is or as a reference (&#x8;), and Go's decoder then refuses the whole document. So
// before it is decoded each such byte b becomes two characters of a private plane, escapeMark and escapeByte+b; plainText
// undoes it.
const (
	escapeMark = '\U0010fd00'
	escapeByte = '\U0010fc00'
)

// escapeXML makes a document readable for Go's decoder.
func escapeXML(doc []byte) []byte {
	at := nextOdd(doc)
	if at == len(doc) {
		return doc
	}
	out := make([]byte, 0, len(doc)+len(doc)/8+64)
	for {
		out = append(out, doc[:at]...)
		if doc = doc[at:]; len(doc) == 0 {
			return out
		}
		text, n := oddAt(doc)
		for i := range len(text) {
			out = utf8.AppendRune(out, escapeMark)
			out = utf8.AppendRune(out, escapeByte+rune(text[i]))
		}
		doc = doc[n:]
		at = nextOdd(doc)
	}
}

// nextOdd returns the offset of the first thing to escape, or the length.
func nextOdd(doc []byte) int {
	for i := 0; i < len(doc); {
		if c := doc[i]; c >= ' ' && c != '&' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		if _, n := oddAt(doc[i:]); n > 0 {
			return i
		}
		_, size := utf8.DecodeRune(doc[i:])
		i += size
	}
	return len(doc)
}

// oddAt returns the bytes meant by what cannot be decoded at the beginning of doc, and its length there; 0 if it can be
// decoded.
func oddAt(doc []byte) (text string, n int) {
	if doc[0] == '&' {
		return oddReference(doc)
	}
	r, size := utf8.DecodeRune(doc)
	if size == 1 && r == utf8.RuneError || !inXMLChar(r) || r == escapeMark {
		return string(doc[:size]), size
	}
	return "", 0
}

// oddReference is oddAt for a character reference.
func oddReference(doc []byte) (text string, n int) {
	const longest = len("&#x0010FFFF;")
	ref, _, ok := bytes.Cut(doc[:min(len(doc), longest)], []byte(";"))
	if !ok || !bytes.HasPrefix(ref, []byte("&#")) {
		return "", 0
	}
	digits, base := string(ref[2:]), 10
	if hex, ok := strings.CutPrefix(strings.ToLower(digits), "x"); ok {
		digits, base = hex, 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code > utf8.MaxRune || inXMLChar(rune(code)) && rune(code) != escapeMark {
		return "", 0
	}
	return string(utf8.AppendRune(nil, rune(code))), len(ref) + 1
}

func inXMLChar(r rune) bool {
	return r >= ' ' && (r < 0xd800 || r >= 0xe000) && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}

// plainText returns a decoded text as the server meant it.
func plainText(s string) string {
	mark := string(escapeMark)
	if !strings.Contains(s, mark) {
		return s
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, mark)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		r, size := utf8.DecodeRuneInString(after)
		if r >= escapeByte && r <= escapeByte+0xff {
			b.WriteByte(byte(r - escapeByte))
			after = after[size:]
		}
		s = after
	}
}
