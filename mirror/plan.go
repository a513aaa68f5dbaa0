package mirror

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"haul.example/haul"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/oldformat"
	"haul.example/haul/internal/planfile"
	"haul.example/haul/store"
)

// A plan is the result of a dry run in a file, one JSON object per line: a PlanHeader, a Step for each object, a PlanSummary. Apply
// does these steps and nothing else.

// planVersion grows when a field changes its meaning or goes away.
const planVersion = 2

// ErrPlan is in the chain of an error if a plan cannot be read, or was made for another store.
var ErrPlan = planfile.ErrPlan

// PlanHeader is the first line of a plan.
type PlanHeader struct {
	Version int       `json:"haul_plan"`
	Made    time.Time `json:"made"`
	// Store is the identity of the store.
	Store string `json:"store"`
	Way   Way    `json:"way"`
	// Source and Target are the roots: an absolute path, or s3://BUCKET/PREFIX.
	Source string `json:"source"`
	Target string `json:"target"`
	// FromBucket and ToBucket are empty for a local end.
	FromBucket string `json:"from_bucket,omitempty"`
	ToBucket   string `json:"to_bucket,omitempty"`
	Move       bool   `json:"move,omitempty"`
	// Guess reports that content types are guessed from names.
	Guess bool `json:"guess_mime_type,omitempty"`
	// NoFamilies is that of the options.
	NoFamilies bool            `json:"no_families,omitempty"`
	Last       []string        `json:"last,omitempty"` // that of the options
	Transfer   TransferOptions `json:"transfer"`
}

// UnmarshalJSON reads the header of a plan of this version or an earlier one.
func (h *PlanHeader) UnmarshalJSON(text []byte) error {
	type plain PlanHeader
	if err := json.Unmarshal(oldformat.Rename(text), (*plain)(h)); err != nil {
		return err
	}
	err := planfile.CheckVersion(h.Version, planVersion)
	h.Version = planVersion
	return err
}

// Step is one object of a plan.
type Step struct {
	// Action is upload, download, copy, move or delete.
	Action string `json:"action"`
	Why    string `json:"why,omitempty"`
	Source string `json:"source"`
	Target string `json:"target,omitempty"`
	// RawSource and RawTarget are the names if they are not UTF-8.
	RawSource []byte `json:"raw_source,omitempty"`
	RawTarget []byte `json:"raw_target,omitempty"`
	Bytes     int64  `json:"bytes"`
	Requests  int    `json:"requests"`
	// ETag of an object, and Modified in nanoseconds since 1970 of a file, must be the same when the step is done. Modified wraps
	// around outside of 1678–2262.
	ETag     string `json:"etag,omitempty"`
	Modified int64  `json:"mtime_ns,omitempty"`
}

// PlanSummary is the last line of a plan.
type PlanSummary struct {
	Steps    int   `json:"steps"`
	Deletes  int   `json:"deletes"`
	Bytes    int64 `json:"bytes"`
	Requests int   `json:"requests"`
	// Seconds is an estimate, at BytesPerSecond: the limit that was set, or else an assumption.
	Seconds        float64 `json:"seconds"`
	BytesPerSecond int64   `json:"bytes_per_second"`
	// EmptySource reports that nothing was found in the source, and that AllowEmptySource allowed the deletions.
	EmptySource bool `json:"empty_source,omitempty"`
}

const (
	assumedBandwidth = 100e6                 // bytes a second: a good link of 1 Gbit/s
	assumedRequest   = 50 * time.Millisecond // and 16 at once
	assumedLanes     = 16
)

// PlanWriter writes a plan. NewPlanWriter makes it, Add gets each event of a dry run, and End completes it.
type PlanWriter struct {
	// Bandwidth is that of the client, in bytes a second, for the estimate of time; 0 assumes one.
	Bandwidth int64

	c     *haul.Client
	h     PlanHeader
	check *planChecker
	w     *bufio.Writer
	sum   PlanSummary
	err   error
}

// NewPlanWriter starts a plan of a run from one end to the other. A customer's key is never saved, so a transfer that needs
// one cannot be planned; the error is of kind store.Unsupported.
func NewPlanWriter(w io.Writer, c *haul.Client, from, to End, o Options) (*PlanWriter, error) {
	if e := o.Transfer.Attrs.Encryption; e.Customer.Key != "" || e.CopySource.Key != "" {
		return nil, fmt.Errorf("%w: a customer's key is not written down, so that a plan cannot be applied", store.Unsupported)
	}
	o.DryRun = true
	way, err := newRun(c, o).newJobBuilder(from, to)
	if err != nil {
		return nil, err
	}
	defer way.close()
	p := &PlanWriter{c: c, w: bufio.NewWriter(w)}
	p.h = PlanHeader{
		Version: planVersion, Made: time.Now().UTC().Truncate(time.Second), Store: store.Identity(c.Store()), Way: way.kind, Move: o.Move,
		Guess: o.ContentType != nil, NoFamilies: o.NoFamilies, Last: o.Last, Transfer: o.Transfer, FromBucket: way.from.Ref.Bucket, ToBucket: way.to.Ref.Bucket,
	}
	p.h.Transfer.NoClobber = p.h.Transfer.NoClobber || o.NoOverwrite
	if p.h.Source, err = rootName(way.from); err == nil {
		p.h.Target, err = rootName(way.to)
	}
	if err == nil {
		p.check, err = newPlanChecker(p.h)
	}
	if err != nil {
		return nil, err
	}
	p.line(p.h)
	return p, p.err
}

