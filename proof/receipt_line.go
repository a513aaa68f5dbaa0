package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Format is the version of the receipts that this package writes; doc/receipt.md describes their contents.
const Format = 1

// ErrReceipt is in the chain of an error if a line is not a Record of a receipt, or has an unknown Format.
var ErrReceipt = errors.New("not a receipt")

// Record is one line of a receipt: one object that was transferred, and how it was verified. Every line is independent, so
// receipts can be joined and split.
type Record struct {
	Format int `json:"haul_receipt"`
	// Verb is upload, download, copy or move; verify if the target was already there and was only verified; and run in the line that
	// ends a run, and records how much of it the receipt covers.
	Verb string `json:"verb"`
	// Source and Target are a path as it was typed, "-" for a stream, or an s3:// address. Store is the identity of the store, and
	// Object what is stored there: the source of a download, else the target.
	Source string    `json:"source"`
	Target string    `json:"target"`
	Store  string    `json:"store"`
	Object store.Ref `json:"object"`
	ETag   string    `json:"etag,omitempty"`
	// Size is in bytes, Modified the time of the file, or of the object that was copied.
	Size     int64     `json:"size"`
	Modified time.Time `json:"mtime,omitzero"`
	// Sum is the checksum that both ends agree on. Digests are the requested digests of the whole file, in hex, keyed by the
	// lower-case name of the algorithm (md5, sha256).
	Sum     checksum.Sum      `json:"sum,omitzero"`
	Digests map[string]string `json:"digests,omitempty"`
	// PartSize is the size of all parts but the last, or 0 if they differ, and Parts are their sizes and checksums, as far as
	// known; none for an object in one part or for a download.
	PartSize int64  `json:"part_size,omitempty"`
	Parts    []Part `json:"parts,omitempty"`
	// Time is when the transfer ended.
	Time time.Time `json:"time"`
	// Proved and Proof are those of haul.Proof.
	Proved bool   `json:"proved"`
	Proof  string `json:"proof"`
	// Name is the path of the file or object below the target of its run, with slashes.
	Name string `json:"name,omitempty"`
	// Failed is the reason the file was not transferred; the other fields about it are then empty.
	Failed string `json:"failed,omitempty"`
	// Files is the number of files of a run, and Covered the number of those that have a line and did not fail. Complete
	// reports that the run found all its files, and was not interrupted.
	Files    int  `json:"files,omitempty"`
	Covered  int  `json:"covered,omitempty"`
	Complete bool `json:"complete,omitempty"`
}

// The verbs of Records that do not describe a transfer.
const (
	VerifyVerb = "verify"
	RunVerb    = "run"
)

// RunRecord returns the last line of a run; r has its source, target, store and counts.
func RunRecord(r Record) Record {
	r.Verb, r.Time, r.Proof = RunVerb, time.Now().UTC().Truncate(time.Millisecond), r.Coverage()
	return r
}

// Coverage states in words how much of a run a receipt covers.
func (r Record) Coverage() string {
	text := fmt.Sprintf("%s of %s files", grouped(r.Covered), grouped(r.Files))
	if r.Files == 1 {
		text = fmt.Sprintf("%d of 1 file", r.Covered)
	}
	if !r.Complete {
		text += ", and the run did not finish"
	}
	return text
}

// Part is one part of an object.
type Part struct {
	Size int64        `json:"size"`
	Sum  checksum.Sum `json:"sum,omitzero"`
	ETag string       `json:"etag,omitempty"`
}

// NewRecord returns the line for a transfer that has just succeeded.
func NewRecord(verb, source, target, identity string, r haul.Result) Record {
	rec := Record{
		Format: Format, Verb: verb, Source: source, Target: target, Store: identity, Object: r.Object.Ref, ETag: r.Object.ETag,
		Size: r.Size, Modified: r.Modified.UTC(), Sum: r.Proof.Sum, PartSize: r.PartSize,
		Time: time.Now().UTC().Truncate(time.Millisecond), Proved: r.Proof.Verified, Proof: r.Proof.Text,
	}
	for _, s := range r.Digests {
		if rec.Digests == nil {
			rec.Digests = map[string]string{}
		}
		rec.Digests[strings.ToLower(string(s.Algorithm))] = s.Hex()
	}
	for _, p := range r.Layout {
		rec.Parts = append(rec.Parts, Part{p.Size, p.Sum, p.ETag})
	}
	return rec
}

// Path returns the local file of the record; false if there was none.
func (r Record) Path() (string, bool) {
	for _, name := range []string{r.Source, r.Target} {
		if name == "-" {
			return "", false
		}
		if !strings.HasPrefix(name, "s3://") {
			return name, true
		}
	}
	return "", false
}

// written is a Record as it is written. JSON is UTF-8, but names of files and keys need not be: then they are there raw as well.
type written struct {
	plainRecord
	Object objectName `json:"object"`

	RawSource []byte `json:"raw_source,omitempty"`
	RawTarget []byte `json:"raw_target,omitempty"`
	RawName   []byte `json:"raw_name,omitempty"`
}

type plainRecord Record

type objectName struct {
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Version string `json:"version,omitempty"`
	RawKey  []byte `json:"raw_key,omitempty"`
}

// rawName returns the bytes of a name that is not UTF-8, which JSON would change.
func rawName(name string) []byte {
	if utf8.ValidString(name) {
		return nil
	}
	return []byte(name)
}

// runLine is a Record that ends a run, as it is written.
type runLine struct {
	Format    int       `json:"haul_receipt"`
	Verb      string    `json:"verb"`
	Source    string    `json:"source"`
	RawSource []byte    `json:"raw_source,omitempty"`
	Target    string    `json:"target"`
	RawTarget []byte    `json:"raw_target,omitempty"`
	Store     string    `json:"store"`
	Files     int       `json:"files"`
	Covered   int       `json:"covered"`
	Complete  bool      `json:"complete"`
	Time      time.Time `json:"time"`
	Proof     string    `json:"proof"`
}

// MarshalJSON writes the fields of doc/receipt.md.
func (r Record) MarshalJSON() ([]byte, error) {
	if r.Verb == RunVerb {
		return json.Marshal(runLine{r.Format, r.Verb, r.Source, rawName(r.Source), r.Target, rawName(r.Target), r.Store, r.Files, r.Covered, r.Complete, r.Time, r.Proof})
	}
	return json.Marshal(written{
		plainRecord: plainRecord(r), RawSource: rawName(r.Source), RawTarget: rawName(r.Target), RawName: rawName(r.Name),
		Object: objectName{r.Object.Bucket, r.Object.Key, r.Object.Version, rawName(r.Object.Key)},
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(text []byte) error {
	var l written
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	*r = Record(l.plainRecord)
	r.Object = store.Ref{Bucket: l.Object.Bucket, Key: l.Object.Key, Version: l.Object.Version}
	for _, n := range []struct {
		to  *string
		raw []byte
	}{{&r.Source, l.RawSource}, {&r.Target, l.RawTarget}, {&r.Name, l.RawName}, {&r.Object.Key, l.Object.RawKey}} {
		if n.raw != nil {
			*n.to = string(n.raw)
		}
	}
	return nil
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

// ReadReceipt yields the Records of a receipt, in its order. An error ends it.
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
