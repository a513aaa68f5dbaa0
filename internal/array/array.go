// Package array splits a set of transfers into shards, for the tasks of an array job: of Slurm, AWS Batch, Kubernetes, or any other
// scheduler that numbers its tasks.
//
//	Make    find what is to be transferred (as cp -r or sync would) and distribute it over N shards of equal cost; open one shared
//	        upload for each big object, and distribute its parts; write all of this as a plan
//	Work    read one shard of the plan; transfer and verify its objects; write the results
//	Finish  check that each shard has a result, and that each of its tasks is verified; complete and verify the shared uploads;
//	        write one receipt, or else report what is missing, and the shards to do again
//
// A plan is a folder, or is below a prefix of the store (PlanDir), so that tasks need not share a disk. It holds names, sizes and
// the IDs of uploads, but no credentials:
//
//	plan.json            options, source, target, the load of each shard; written last, so that a partial plan does not count
//	shards/00003.jsonl   the tasks of shard 3, one per line
//	shards/markers.jsonl and manifests.jsonl: what comes last (package seqfile); Finish does them as two more shards
//	shared.jsonl         the big objects that several shards transfer, one per line
//	progress/00003.json  the progress of shard 3; written every ten seconds, and when it has opened an upload
//	results/00003.jsonl  the results of shard 3; written when it ends, whole or not at all
//	receipt.jsonl        one proof.Record for each object, and finish.json, the verdict; both written by Finish
//
// A shard may be done twice, even at the same time, and may die at any moment: every write is of a whole file or object, with the
// same content. A task that does a shard again first compares source and target, and transfers what is not equal.
//
// It schedules nothing; it only writes job descriptions for schedulers (Slurm, Batch, Kubernetes). It promises no order, except that
// manifests and markers come last. Finish trusts the results of the shards; it does not verify every object again.
package array

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"time"
	"unicode/utf8"

	"haul.example/haul"
	"haul.example/haul/internal/oldformat"
	"haul.example/haul/internal/planfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// version grows when a field of a plan changes its meaning or goes away.
const version = 2

// ErrPlan is in the chain of an error if there is no plan, or if it cannot be read or is of another store.
var ErrPlan = planfile.ErrPlan

// Header describes a whole plan: plan.json.
type Header struct {
	Version int `json:"haul_array"`
	// ID identifies the plan.
	ID   string    `json:"id"`
	Made time.Time `json:"made"`
	// Store is the identity of the store.
	Store    string                 `json:"store"`
	Way      mirror.Way             `json:"way"`
	From     Root                   `json:"from"`
	To       Root                   `json:"to"`
	Transfer mirror.TransferOptions `json:"transfer"`
	// Guess reports that content types are guessed from names.
	Guess bool `json:"guess_mime_type,omitempty"`
	// NoFamilies reports that manifests and markers are in shards like all other files, and that indexes keep their times.
	NoFamilies bool `json:"no_families,omitempty"`
	// Objects counts all, Shared those of them whose parts several shards transfer.
	Objects int    `json:"objects"`
	Shared  int    `json:"shared"`
	Bytes   int64  `json:"bytes"`
	Shards  []Load `json:"shards"`
	// Manifests and Markers are in no shard: they come when everything else is done.
	Manifests Load `json:"manifests,omitzero"`
	Markers   Load `json:"markers,omitzero"`
}

// UnmarshalJSON reads a header of this version or an earlier one.
func (h *Header) UnmarshalJSON(text []byte) error {
	type plain Header
	err := json.Unmarshal(oldformat.Rename(text), (*plain)(h))
	if h.Version == 1 {
		h.Version = version
	}
	return err
}

// Two more shards than people count: manifests, and markers, which say that everything is there. Finish does them.
const (
	manifests = -1 - iota
	markers
	firstShard = markers
)

// load returns the load of a shard.
func (h *Header) load(shard int) *Load {
	switch shard {
	case manifests:
		return &h.Manifests
	case markers:
		return &h.Markers
	}
	return &h.Shards[shard]
}

// shardWord names a shard for people.
func shardWord(shard int) string {
	switch shard {
	case manifests:
		return "manifests"
	case markers:
		return "markers"
	}
	return fmt.Sprintf("shard %d", shard)
}

