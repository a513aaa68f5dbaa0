package ui

import (
	"fmt"
	"io"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Object shows what became of one object of a run over many, and takes note of how far the run is. Its task names the object.
func (s *Screen) Object(t Task, e mirror.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = e.Now
	switch e.Kind {
	case mirror.Done:
		if s.cfg.JSON || s.cfg.Verbose || !s.cfg.OnTerminal || !e.Result.Proof.Verified {
			s.done(t, e.Result)
		} else if s.cfg.Log != nil {
			s.log(doneRecord(t, e.Result))
		}
	case mirror.Deleted:
		s.event(e, eventOf(t, e), s.out, "delete: "+Printable(t.Source))
	case mirror.Planned:
		s.event(e, eventOf(t, e), s.out, plannedLine(t, e))
	case mirror.Unchanged:
		if s.cfg.Verbose {
			s.event(e, eventOf(t, e), s.out, fmt.Sprintf("unchanged: %s: %s", Printable(t.Source), Printable(e.Why)))
		}
	case mirror.Warned:
		s.event(e, brokenRecord(t, e), s.cfg.Stderr, fmt.Sprintf("haul: warning: %s: %s", Printable(t.Source), Printable(Reason(e.Err))))
	case mirror.Incomplete:
		s.event(e, eventOf(t, e), s.cfg.Stderr, fmt.Sprintf("haul: warning: %s %s", Printable(t.Source), e.Why))
	case mirror.Failed, mirror.Skipped:
		s.log(brokenRecord(t, e))
		if s.cfg.JSON {
			s.json(brokenRecord(t, e))
		}
		what := t.Source
		if t.Target != "" {
			what += " to " + t.Target
		}
		s.line(s.cfg.Stderr, fmt.Sprintf("haul: %s: %s: %s", e.Kind, Printable(what), Printable(Reason(e.Err))))
	}
}

// event writes an event as JSON, or as a line; s.mu is held.
func (s *Screen) event(e mirror.Event, r record, w io.Writer, line string) {
	s.log(r)
	switch {
	case s.cfg.JSON:
		s.json(r)
	case !s.cfg.Quiet || e.Kind == mirror.Warned:
		s.line(w, line)
	}
}

// eventOf is the record of what was, or would be, done about one object.
func eventOf(t Task, e mirror.Event) record {
	r := record{Event: string(e.Kind), Verb: e.Verb, Source: t.Source, Target: t.Target, Why: e.Why}
	if e.Kind == mirror.Planned {
		r.Size = &e.Entry.Size
	}
	deletes := e.Kind == mirror.Deleted || e.Kind == mirror.Planned && t.Target == ""
	if ref := e.Entry.Object.Ref; deletes && ref.Key != "" {
		r.Object = refRecord(ref)
	}
	return r
}

// plannedLine describes what would be done.
func plannedLine(t Task, e mirror.Event) string {
	line := fmt.Sprintf("(dryrun) %s: %s", e.Verb, Printable(t.Source))
	if t.Target != "" {
		line += " to " + Printable(t.Target)
	}
	if e.Why != "" {
		line += "  (" + Printable(e.Why) + ")"
	}
	return line
}

// Summary reports what a run over many objects did.
func (s *Screen) Summary(t Task, m mirror.Summary) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log(summaryRecord(t, m))
	switch {
	case s.cfg.JSON:
		s.json(summaryRecord(t, m))
	case !s.cfg.Quiet:
		s.line(s.out, summaryLine(t, m))
	}
}

// named returns the task that an event of the client is about: the whole run's, or that of one of its many objects.
func (s *Screen) named(e haul.Event) Task {
	if s.task.Source != "" && !s.task.Many {
		return s.task
	}
	t := Task{Verb: s.task.Verb, Source: e.Source, Target: e.Target}
	if s.commands != nil {
		t.Verb = verbOf(e.Source, e.Target)
	}
	return t
}

// about begins a note that is about one of many objects.
func (s *Screen) about(e haul.Event) string {
	if s.task.Source != "" && !s.task.Many || e.Source == "" {
		return ""
	}
	return e.Source + ": "
}

// objectsLine is the progress line of a run over many objects.
func objectsLine(r room, name string, now mirror.Counts, m haul.Progress, p *pacer) string {
	found := grouped(now.Found)
	if !now.All {
		found += "+"
	}
	counted := grouped(now.Done+now.Unchanged+now.Planned) + "/" + found + " objects"
	var must, may []string
	all := now.All && now.FoundSize > 0
	switch {
	case all:
		m.Total = now.FoundSize
		must, may = []string{amount.Pair(m.Done, m.Total, "/"), percent(m.Done, m.Total)}, []string{counted}
	case now.FoundSize > m.Done:
		must, may = []string{amount.Pair(m.Done, now.FoundSize, "/") + "+"}, []string{counted}
	default:
		must = []string{counted, amount.Bytes(m.Done)}
	}
	if n := now.Failed + now.Skipped; n > 0 {
		may = append(may, grouped(n)+" failed")
	}
	may = append(may, safe(m)...)
	if rate := p.rate(); rate > 0 {
		may = append(may, amount.PerSecond(rate))
	}
	if d, ok := eta(m, p.rate()); all && ok {
		may = append(may, "ETA "+amount.Short(d))
	}
	f := fields{must: must, may: append(may, trouble(m)...), last: inFlight(m)}
	if all {
		f.bar = bar(m.Done, m.Total, r.bar)
	}
	return fit(r.columns, name, f)
}

