package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/quickcheck"
	"haul.example/haul/mirror"
)

type checkRecord struct {
	Grade    string          `json:"grade"`
	Format   string          `json:"format"`
	Gap      bool            `json:"gap,omitempty"`
	Unsure   string          `json:"unsure,omitempty"`
	Findings []contentRecord `json:"findings,omitempty"`
}

type contentRecord struct {
	Bad  bool   `json:"bad"`
	Text string `json:"text"`
}

type checksRecord struct {
	OK         int `json:"ok"`
	Warn       int `json:"warn"`
	Bad        int `json:"bad"`
	Unreadable int `json:"unreadable"`
	Other      int `json:"other"`
	Gaps       int `json:"gaps"`
	Unsure     int `json:"unsure"`
}

const (
	// examples is how many equal warnings a person gets before the others are only counted.
	examples = 3
	// maxTexts bounds the different warnings that are counted.
	maxTexts = 100
)

// warnings counts the warnings with one text.
type warnings struct {
	text string
	n    int
}

// repeats counts a warning, and reports whether there were enough examples of it.
func (s *Screen) repeats(text string) bool {
	i := slices.IndexFunc(s.warned, func(w warnings) bool { return w.text == text })
	if i < 0 {
		if len(s.warned) < maxTexts {
			s.warned = append(s.warned, warnings{text, 1})
		}
		return false
	}
	s.warned[i].n++
	return s.warned[i].n > examples
}

// Checked reports the findings about one file, if it is not good or if Verbose is set. Fails reports that it makes the run fail. Of equal
// warnings that do not, the first few are printed; CheckedAll counts the others.
func (s *Screen) Checked(name string, r quickcheck.Report, c quickcheck.Counts, fails bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = mirror.Counts{Done: c.OK + c.Warn + c.Bad, Found: c.OK + c.Warn + c.Bad}
	if r.Grade == quickcheck.Other || r.Grade == quickcheck.OK && !s.cfg.Verbose && !(s.cfg.JSON && r.Unsure != "") {
		return
	}
	if s.cfg.JSON {
		rec := &checkRecord{Grade: string(r.Grade), Format: string(r.Kind), Gap: r.Gap, Unsure: r.Unsure}
		for _, f := range r.Findings {
			rec.Findings = append(rec.Findings, contentRecord{f.Bad, f.Text})
		}
		s.json(record{Event: "checked", Source: name, Size: &r.Size, Check: rec})
		return
	}
	text := string(r.Kind)
	if len(r.Findings) > 0 {
		var all []string
		for _, f := range r.Findings {
			all = append(all, f.Text)
		}
		text = strings.Join(all, "; ")
	}
	if r.Unsure != "" {
		text += "; " + r.Unsure
	}
	if r.Grade == quickcheck.Warn && !fails && !s.cfg.Verbose && s.repeats(text) {
		return
	}
	line := fmt.Sprintf("%-5s %s: %s", strings.ToUpper(string(r.Grade)), Printable(name), Printable(text))
	switch {
	case !s.cfg.Quiet:
		s.line(s.out, line)
	case fails:
		s.line(s.cfg.Stderr, "haul: "+line)
	}
}

// CheckedAll ends a run.
func (s *Screen) CheckedAll(c quickcheck.Counts, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		elapsed := round(took.Seconds())
		s.json(record{Event: "summary", Size: &c.Size, Elapsed: &elapsed, Checks: &checksRecord{OK: c.OK, Warn: c.Warn, Bad: c.Bad, Unreadable: c.Unreadable, Other: c.Other, Gaps: c.Gaps, Unsure: c.Unsure}})
		return
	}
	if s.cfg.Quiet {
		return
	}
	for _, w := range s.warned {
		if w.n > examples {
			s.line(s.out, fmt.Sprintf("WARN  %s: %s (--verbose names each)", plural(w.n-examples, "more file"), Printable(w.text)))
		}
	}
	n := c.OK + c.Warn + c.Bad + c.Unreadable
	text := fmt.Sprintf("checked %s of %s in %s: %s ok", plural(n, "file"), amount.Bytes(c.Size), amount.Took(took), grouped(c.OK))
	if c.Unsure > 0 {
		text += fmt.Sprintf(" (%s of plain gzip, whose end shows little)", grouped(c.Unsure))
	}
	for _, also := range []struct {
		n    int
		text string
	}{{c.Warn, "with a warning"}, {c.Bad, "bad"}, {c.Unreadable, "unreadable"}} {
		if also.n > 0 {
			text += fmt.Sprintf(", %s %s", grouped(also.n), also.text)
		}
	}
	if c.Gaps > 0 {
		text += fmt.Sprintf("; %s with a missing companion", plural(c.Gaps, "file"))
	}
	if c.Other > 0 {
		text += fmt.Sprintf("; %s of other kinds", grouped(c.Other))
	}
	s.line(s.out, text)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}