// Load is how much a shard has to do.
type Load struct {
	Objects int   `json:"objects"` // whole ones
	Ranges  int   `json:"ranges"`  // of parts of shared ones
	Bytes   int64 `json:"bytes"`
}

// maxTasks bounds the tasks of a shard: Finish needs a byte of memory for each.
const maxTasks = 1 << 29

func (l Load) tasks() int { return l.Objects + l.Ranges }

// Root is one end of a plan: an absolute path, or a bucket and a prefix.
type Root struct {
	Path   name   `json:"path,omitempty"`
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

func rootOf(e mirror.End) Root {
	return Root{Path: name(e.Path), Bucket: e.Ref.Bucket, Prefix: e.Ref.Key}
}

// String returns the path or address.
func (r Root) String() string {
	if r.Path != "" {
		return string(r.Path)
	}
	return store.Ref{Bucket: r.Bucket, Key: r.Prefix}.String()
}

// wayBetween returns the direction of a transfer from one root to the other.
func wayBetween(from, to Root) mirror.Way {
	switch {
	case from.Path != "":
		return mirror.Upload
	case to.Path != "":
		return mirror.Download
	}
	return mirror.Copying
}

// object returns an object below the root, and file the path of a file; an absolute name stands for itself.
func (r Root) object(below name) store.Ref {
	return store.Ref{Bucket: r.Bucket, Key: r.Prefix + string(below)}
}

func (r Root) file(below name) string {
	p := filepath.FromSlash(string(below))
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(string(r.Path), p)
}

// child returns the file or object below the root.
func (r Root) child(below name) mirror.End {
	if r.Path != "" {
		return mirror.Local(r.file(below))
	}
	return mirror.Remote(r.object(below))
}

// mirrorEnd returns the root as an end of a run.
func (r Root) mirrorEnd() mirror.End {
	return mirror.End{Path: string(r.Path), Ref: store.Ref{Bucket: r.Bucket, Key: r.Prefix}}
}

// checkEnds refuses a task whose ends are not within those of the plan: haul writes none, but somebody else may have. The file of an
// upload may be anywhere, since a list may name it.
func (h Header) checkEnds(source, target string) error {
	err := h.To.mirrorEnd().Holds(target)
	if err == nil && h.Way != mirror.Upload {
		err = h.From.mirrorEnd().Holds(source)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPlan, err)
	}
	return nil
}

// name is the name of a file or a key. In JSON it is a string, or an array with its Base64 if it is not UTF-8.
type name string

// MarshalJSON writes it.
func (n name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		return json.Marshal(string(n))
	}
	return json.Marshal([][]byte{[]byte(n)})
}

// UnmarshalJSON reads it.
func (n *name) UnmarshalJSON(b []byte) error {
	var raw [][]byte
	if len(b) > 0 && b[0] == '[' {
		if err := json.Unmarshal(b, &raw); err != nil || len(raw) != 1 {
			return errors.Join(err, fmt.Errorf("%w: %s is not a name", ErrPlan, b))
		}
		*n = name(raw[0])
		return nil
	}
	return json.Unmarshal(b, (*string)(n))
}

// task is one line of a shard: an object below the roots, or a range of the parts of a shared one.
type task struct {
	Source name  `json:"source,omitempty"`
	Target name  `json:"target,omitempty"` // if it differs from Source
	Size   int64 `json:"size"`
	// Modified of a file, in nanoseconds since 1970, and the ETag of an object must be the same when the task is done. Modified wraps
	// around outside of 1678–2262 for a file; for an object it is then 0, as if its time is not known.
	Modified int64  `json:"mtime_ns,omitempty"`
	ETag     string `json:"etag,omitempty"`

	// Shared is the line of shared.jsonl, from 1; 0 is an object that is transferred as a whole.
	Shared int `json:"shared,omitempty"`
	First  int `json:"first,omitempty"`
	Last   int `json:"last,omitempty"`
}

func (t task) target() name {
	if t.Target != "" {
		return t.Target
	}
	return t.Source
}

