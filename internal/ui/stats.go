package ui

import (
	"fmt"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
)

// Stats writes what limited a run, as its last line, and before it, if requested, the resources used.
func (s *Screen) Stats(t Task, of haul.Stats, figures bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		if figures {
			s.json(statsRecord(t, of))
		}
		return
	}
	if figures {
		for _, line := range statsLines(of) {
			s.line(s.out, "        "+line)
		}
	}
	s.line(s.out, "limited by: "+Printable(of.Limit().String()))
}

// statsLines returns the figures.
func statsLines(s haul.Stats) []string {
	cpu := "CPU " + amount.Took(s.CPU)
	if each := s.CPUPerGiB(); each > 0 {
		cpu += fmt.Sprintf(" (%.2f s/GiB)", each)
	}
	if s.Busy > 0 {
		cpu += fmt.Sprintf(", %s %.0f %% busy", count(s.Cores, "core"), 100*s.Busy)
	}
	lines := []string{
		fmt.Sprintf("%s; %s at most, %.1f on average", cpu, count(s.Lanes.Peak, "connection"), connections(s)),
		fmt.Sprintf("%s, %s, %d refused (503); %s transferred", count(s.Requests, "request"), retries(s.Retries), s.Throttled, amount.Bytes(s.Moved)),
	}
	w := s.Waits
	waits := fmt.Sprintf("disk, over all connections: read %s, write %s, fsync %s", amount.Took(w.Read), amount.Took(w.Write), amount.Took(w.Sync))
	if w.FirstBytes > 0 {
		waits += fmt.Sprintf("; first byte after %s", amount.Took(mean(w.FirstByte, w.FirstBytes)))
	}
	if w.Answers > 0 {
		waits += fmt.Sprintf("; answer after %s", amount.Took(mean(w.Answer, w.Answers)))
	}
	return append(lines, waits)
}

// connections is how many were in use on average while any was.
func connections(s haul.Stats) float64 {
	if s.Lanes.Active <= 0 {
		return 0
	}
	return float64(s.Lanes.InUse) / float64(s.Lanes.Active)
}

func mean(d time.Duration, n int) time.Duration { return d / time.Duration(max(n, 1)) }

// statsFields are those of the event stats.
type statsFields struct {
	CPU         float64     `json:"cpu_seconds"`
	PerGiB      float64     `json:"cpu_seconds_per_gib"`
	Cores       int         `json:"cores"`
	Busy        float64     `json:"cores_busy"`
	Requests    int         `json:"requests"`
	Peak        int         `json:"connections_most"`
	Connections float64     `json:"connections_mean"`
	Read        float64     `json:"read_seconds"`
	Write       float64     `json:"write_seconds"`
	Sync        float64     `json:"sync_seconds"`
	FirstByte   float64     `json:"first_byte_seconds"`
	Answer      float64     `json:"answer_seconds"`
	Ask         float64     `json:"ask_seconds"`
	Pause       float64     `json:"pause_seconds"`
	FromStream  float64     `json:"source_seconds"`
	ToStream    float64     `json:"target_seconds"`
	Memory      float64     `json:"memory_seconds"`
	Verify      float64     `json:"verify_seconds"`
	Limit       limitRecord `json:"limit"`
}

type limitRecord struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"`
}

func statsRecord(t Task, s haul.Stats) record {
	elapsed := round(s.Elapsed.Seconds())
	w, l := s.Waits, s.Limit()
	seconds := func(d time.Duration) float64 { return round(d.Seconds()) }
	return record{
		Event: "stats", Verb: t.Verb, Source: t.Source, Target: t.Target,
		Moved: &s.Moved, Elapsed: &elapsed, PartsDone: &s.Parts, Retries: &s.Retries, Throttled: &s.Throttled,
		statsFields: &statsFields{
			CPU: seconds(s.CPU), PerGiB: round(s.CPUPerGiB()), Cores: s.Cores, Busy: round(s.Busy), Requests: s.Requests,
			Peak: s.Lanes.Peak, Connections: round(connections(s)), Read: seconds(w.Read), Write: seconds(w.Write), Sync: seconds(w.Sync),
			FirstByte: seconds(mean(w.FirstByte, w.FirstBytes)), Answer: seconds(mean(w.Answer, w.Answers)), Ask: seconds(w.Ask),
			Pause: seconds(w.Pause), FromStream: seconds(w.Source), ToStream: seconds(w.Target), Memory: seconds(w.Memory), Verify: seconds(w.Verify),
			Limit: limitRecord{string(l.Kind), l.Text, l.Advice},
		},
	}
}