func rootName(e End) (string, error) {
	if e.Path != "" {
		return filepath.Abs(e.Path)
	}
	return e.Ref.String(), nil
}

func (p *PlanWriter) line(v any) {
	if err := planfile.WriteLine(p.w, v); p.err == nil {
		p.err = err
	}
}

// Add adds the step that an event plans, and notes that a source was empty. It ignores other events.
func (p *PlanWriter) Add(e Event) {
	if e.Kind == Warned && errors.As(e.Err, new(*EmptySourceError)) {
		p.sum.EmptySource = true
	}
	if e.Kind != Planned {
		return
	}
	s := Step{Action: e.Verb, Why: e.Why, Bytes: e.Entry.Size, ETag: e.Entry.Object.ETag}
	s.Source, s.RawSource = p.name(e.Source)
	s.Target, s.RawTarget = p.name(e.Target)
	if err := p.check.check(s); err != nil && p.err == nil {
		p.err = fmt.Errorf("%w: it could not be applied: %w", ErrPlan, err)
	}
	if e.Entry.Path != "" {
		s.Modified = localfile.Nanoseconds(e.Entry.Modified)
	}
	t := p.h.Transfer
	switch {
	case e.Verb == deleteVerb:
		s.Bytes, p.sum.Deletes = 0, p.sum.Deletes+1
		if p.h.Way != Download {
			s.Requests = 2
		}
		if e.Entry.Path != "" {
			s.Bytes = e.Entry.Size
		}
	case p.h.Way == Upload:
		s.Requests = layout.UploadRequests(s.Bytes, t.PartSize, p.c.Store().Limits(p.h.ToBucket))
	case p.h.Way == Download:
		s.Requests = layout.DownloadRequests(s.Bytes, t.PartSize)
	default:
		s.Requests = layout.CopyRequests(s.Bytes, t.PartSize, p.c.Store().Limits(p.h.ToBucket))
	}
	if p.h.Move && p.h.Way != Upload {
		s.Requests += 2
	}
	p.sum.Steps++
	if e.Verb != deleteVerb {
		p.sum.Bytes += s.Bytes
	}
	p.sum.Requests += s.Requests
	p.line(s)
}

// name returns a path or address so that it can be read back from any folder.
func (p *PlanWriter) name(text string) (string, []byte) {
	if text == "" {
		return "", nil
	}
	if !strings.HasPrefix(text, scheme) {
		if abs, err := filepath.Abs(text); err == nil {
			text = abs
		}
	}
	if utf8.ValidString(text) {
		return text, nil
	}
	return strings.ToValidUTF8(text, "\ufffd"), []byte(text)
}

const scheme = "s3://"

// End writes the summary. A plan without one is not applied.
func (p *PlanWriter) End() (PlanSummary, error) {
	rate := float64(assumedBandwidth)
	if p.Bandwidth > 0 {
		rate = float64(p.Bandwidth)
	}
	moved := float64(p.sum.Bytes)
	if p.h.Way == Copying {
		moved = 0
	}
	p.sum.BytesPerSecond = int64(rate)
	p.sum.Seconds = float64(int(10*(moved/rate+float64(p.sum.Requests)*assumedRequest.Seconds()/assumedLanes))) / 10
	p.line(map[string]PlanSummary{"summary": p.sum})
	return p.sum, errors.Join(p.err, p.w.Flush())
}

// ReadPlan reads the header and the summary of a plan, and checks that it is complete, and that each step stays within the
// source and target that the header names, so that no file, key or bucket elsewhere is read, written or deleted. The error
// has the line number.
func ReadPlan(plan io.ReadSeeker) (PlanHeader, PlanSummary, error) {
	var h PlanHeader
	var sum PlanSummary
	var steps *planChecker
	ended := false
	err := eachLine(plan, func(n int, line []byte) error {
		switch {
		case n == 1:
			if err := json.Unmarshal(line, &h); err != nil {
				return fmt.Errorf("%w: it does not start like a plan: %w", ErrPlan, err)
			}
			var err error
			if steps, err = newPlanChecker(h); err != nil {
				return fmt.Errorf("%w: line 1: %w", ErrPlan, err)
			}
			return nil
		case ended:
			return fmt.Errorf("%w: line %d comes after its end", ErrPlan, n)
		}
		var s struct {
			Step
			Summary *PlanSummary `json:"summary"`
		}
		if err := json.Unmarshal(line, &s); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrPlan, n, err)
		}
		if s.Summary != nil && s.Action == "" {
			sum, ended = *s.Summary, true
			return nil
		}
		if err := steps.check(s.Step); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrPlan, n, err)
		}
		return nil
	})
	if err == nil && !ended {
		err = fmt.Errorf("%w: its end is missing, so it is not complete", ErrPlan)
	}
	return h, sum, err
}

func eachLine(plan io.ReadSeeker, do func(n int, line []byte) error) error {
	if _, err := plan.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return planfile.EachLine(plan, func(n int, _ int64, line []byte) error { return do(n, line) })
}
