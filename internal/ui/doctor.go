package ui

import (
	"fmt"

	"haul.example/haul/internal/doctor"
)

type diagnosisRecord struct {
	Name   string `json:"name"`
	Grade  string `json:"grade"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// grades are how people see the grades of haul doctor.
var grades = map[doctor.Grade]string{doctor.OK: "OK", doctor.Warn: "WARN", doctor.Bad: "BAD", doctor.Open: "--"}

// Diagnosed reports one check of haul doctor.
func (s *Screen) Diagnosed(f doctor.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		s.json(record{Event: "diagnosed", Diagnosis: &diagnosisRecord{Name: f.Name, Grade: string(f.Grade), Found: f.Text, Advice: f.Advice}})
		return
	}
	text := fmt.Sprintf("%-4s %s: %s", grades[f.Grade], f.Name, Printable(f.Text))
	if f.Advice != "" {
		text += "\n     " + Printable(f.Advice)
	}
	switch {
	case !s.cfg.Quiet:
		s.line(s.out, text)
	case f.Grade == doctor.Bad:
		s.line(s.cfg.Stderr, text)
	}
}