// sharedLine is one line of shared.jsonl. The names in Transfer are beside it, since they may not be UTF-8.
type sharedLine struct {
	Path     name             `json:"path,omitempty"`
	Temp     name             `json:"temp,omitempty"`
	From     name             `json:"from,omitempty"`
	Key      name             `json:"key,omitempty"`
	Transfer haul.Distributed `json:"transfer"`
}

// UnmarshalJSON reads a line of this version or an earlier one.
func (s *sharedLine) UnmarshalJSON(text []byte) error {
	type plain sharedLine
	return json.Unmarshal(oldformat.Rename(text), (*plain)(s))
}

func newSharedLine(s haul.Distributed) sharedLine {
	line := sharedLine{Path: name(s.Path), Temp: name(s.Temp), From: name(s.From.Key), Key: name(s.Upload.Key), Transfer: s}
	t := &line.Transfer
	t.Path, t.Temp, t.From.Key, t.Upload.Key = "", "", "", ""
	return line
}

func (s sharedLine) transfer() haul.Distributed {
	t := s.Transfer
	t.Path, t.Temp, t.From.Key, t.Upload.Key = string(s.Path), string(s.Temp), string(s.From), string(s.Key)
	return t
}

const (
	headerName   = "plan.json"
	sharedName   = "shared.jsonl"
	verdictName  = "finish.json"
	receiptName  = "receipt.jsonl"
	shardsName   = "shards/%s.jsonl"
	progressName = "progress/%s.json"
	resultsName  = "results/%s.jsonl"
)

func shardName(pattern string, shard int) string {
	if shard < 0 {
		return fmt.Sprintf(pattern, shardWord(shard))
	}
	return fmt.Sprintf(pattern, fmt.Sprintf("%05d", shard))
}

// Read reads the header of a plan, and checks that it is for the store of the client.
func Read(ctx context.Context, c *haul.Client, d *PlanDir) (Header, error) {
	var h Header
	if err := d.readJSON(ctx, headerName, &h); errors.Is(err, fs.ErrNotExist) {
		return h, fmt.Errorf("%w: there is none in %s, or it is not complete: %w", ErrPlan, d, err)
	} else if err != nil {
		return h, fmt.Errorf("%w: read %s: %w", ErrPlan, d, err)
	}
	n := len(h.Shards)
	bad := n < 1 || n > MaxShards || h.Way != wayBetween(h.From, h.To)
	for i := firstShard; i < n; i++ {
		l := h.load(i)
		bad = bad || min(l.Objects, l.Ranges) < 0 || max(l.Objects, l.Ranges) > maxTasks
	}
	if err := planfile.CheckVersion(h.Version, version); err != nil {
		return h, fmt.Errorf("%w: %s: %w", ErrPlan, d, err)
	}
	if bad {
		return h, fmt.Errorf("%w: the shards in %s are not valid", ErrPlan, d)
	}
	return h, planfile.CheckStore(h.Store, store.Identity(c.Store()))
}

// eachShared calls do for each line of shared.jsonl, with its number from 1. A missing file is not an error.
func eachShared(ctx context.Context, d *PlanDir, do func(n int, s haul.Distributed) error) error {
	n := 0
	err := d.eachLine(ctx, sharedName, func(_ int64, line []byte) error {
		var s sharedLine
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		t := s.transfer()
		if t.PartSize < 1 || t.Size < 0 || t.Size > math.MaxInt64-t.PartSize {
			return fmt.Errorf("%w: an object of %d bytes cannot have parts of %d", ErrPlan, t.Size, t.PartSize)
		}
		n++
		return do(n, t)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// eachTask calls do for each task of a shard, with its number from 0. There must be as many as the plan says.
func eachTask(ctx context.Context, d *PlanDir, h Header, shard int, do func(n int, t task) error) error {
	n := 0
	err := d.eachLine(ctx, shardName(shardsName, shard), func(_ int64, line []byte) error {
		var t task
		if err := json.Unmarshal(line, &t); err != nil {
			return fmt.Errorf("%w: %w", ErrPlan, err)
		}
		n++
		return do(n-1, t)
	})
	if want := h.load(shard).tasks(); err == nil && n != want {
		err = fmt.Errorf("%w: %s has %d tasks of %s, and there should be %d", ErrPlan, d, n, shardWord(shard), want)
	}
	return err
}