// summaryLine reports in one line what a run over many objects did, how fast, and what was not done.
func summaryLine(t Task, m mirror.Summary) string {
	var b strings.Builder
	if t.Dry {
		fmt.Fprintf(&b, "would %s %s, %s", base(t), objects(m.Planned-m.PlannedDeletes), amount.Bytes(m.PlannedSize))
	} else {
		fmt.Fprintf(&b, "%s %s, %s in %s", past(t), objects(m.Done), amount.Bytes(m.Size), amount.Took(m.Elapsed))
	}
	if seconds := m.Elapsed.Seconds(); m.Done > 0 && seconds > 0 {
		fmt.Fprintf(&b, " (%s, %s objects/s)", amount.PerSecond(float64(m.Size-m.Kept)/seconds), objectRate(float64(m.Done)/seconds))
	}
	if m.Kept > 0 {
		fmt.Fprintf(&b, "; %s already stored", amount.Bytes(m.Kept))
	}
	for _, also := range []struct {
		n    int
		text string
	}{{m.PlannedDeletes, "would delete %s"}, {m.Deleted, "deleted %s"}, {m.Unchanged, "%s unchanged"}, {m.Incomplete, "%s with missing companion files (listed above)"}} {
		if also.n > 0 {
			fmt.Fprintf(&b, "; "+also.text, grouped(also.n))
		}
	}
	var not []string
	if m.Failed > 0 {
		not = append(not, grouped(m.Failed)+" failed (listed above)")
	}
	if m.Skipped > 0 {
		not = append(not, grouped(m.Skipped)+" skipped (listed above)")
	}
	if m.Unverified > 0 {
		not = append(not, grouped(m.Unverified)+" not verified")
	}
	if rest := m.Found - m.Done - m.Failed - m.Skipped - m.Unchanged - (m.Planned - m.PlannedDeletes); rest > 0 || !m.All {
		not = append(not, "the rest was not reached")
	}
	switch {
	case len(not) > 0:
		b.WriteString("; " + strings.Join(not, ", "))
	case t.Dry:
		b.WriteString("; nothing was done")
	case m.Done > 0:
		b.WriteString("; all verified")
	}
	return b.String()
}

// base and past are the verb of a run over many objects.
func base(t Task) string {
	if t.Verb == "move" {
		return "move"
	}
	return "copy"
}

func past(t Task) string {
	if t.Verb == "move" {
		return "moved"
	}
	return "copied"
}

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return grouped(n) + " objects"
}

// objectRate returns a rate of objects, in whole ones where it is high.
func objectRate(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return grouped(int(rate + 0.5))
}

// grouped returns a number with a comma before every three digits.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func brokenRecord(t Task, e mirror.Event) record {
	return record{Event: string(e.Kind), Verb: t.Verb, Source: t.Source, Target: t.Target, Error: Reason(e.Err), Kind: string(store.KindOf(e.Err))}
}

func summaryRecord(t Task, m mirror.Summary) record {
	elapsed := round(m.Elapsed.Seconds())
	r := record{
		Event: "summary", Verb: t.Verb, Source: t.Source, Target: t.Target,
		Size: &m.Size, Kept: &m.Kept, Elapsed: &elapsed, objectCounts: countsRecord(m.Counts),
	}
	if m.Elapsed > 0 {
		rate := round(float64(m.Size-m.Kept) / m.Elapsed.Seconds())
		r.Rate = &rate
	}
	return r
}

// objectCounts are the fields of a run over many objects.
type objectCounts struct {
	Done     *int `json:"objects,omitempty"`
	Found    *int `json:"objects_found,omitempty"`
	Failed   *int `json:"objects_failed,omitempty"`
	Skipped  *int `json:"objects_skipped,omitempty"`
	Unproved *int `json:"objects_not_verified,omitempty"`
	Same     *int `json:"objects_unchanged,omitempty"`
	Deleted  *int `json:"objects_deleted,omitempty"`
	Planned  *int `json:"objects_planned,omitempty"`
	Lacking  *int `json:"objects_incomplete,omitempty"`
	All      bool `json:"all_found,omitempty"`
}

func countsRecord(c mirror.Counts) *objectCounts {
	o := &objectCounts{Done: &c.Done, Found: &c.Found, Failed: &c.Failed, Skipped: &c.Skipped, Unproved: &c.Unverified, All: c.All}
	for _, n := range []struct {
		of int
		to **int
	}{{c.Unchanged, &o.Same}, {c.Deleted, &o.Deleted}, {c.Planned, &o.Planned}, {c.Incomplete, &o.Lacking}} {
		if n.of > 0 {
			*n.to = &n.of
		}
	}
	return o
}

func objectsRecord(now mirror.Counts, m haul.Progress, p *pacer) record {
	m.Total, m.PartsTotal = 0, 0 // those of the started transfers have no meaning
	r := progressRecord(m, p)
	r.objectCounts = countsRecord(now)
	return r
}
