package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/pool"
	"haul.example/haul/store"
)

// The names of what a run leaves beside its outputs.
const (
	recordName    = "run.json"
	markerName    = "_SUCCESS"
	logOut        = "run.stdout"
	logErr        = "run.stderr"
	partialFolder = "_partial/"
)

// recordVersion grows when a field changes its meaning or goes away.
const recordVersion = 1

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	Succeeded   Outcome = "succeeded"
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted"
	Skipped     Outcome = "skipped" // its outputs already exist
)

// Record is the record of a run, run.json. Sizes are in bytes, times in seconds, dates in UTC.
type Record struct {
	SchemaVersion int    `json:"schema_version"`
	Haul          string `json:"haul"`
	Host          string `json:"host"`
	System        string `json:"system"`

	Outcome Outcome `json:"outcome"`
	// Why it ended early.
	Why string `json:"why,omitempty"`

	Command []string `json:"command"`
	// Program is the SHA-256 of the file that the command names by a path.
	Program string         `json:"program_sha256,omitempty"`
	Inputs  []InputRecord  `json:"inputs"`
	Streams []InputRecord  `json:"streams,omitempty"`
	Outputs []OutputRecord `json:"outputs"`
	// Wanted are the outputs that were asked for.
	Wanted []string `json:"wanted_outputs"`

	Began time.Time `json:"began,omitzero"` // the command
	Ended time.Time `json:"ended,omitzero"`
	// Code is the exit code of the command, as a shell has it; Signal is what killed it.
	Code   int    `json:"exit_code"`
	Signal string `json:"signal,omitempty"`
	Times  Times  `json:"seconds"`
	// Memory is the peak of one process of the command, or of haul when it started it, since the kernel counts that too; Disk is the
	// size of the work folder at the command's end.
	Memory int64 `json:"peak_memory_bytes,omitempty"`
	Disk   int64 `json:"disk_bytes"`
}

// Times are in seconds.
type Times struct {
	In     float64 `json:"stage_in"`
	Wall   float64 `json:"wall"`
	User   float64 `json:"user_cpu"`
	System float64 `json:"system_cpu"`
	Out    float64 `json:"stage_out"`
}

// InputRecord is one file that was staged in. State names the state of its source: an ETag, or of a local file size and time.
type InputRecord struct {
	Source  string `json:"source"`
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	State   string `json:"state"`
	Version string `json:"version,omitempty"`
	Sum     string `json:"checksum,omitempty"`
}

