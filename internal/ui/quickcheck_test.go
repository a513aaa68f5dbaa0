package ui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"haul.example/haul/internal/quickcheck"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
)

// TestEqualWarnings: of equal warnings about many files a person gets a few examples and a count. What is bad is named, each file, and so is
// everything if each was asked for, fails the run, or goes to a program.
func TestEqualWarnings(t *testing.T) {
	warn := func(text string, bad bool) quickcheck.Report {
		r := quickcheck.Report{Kind: seqfile.BAM, Grade: quickcheck.Warn, Findings: []seqfile.Finding{{Bad: bad, Text: text}}}
		if bad {
			r.Grade = quickcheck.Bad
		}
		return r
	}
	for _, c := range []struct {
		name  string
		cfg   ui.Config
		fails bool
		lines int // with the text of the warning
		more  bool
	}{
		{"usual", ui.Config{}, false, 4, true},
		{"verbose", ui.Config{Verbose: true}, false, 90, false},
		{"strict", ui.Config{}, true, 90, false},
		{"JSON", ui.Config{JSON: true}, false, 90, false},
		{"quiet", ui.Config{Quiet: true}, false, 0, false},
	} {
		var out, errs paper
		c.cfg.Stdout, c.cfg.Stderr = &out, &errs
		s := ui.New(c.cfg)
		for i := range 90 {
			s.Checked(fmt.Sprintf("./u%d.bam", i), warn("it has no reference", false), quickcheck.Counts{}, c.fails)
			s.Checked(fmt.Sprintf("./c%d.bam", i), warn("it is truncated", true), quickcheck.Counts{}, true)
		}
		s.Checked("./x.bai", warn("it is old", false), quickcheck.Counts{}, c.fails)
		s.CheckedAll(quickcheck.Counts{Warn: 91, Bad: 90}, time.Second)
		text := out.String() + errs.String()
		if n := strings.Count(text, "it has no reference"); n != c.lines {
			t.Errorf("%s: %d lines:\n%s", c.name, n, text)
		}
		if n := strings.Count(text, "it is truncated"); n != 90 {
			t.Errorf("%s: %d bad files are named", c.name, n)
		}
		if n := strings.Count(text, "it is old"); n != 1 && !c.cfg.Quiet {
			t.Errorf("%s: a single warning has %d lines", c.name, n)
		}
		if got := strings.Contains(text, "\nWARN  87 more files: it has no reference (--verbose names each)\nchecked "); got != c.more {
			t.Errorf("%s: counted: %v:\n%s", c.name, got, text)
		}
	}
}
