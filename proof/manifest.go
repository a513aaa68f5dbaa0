package proof

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/digestlist"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

// ErrManifest is in the chain of an error if something is not a manifest, or has a line that cannot be read.
var ErrManifest = errors.New("not a manifest of digests")

// Line is the entry of a manifest or receipt for one file.
type Line struct {
	// Name is the name as it was written; empty if there is only a digest, which then belongs to the file that the manifest
	// is beside.
	Name string
	// Path is the path of the local file, in a receipt.
	Path string
	// Size is in bytes; -1 if it is not known.
	Size   int64
	Claims []Claim
	// ETag is the ETag of a verified object, in a receipt.
	ETag  string
	Parts []store.Part
	group int // of files in one table: ENA lists those of several kinds side by side
	// sealed: the claims are about the encrypted file, which has another name.
	sealed bool
	// failed is why a transfer failed, in a receipt, and bad why a line cannot be read.
	failed string
	bad    error
}

// headSize is how much is read to recognize a receipt, in bytes.
const headSize = 64 << 10

// ReadManifest yields the lines of a manifest or receipt, file by file. It recognizes the Records of a receipt, and all lists
// of digests that sequencing providers, archives and tools write. An error is an ErrManifest, or a read error; after a
// *LineError the rest follows, any other error ends it.
func ReadManifest(r io.Reader) (iter.Seq2[Line, error], error) {
	lines, _, err := readLines(r)
	return lines, err
}

// LineError reports one line of a manifest that cannot be read.
type LineError = digestlist.LineError

// IsManifest reports whether a file that begins with head can be a manifest.
func IsManifest(head []byte) bool { return WhyNoManifest(head) == nil }

// WhyNoManifest returns nil if a file that begins with head can be a manifest, else an error that describes its contents.
func WhyNoManifest(head []byte) error {
	_, _, err := readLines(bytes.NewReader(head))
	return err
}

// mentionsDigests reports whether what is not a manifest has digests in it all the same.
func mentionsDigests(err error) bool {
	unknown := new(digestlist.UnknownError)
	return errors.As(err, &unknown) && unknown.Digests
}

func readLines(r io.Reader) (lines iter.Seq2[Line, error], what string, err error) {
	b := bufio.NewReaderSize(r, headSize)
	head, err := b.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, "", err
	}
	first, _, _ := strings.Cut(strings.TrimLeft(string(head), "\ufeff \t\r\n"), "\n")
	if strings.HasPrefix(first, "{") && strings.Contains(first, `"haul_receipt"`) {
		return recordLines(b), receiptWord, nil
	}
	entries, err := digestlist.Read(b)
	unknown := new(digestlist.UnknownError)
	switch {
	case errors.As(err, &unknown):
		return nil, "", fmt.Errorf("%w: %w", ErrManifest, err)
	case err != nil:
		return nil, "", err
	}
	return listLines(entries), manifestWord, nil
}

// listLines yields the lines of a list of digests.
func listLines(entries iter.Seq2[digestlist.Entry, error]) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for e, err := range entries {
			if err != nil {
				if bad := new(LineError); errors.As(err, &bad) {
					err = fmt.Errorf("%w: %w", ErrManifest, bad)
				}
				if !yield(Line{}, err) {
					return
				}
				continue
			}
			l := Line{Name: e.Name, Size: e.Size, group: e.Group, sealed: e.Sealed}
			for _, s := range e.Sums {
				l.Claims = append(l.Claims, Claim{Kind: Listed, Sum: s})
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// recordLines reads a receipt.
func recordLines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for rec, err := range ReadReceipt(r) {
			if err != nil {
				yield(Line{}, fmt.Errorf("%w: %w", ErrManifest, err))
				return
			}
			if rec.Verb != RunVerb && !yield(lineOf(rec), nil) {
				return
			}
		}
	}
}

// lineOf returns the line of a record.
func lineOf(rec Record) Line {
	l := Line{Name: rec.Object.Key, Size: rec.Size, failed: rec.Failed}
	if rec.Failed != "" {
		l.Size = -1
	}
	if l.Name == "" {
		l.Name = cmp.Or(rec.Name, rec.Target, rec.Source)
	}
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
			if c.Sizes = layout.Sizes(l.Parts, rec.Sum.Parts, rec.Size); c.Sizes == nil {
				c.Sizes = evidence.EqualParts(rec.Size, rec.PartSize, rec.Sum.Parts)
			}
		}
		l.Claims = append(l.Claims, c)
	}
	for _, a := range []checksum.Algorithm{checksum.SHA256, checksum.SHA512, checksum.MD5, checksum.SHA1} {
		if raw, err := hex.DecodeString(rec.Digests[strings.ToLower(string(a))]); err == nil && len(raw) == a.Size() {
			l.Claims = append(l.Claims, Claim{Kind: Recorded, Sum: checksum.Sum{Algorithm: a, Value: string(raw)}})
		}
	}
	return l
}