// OutputRecord is one object that was made. An empty Proof means that it could not be verified.
type OutputRecord struct {
	Path    string `json:"path"`
	Target  string `json:"target"`
	Size    int64  `json:"size"`
	ETag    string `json:"etag"`
	Version string `json:"version,omitempty"`
	Sum     string `json:"checksum,omitempty"`
	Proof   string `json:"proof"`
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func newRecord(q Request) Record {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	rec := Record{
		SchemaVersion: recordVersion, Haul: q.Version, Host: host, System: runtime.GOOS + "/" + runtime.GOARCH,
		Outcome: Failed, Command: q.Command, Inputs: []InputRecord{}, Outputs: []OutputRecord{}, Wanted: []string{},
	}
	for _, o := range q.Outputs {
		wanted := o.Pattern + ":" + o.Target.String()
		if o.Optional {
			wanted += " (optional)"
		}
		rec.Wanted = append(rec.Wanted, wanted)
	}
	return rec
}

// asked is a text that is equal for equal runs. It leaves out version and checksum of an input, which add nothing to its state, and
// are not always known.
func (rec Record) asked() string {
	inputs := func(list []InputRecord) (all [][]any) {
		for _, in := range list {
			all = append(all, []any{in.Source, in.Path, in.Size, in.State})
		}
		return all
	}
	b, err := json.Marshal([]any{rec.Command, rec.Program, rec.Wanted, inputs(rec.Inputs), inputs(rec.Streams)})
	if err != nil {
		panic("stage: internal error: a record does not marshal: " + err.Error())
	}
	return string(b)
}

// below returns an object of the record.
func below(prefix store.Ref, name string) store.Ref {
	prefix.Key += name
	return prefix
}

// finished reports whether the same run has succeeded, and all its outputs are unchanged.
func (r *run) finished(ctx context.Context) bool {
	at := r.Request.Record
	if at.Bucket == "" {
		return false
	}
	a := r.Transfer.Attrs
	if _, err := r.c.Store().Head(ctx, store.GetRequest{Ref: below(at, markerName), Attrs: &a}); err != nil {
		return false
	}
	text, err := readObject(ctx, r.c, below(at, recordName), &a)
	var rec Record
	if err != nil || json.Unmarshal(text, &rec) != nil {
		return false
	}
	for _, in := range append(r.record.Inputs, r.record.Streams...) {
		if in.State == "" { // it may have changed
			return false
		}
	}
	if rec.SchemaVersion != recordVersion || rec.Outcome != Succeeded || rec.asked() != r.record.asked() {
		return false
	}
	err = pool.Each(ctx, requestsAtOnce, rec.Outputs, func(ctx context.Context, _ int, o OutputRecord) error {
		ref, err := r.Address(o.Target)
		if err != nil {
			return err
		}
		obj, err := r.c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &a})
		if err == nil && (obj.ETag != o.ETag || obj.Size != o.Size) {
			err = store.Changed
		}
		return err
	})
	if err != nil {
		return false
	}
	r.record.Outputs = rec.Outputs
	r.Report.Note(fmt.Sprintf("nothing to do: the same command already created %s from the same inputs on %s (%s); to run it again, add --rerun",
		amount.Count(len(rec.Outputs), "output"), rec.Ended.Local().Format(time.DateTime), below(at, recordName)))
	return true
}

// removeMarker removes the success marker of an earlier run before outputs change.
func (r *run) removeMarker(ctx context.Context) error {
	if r.Request.Record.Bucket == "" {
		return nil
	}
	if _, err := r.c.Store().Head(ctx, store.GetRequest{Ref: below(r.Request.Record, markerName), Attrs: &r.Transfer.Attrs}); errors.Is(err, store.NotFound) {
		return nil // and not everybody who may store may delete
	}
	if err := r.c.Store().Delete(ctx, below(r.Request.Record, markerName), &r.Transfer.Attrs); err != nil {
		return fmt.Errorf("remove the success marker of an earlier run: %w", err)
	}
	return nil
}

// storeRecord stores logs and record below at and, if the run succeeded, the success marker last.
func (r *run) storeRecord(ctx context.Context, at store.Ref, good bool) error {
	if good {
		r.record.Outcome = Succeeded
	}
	if at.Bucket == "" {
		return nil
	}
	if !r.NoLogs {
		for _, name := range []string{logOut, logErr} {
			if _, err := os.Lstat(r.folder.file(name)); errors.Is(err, fs.ErrNotExist) { // the command removed it, or an earlier run kept none
				continue
			}
			if _, err := r.c.Upload(ctx, r.folder.file(name), below(at, name), r.ownTransfer("text/plain")); err != nil {
				return fmt.Errorf("store the log: %w", err)
			}
		}
	}
	text, err := json.MarshalIndent(r.record, "", "  ")
	if err != nil {
		panic("stage: internal error: a record does not marshal: " + err.Error())
	}
	if err := r.put(ctx, below(at, recordName), append(text, '\n')); err != nil || !good {
		return err
	}
	return r.put(ctx, below(at, markerName), nil)
}

// ownTransfer are the options for what a run stores beside its outputs.
func (r *run) ownTransfer(kind string) haul.UploadOptions {
	t := haul.UploadOptions{Resume: haul.ResumeNever, Attrs: r.Transfer.Attrs}
	t.Attrs.Headers = store.Headers{ContentType: kind}
	return t
}

func (r *run) put(ctx context.Context, ref store.Ref, text []byte) error {
	if _, err := r.c.UploadStream(ctx, bytes.NewReader(text), ref, r.ownTransfer("application/json")); err != nil {
		return errors.Join(fmt.Errorf("store %s: %w", ref, err))
	}
	return nil
}
