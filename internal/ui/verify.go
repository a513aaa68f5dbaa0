package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"haul.example/haul/internal/amount"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
)

// verifyFields are those of haul verify.
type verifyFields struct {
	Verdict proof.Verdict  `json:"verdict,omitempty"`
	Name    string         `json:"name,omitempty"`
	Settles bool           `json:"download_settles,omitempty"`
	Bad     []badPart      `json:"bad_parts,omitempty"`
	Counts  map[string]int `json:"verdicts,omitempty"`
	Proofs  map[string]int `json:"proofs,omitempty"`
}

type badPart struct {
	Number int   `json:"part,omitempty"`
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Finding shows what came of one file, and takes note of how far the run is. A problem is shown when all else is quiet.
func (s *Screen) Finding(f proof.Finding, now proof.Counts, problem bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = mirror.Counts{Done: now.OK, Unchanged: now.Extra, Failed: now.Bad + now.Missing + now.Unprovable, Found: now.Found, All: now.All}
	if s.cfg.JSON {
		s.json(findingRecord(f))
		return
	}
	if f.Verdict == proof.Extra && !problem && !s.cfg.Verbose {
		return // the summary counts them
	}
	line := findingLine(f)
	switch {
	case !s.cfg.Quiet:
		s.line(s.out, line)
	case problem:
		s.line(s.cfg.Stderr, "haul: "+line)
	}
}

// findingLine is a verdict, a name, a size, and why.
func findingLine(f proof.Finding) string {
	line := fmt.Sprintf("%-10s  %s", f.Verdict, Printable(f.Name))
	if f.Size >= 0 {
		line += "  " + amount.Bytes(f.Size)
	}
	line += "  " + Printable(f.Text)
	if f.Settles {
		line += "; --download would decide it"
	}
	return line
}

func findingRecord(f proof.Finding) record {
	v := &verifyFields{Verdict: f.Verdict, Name: f.Name, Settles: f.Settles}
	for _, p := range f.Parts {
		v.Bad = append(v.Bad, badPart{p.Number, p.Offset, p.Length})
	}
	r := record{Event: "verified", Source: f.Source, Target: f.Target, verifyFields: v, Text: f.Text}
	if f.Size >= 0 {
		r.Size = &f.Size
	}
	if f.Verdict == proof.OK {
		r.Proof = &proofRecord{Proved: true, Text: f.Text}
		if !f.Sum.IsZero() {
			r.Proof.Algorithm, r.Proof.Sum = string(f.Sum.Algorithm), strings.TrimPrefix(proof.Shown(f.Sum), string(f.Sum.Algorithm)+" ")
		}
	}
	return r
}

// Verified reports what a run of verify found.
func (s *Screen) Verified(m proof.Summary) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		elapsed := round(m.Elapsed.Seconds())
		counts := map[string]int{}
		for v, n := range verdicts(m) {
			counts[strings.ToLower(string(v))] = n
		}
		s.json(record{Event: "summary", Size: &m.Size, Elapsed: &elapsed, verifyFields: &verifyFields{Counts: counts, Proofs: m.Proofs}})
	case !s.cfg.Quiet:
		s.line(s.out, verifiedLine(m))
	}
}

func verdicts(m proof.Summary) map[proof.Verdict]int {
	return map[proof.Verdict]int{proof.OK: m.OK, proof.Bad: m.Bad, proof.Missing: m.Missing, proof.Unprovable: m.Unprovable, proof.Extra: m.Extra}
}

// verifiedLine reports in one line whether everything is intact, and how that was verified.
func verifiedLine(m proof.Summary) string {
	var b strings.Builder
	due := m.Found - m.Extra
	switch {
	case due == 0:
		b.WriteString("there was nothing to verify")
	case due == m.OK && m.Whole() == "yes":
		fmt.Fprintf(&b, "complete: %s in place and verified, %s", files(due, "is", "are"), amount.Bytes(m.Size))
	default:
		fmt.Fprintf(&b, "%s of %s OK, %s", grouped(m.OK), files(due, "", ""), amount.Bytes(m.Size))
		for _, v := range []proof.Verdict{proof.Bad, proof.Missing, proof.Unprovable} {
			if n := verdicts(m)[v]; n > 0 {
				fmt.Fprintf(&b, "; %s %s", grouped(n), v)
			}
		}
	}
	switch {
	case m.Extra == 0:
	case m.Sidecars:
		fmt.Fprintf(&b, "; %s no digest", files(m.Extra, "has", "have"))
	default:
		fmt.Fprintf(&b, "; %s %s", grouped(m.Extra), proof.Extra)
	}
	fmt.Fprintf(&b, "; in %s", amount.Took(m.Elapsed))
	if !m.All {
		b.WriteString("; the rest was not reached")
	}
	for _, by := range slices.Sorted(maps.Keys(m.Proofs)) {
		fmt.Fprintf(&b, "\n  %s by %s", grouped(m.Proofs[by]), Printable(by))
	}
	return b.String()
}

// files counts files, with the verb that one of them has, or several.
func files(n int, one, many string) string {
	if n == 1 {
		return strings.TrimSpace("1 file " + one)
	}
	return strings.TrimSpace(grouped(n) + " files " + many)
}
