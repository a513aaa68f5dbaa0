package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"haul/checksum"
	"haul/store"
)

// Format is the version of receipts that this package writes; doc/receipt.md has what is in them.
const Format = 1

// ErrReceipt is in the chain of an error where a line is no Record of a receipt, or one of a Format that is not known here.
var ErrReceipt = errors.New("not a receipt")

// Record is one line of a receipt: one object that was transferred, and how it is known to be whole. Every line stands for
// itself, so receipts can be joined and cut.
type Record struct {
	Format int `json:"haul_receipt"`
	// Verb is upload, download, copy or move.
	Verb string `json:"verb"`
	// Source and Target are a path or an s3:// address; Store is the identity of the store, and Object what is stored there, the
	// source of a download, else the target.
	Source string    `json:"source"`
	Target string    `json:"target"`
	Store  string    `json:"store"`
	Object store.Ref `json:"object"`
	ETag   string    `json:"etag,omitempty"`
	// Size is in bytes, Modified the time of the file, or of the object that was copied.
	Size     int64     `json:"size"`
	Modified time.Time `json:"mtime,omitzero"`
	// Sum is the one that both ends agree on. Digests are those that were asked for, of all bytes of the file: from the name of
	// the algorithm in small letters (md5, sha256) to the digest as md5sum writes it.
	Sum     checksum.Sum      `json:"sum,omitzero"`
	Digests map[string]string `json:"digests,omitempty"`
	// PartSize is the size of all parts but the last, and Parts are what is known of each; nothing for an object in one.
	PartSize int64  `json:"part_size,omitempty"`
	Parts    []Part `json:"parts,omitempty"`
	// Time is when the transfer ended.
	Time time.Time `json:"time"`
	// Proved and Proof are those of haul.Proof.
	Proved bool   `json:"proved"`
	Proof  string `json:"proof"`
}

// Part is one part of an object.
type Part struct {
	Size int64        `json:"size"`
	Sum  checksum.Sum `json:"sum,omitzero"`
	ETag string       `json:"etag,omitempty"`
}

// Write writes one line of a receipt.
func (r Record) Write(w io.Writer) error {
	r.Format = Format
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// ReadReceipt gives the Records of a receipt, in its order. An error ends it.
func ReadReceipt(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		d := json.NewDecoder(r)
		for n := 1; ; n++ {
			var rec Record
			err := d.Decode(&rec)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Record{}, fmt.Errorf("record %d: %w: %w", n, ErrReceipt, err))
				return
			case rec.Format != Format:
				yield(Record{}, fmt.Errorf("record %d: %w of a format that is known here (%d)", n, ErrReceipt, Format))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}
