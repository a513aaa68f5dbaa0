package proof

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"haul/checksum"
	"haul/internal/plan"
	"haul/store"
)

// ErrManifest is in the chain of an error where what should be a manifest is none, or has a line that cannot be read.
var ErrManifest = errors.New("not a manifest of digests")

// Line is what a manifest or receipt says of one file.
type Line struct {
	// Name is as it was written; empty where there is only a digest, which is then about the file that the manifest is beside.
	Name string
	// Path is that of the file on this machine, in a receipt.
	Path string
	// Size is in bytes; -1 where it is not told.
	Size   int64
	Claims []Claim
	// ETag is that of an object whose bytes a receipt says were proved.
	ETag  string
	Parts []store.Part
	group int // of files in one table: ENA lists those of several kinds side by side
}

const (
	// maxLine bounds a line, in bytes. That of a receipt lists up to 10,000 parts.
	maxLine = 4 << 20
	// headSize is how much is looked at to recognize a manifest.
	headSize = 64 << 10
)

// ReadManifest gives what a manifest or receipt says, line by line. It knows by itself what it reads: the lines of md5sum,
// sha1sum and sha256sum, in the style of GNU or BSD, or a bare digest; a table with a header (TSV, CSV), such as an ENA file
// report or a GDC manifest; the Records of a receipt. An error is an ErrManifest, or one of reading.
func ReadManifest(r io.Reader) (iter.Seq2[Line, error], error) {
	lines, _, err := readLines(r)
	return lines, err
}

// IsManifest tells whether what begins so can be a manifest.
func IsManifest(head []byte) bool {
	_, _, err := readLines(bytes.NewReader(head))
	return err == nil
}

func readLines(r io.Reader) (lines iter.Seq2[Line, error], what string, err error) {
	b := bufio.NewReaderSize(r, headSize)
	head, err := b.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, "", err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) { // a byte order mark
		head = head[3:]
		_, _ = b.Discard(3)
	}
	first := ""
	for line := range strings.Lines(string(head)) {
		if first = strings.TrimRight(line, "\r\n"); !blank(first) {
			break
		}
	}
	switch _, isDigest, _ := readDigest(first); {
	case strings.HasPrefix(first, "{") && strings.Contains(first, `"haul_receipt"`):
		return recordLines(b), receiptTruth, nil
	case isDigest:
		return digestLines(b), manifestTruth, nil
	}
	if t, ok := tableOf(first); ok {
		return t.lines(b), manifestTruth, nil
	}
	return nil, "", fmt.Errorf("%w: it is neither lines of md5sum or its kin, nor a table with a column for md5, nor a receipt", ErrManifest)
}

// blank tells lines that say nothing.
func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#' || line[0] == ';'
}

// digestLines reads the lines of md5sum and its kin.
func digestLines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(nil, maxLine)
		for n := 1; s.Scan(); n++ {
			text := strings.TrimSuffix(s.Text(), "\r")
			if blank(text) {
				continue
			}
			line, ok, err := readDigest(text)
			if err == nil && !ok {
				err = errors.New("it has no digest and name")
			}
			if err != nil {
				yield(Line{}, fmt.Errorf("line %d: %w: %w", n, ErrManifest, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(Line{}, fmt.Errorf("read the manifest: %w", err))
		}
	}
}

// readDigest reads one line: "HEX  name" with a space or an asterisk before the name, "ALGORITHM (name) = HEX", or a bare
// digest. A backslash before all of it says that the name is escaped, as GNU's tools do for names with line ends.
func readDigest(text string) (Line, bool, error) {
	text, escaped := strings.CutPrefix(text, `\`)
	word, name, named := strings.Cut(text, " ")
	tab := strings.IndexByte(text, '\t')
	if tab >= 0 && tab < len(word) {
		word, name, named = text[:tab], text[tab:], true
	}
	if isHex(word) {
		if named {
			name = strings.TrimLeft(name, "\t")
			if name != "" && (name[0] == ' ' || name[0] == '*') {
				name = name[1:]
			}
		}
		return digestLine(word, name, escaped)
	}
	// BSD's and OpenSSL's: "MD5 (name) = hex", "SHA2-256(name)= hex".
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, '=')
	if open < 0 || end < open {
		return Line{}, false, nil
	}
	algorithm := strings.ToUpper(strings.TrimSpace(text[:open]))
	name, ok := strings.CutSuffix(strings.TrimRight(text[open+1:end], " "), ")")
	if word = strings.TrimSpace(text[end+1:]); !ok || !isHex(word) || strings.ContainsAny(algorithm, " \t") {
		return Line{}, false, nil
	}
	return digestLine(word, name, escaped)
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) >= 2*checksum.MD5.Size()
}

func digestLine(word, name string, escaped bool) (Line, bool, error) {
	c, err := listed(word)
	if err != nil {
		return Line{}, true, err
	}
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	if name == "-" { // of a stream: the digest is all that is told
		name = ""
	}
	return Line{Name: name, Size: -1, Claims: []Claim{c}}, true, nil
}

// listed makes a claim of a digest in hex; its length tells the algorithm.
func listed(word string) (Claim, error) {
	raw, err := hex.DecodeString(word)
	if err != nil {
		return Claim{}, fmt.Errorf("%q is no digest", word)
	}
	for _, a := range []checksum.Algorithm{checksum.MD5, checksum.SHA1, checksum.SHA256} {
		if len(raw) == a.Size() {
			return Claim{Kind: Listed, Sum: checksum.Sum{Algorithm: a, Value: string(raw)}}, nil
		}
	}
	return Claim{}, fmt.Errorf("a digest of %d bits is none of MD5, SHA-1 and SHA-256", 8*len(raw))
}

// recordLines reads a receipt.
func recordLines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for rec, err := range ReadReceipt(r) {
			if err != nil {
				yield(Line{}, fmt.Errorf("%w: %w", ErrManifest, err))
				return
			}
			if !yield(lineOf(rec), nil) {
				return
			}
		}
	}
}

// lineOf gives what a record says.
func lineOf(rec Record) Line {
	l := Line{Name: rec.Object.Key, Size: rec.Size}
	if rec.Proved {
		l.ETag = rec.ETag
	}
	l.Path, _ = rec.Path()
	for i, p := range rec.Parts {
		l.Parts = append(l.Parts, store.Part{Number: i + 1, Size: p.Size, ETag: p.ETag, Sum: p.Sum})
	}
	if rec.Proved && !rec.Sum.IsZero() {
		c := Claim{Kind: Recorded, Sum: rec.Sum}
		if rec.Sum.Parts > 0 {
			if c.Sizes = plan.Sizes(l.Parts, rec.Sum.Parts, rec.Size); c.Sizes == nil {
				c.Sizes = equalParts(rec.Size, rec.PartSize, rec.Sum.Parts)
			}
		}
		l.Claims = append(l.Claims, c)
	}
	for _, name := range []string{"sha256", "md5", "sha1"} {
		if c, err := listed(rec.Digests[name]); err == nil && strings.EqualFold(name, string(c.Sum.Algorithm)) {
			c.Kind = Recorded
			l.Claims = append(l.Claims, c)
		}
	}
	return l
}
