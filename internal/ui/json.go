package ui

import (
	"encoding/json"
	"math"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/stage"
	"haul.example/haul/store"
)

// schemaVersion grows when a field changes its meaning or goes away; new fields and events may come without it.
const schemaVersion = 2

// record is one line of JSON. Sizes are in bytes, times in seconds, dates in RFC 3339 and UTC. Which fields an event has is
// documented in JSONHelp.
type record struct {
	SchemaVersion int       `json:"schema_version"`
	Event         string    `json:"event"`
	Time          time.Time `json:"time"`

	Verb   string `json:"verb,omitempty"`
	Source string `json:"source,omitempty"`
	Target string `json:"target,omitempty"`
	Text   string `json:"text,omitempty"`
	Why    string `json:"why,omitempty"`

	Size    *int64   `json:"size,omitempty"`
	Done    *int64   `json:"done,omitempty"`
	Kept    *int64   `json:"kept,omitempty"`
	Safe    *int64   `json:"safe,omitempty"`
	Moved   *int64   `json:"moved,omitempty"`
	Rate    *float64 `json:"bytes_per_second,omitempty"`
	ETA     *float64 `json:"eta_seconds,omitempty"`
	Elapsed *float64 `json:"elapsed_seconds,omitempty"`

	Parts     *int `json:"parts,omitempty"`
	PartsDone *int `json:"parts_done,omitempty"`
	InFlight  *int `json:"parts_in_flight,omitempty"`
	Retries   *int `json:"retries,omitempty"`
	Throttled *int `json:"throttled,omitempty"`

	*objectCounts
	*statsFields
	*verifyFields

	Wait  *float64 `json:"wait_seconds,omitempty"`
	Error string   `json:"error,omitempty"`
	Kind  string   `json:"kind,omitempty"`

	Object *objectRecord `json:"object,omitempty"`
	Proof  *proofRecord  `json:"proof,omitempty"`
	// Digests are in hex, by the names of their algorithms in small letters.
	Digests map[string]string `json:"digests,omitempty"`

	Line     int            `json:"line,omitempty"`
	Commands *Commands      `json:"commands,omitempty"`
	Fail     *failureRecord `json:"failure,omitempty"`
	Upload   *uploadRecord  `json:"upload,omitempty"`
	Run      *stage.Record  `json:"run,omitempty"`
	*statDetails
	*formsFields
	Check  *checkRecord  `json:"check,omitempty"`
	Checks *checksRecord `json:"checks,omitempty"`

	Diagnosis *diagnosisRecord `json:"diagnosis,omitempty"`

	Bucket    string    `json:"bucket,omitempty"`
	Region    string    `json:"region,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	Prefix    string    `json:"prefix,omitempty"`
	Class     string    `json:"class,omitempty"`
	URL       string    `json:"url,omitempty"`
	Good      *float64  `json:"good_seconds,omitempty"`
	Index     string    `json:"index_document,omitempty"`
	ErrorPage string    `json:"error_document,omitempty"`
}

type objectRecord struct {
	Bucket       string `json:"bucket"`
	Key          string `json:"key"`
	Version      string `json:"version,omitempty"`
	ETag         string `json:"etag,omitempty"`
	Encryption   string `json:"encryption,omitempty"`
	StorageClass string `json:"storage_class,omitempty"`

	Modified time.Time `json:"modified,omitzero"`
}

type proofRecord struct {
	Proved    bool   `json:"verified"`
	Algorithm string `json:"algorithm,omitempty"`
	Sum       string `json:"sum,omitempty"`
	Text      string `json:"text"`
}

type failureRecord struct {
	ExitCode  int      `json:"exit_code"`
	Advice    []string `json:"advice,omitempty"`
	KeptBytes int64    `json:"kept_bytes"`
	Resumable bool     `json:"resumable"`
	Discard   string   `json:"discard,omitempty"`
}

type uploadRecord struct {
	Bucket       string    `json:"bucket"`
	Key          string    `json:"key"`
	ID           string    `json:"id"`
	Started      time.Time `json:"started,omitzero"`
	StorageClass string    `json:"storage_class,omitempty"`
	Parts        *int      `json:"parts,omitempty"`
	Bytes        *int64    `json:"bytes,omitempty"`
}

// json writes one record; s.mu is held.
func (s *Screen) json(r record) { s.line(s.out, marshal(r)) }

func marshal(r record) string {
	r.SchemaVersion = schemaVersion
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	b, err := json.Marshal(r)
	if err != nil {
		panic("ui: internal error: record does not marshal: " + err.Error())
	}
	return string(b)
}

// eventRecord returns the record of an event that is reported as it happens.
func eventRecord(t Task, e haul.Event) (record, bool) {
	r := record{Event: string(e.Kind), Time: e.Time, Verb: t.Verb, Source: t.Source, Target: t.Target, Text: e.Text}
	switch e.Kind {
	case haul.EventStart:
		if e.Size >= 0 {
			r.Size = &e.Size
		}
	case haul.EventKept:
		r.Kept = &e.Bytes
	case haul.EventNote:
	case haul.EventRetry:
		wait := round(e.Wait.Seconds())
		r.Wait = &wait
		if e.Err != nil {
			r.Error, r.Kind = Reason(e.Err), string(store.KindOf(e.Err))
		}
	default:
		return record{}, false
	}
	return r, true
}

func progressRecord(m haul.Progress, p *pacer) record {
	rate, elapsed := round(p.rate()), round(m.Elapsed.Seconds())
	r := record{
		Event: "progress", Done: &m.Done, Kept: &m.Kept, Safe: &m.Safe, Moved: &m.Moved, Rate: &rate, Elapsed: &elapsed,
		PartsDone: &m.PartsDone, InFlight: &m.InFlight, Retries: &m.Retries, Throttled: &m.Throttled,
	}
	if m.Total > 0 {
		r.Size = &m.Total
	}
	if m.PartsTotal > 0 {
		r.Parts = &m.PartsTotal
	}
	if d, ok := eta(m, rate); ok {
		seconds := round(d.Seconds())
		r.ETA = &seconds
	}
	return r
}

func doneRecord(t Task, d haul.Result) record {
	elapsed := round(d.Elapsed.Seconds())
	r := record{
		Event: "done", Verb: t.Verb, Source: t.Source, Target: t.Target,
		Size: &d.Size, Kept: &d.Kept, Moved: &d.Moved, Parts: &d.Parts, Retries: &d.Retries, Elapsed: &elapsed,
		Object: &objectRecord{
			Bucket: d.Object.Bucket, Key: d.Object.Key, Version: d.Object.Version, ETag: d.Object.ETag,
			Encryption: d.Object.Encryption, StorageClass: d.Object.StorageClass,
		},
		Proof: &proofRecord{Proved: d.Proof.Verified, Text: d.Proof.Text}, Digests: digestMap(d),
	}
	if !d.Proof.Sum.IsZero() {
		r.Proof.Algorithm, r.Proof.Sum = string(d.Proof.Sum.Algorithm), d.Proof.Sum.Base64()
	}
	return r
}

func failRecord(f Failure) record {
	return record{
		Event: "error", Line: f.Line, Error: f.Message, Kind: f.Kind,
		Fail: &failureRecord{ExitCode: f.Code, Advice: f.Advice, KeptBytes: f.KeptBytes, Resumable: f.Resumable, Discard: f.Discard},
	}
}

// round keeps three digits after the point.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }
