package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
)

// Commands counts the commands of a batch.
type Commands struct {
	Total  int `json:"total"`
	Done   int `json:"done"`
	Failed int `json:"failed"`
}

// Child makes the Screen of one of several commands that run at the same time. It shows no progress, and its lines go above the block of s.
func (s *Screen) Child() *Screen {
	cfg := s.cfg
	cfg.NoProgress, cfg.Terminal, cfg.OnTerminal, cfg.Renames = true, nil, false, nil
	cfg.Stdout, cfg.Stderr = &above{s, s.cfg.Stdout}, &above{s, s.cfg.Stderr}
	if cfg.Log != nil {
		cfg.Log = &above{s, s.cfg.Log}
	}
	child := New(cfg)
	child.renames = s.renames
	return child
}

// above writes the lines of a child, one whole line a call.
type above struct {
	parent *Screen
	w      io.Writer
}

// Write implements io.Writer.
func (a *above) Write(line []byte) (int, error) {
	s := a.parent
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.w == s.cfg.Log || a.w == s.cfg.Stdout && !s.cfg.OnTerminal {
		return a.w.Write(line)
	}
	below := s.block.lines
	s.clear()
	defer s.redraw(below)
	return a.w.Write(line)
}

// Ran takes note of how many commands of a batch have run; progress then counts them.
func (s *Screen) Ran(c Commands) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = &c
}

// BatchDone reports what a batch did.
func (s *Screen) BatchDone(c Commands, m haul.Progress, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	elapsed := round(took.Seconds())
	r := record{Event: "summary", Verb: "batch", Commands: &c, Size: &m.Done, Kept: &m.Kept, Elapsed: &elapsed}
	s.log(r)
	switch {
	case s.cfg.JSON:
		s.json(r)
	case !s.cfg.Quiet:
		s.line(s.out, batchLine(c, m, took))
	}
}

func batchLine(c Commands, m haul.Progress, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "batch: %s of %s succeeded, %s in %s", grouped(c.Done), amount.Count(c.Total, "command"), amount.Bytes(m.Done), amount.Took(took))
	if m.Kept > 0 {
		fmt.Fprintf(&b, "; %s already stored", amount.Bytes(m.Kept))
	}
	if c.Failed > 0 {
		fmt.Fprintf(&b, "; %s failed (listed above)", grouped(c.Failed))
	}
	if rest := c.Total - c.Done - c.Failed; rest > 0 {
		fmt.Fprintf(&b, "; %s not finished", grouped(rest))
	}
	return b.String()
}

// commandsLine is the progress line of a batch.
func commandsLine(r room, name string, c Commands, m haul.Progress, p *pacer) string {
	ran := int64(c.Done + c.Failed)
	f := fields{
		must: []string{fmt.Sprintf("%s/%s commands", grouped(c.Done+c.Failed), grouped(c.Total)), amount.Bytes(m.Done)},
		bar:  bar(ran, int64(c.Total), r.bar), last: inFlight(m),
	}
	if c.Failed > 0 {
		f.may = append(f.may, grouped(c.Failed)+" failed")
	}
	if rate := p.rate(); rate > 0 {
		f.may = append(f.may, amount.PerSecond(rate))
	}
	f.may = append(f.may, trouble(m)...)
	return fit(r.columns, name, f)
}

// commandsRecord is the progress of a batch for programs.
func commandsRecord(c Commands, m haul.Progress, p *pacer) record {
	m.Total, m.PartsTotal = 0, 0 // those of the started transfers have no meaning
	r := progressRecord(m, p)
	r.Commands = &c
	return r
}

// verbOf is the verb of a transfer between two ends.
func verbOf(source, target string) string {
	const remote = "s3://"
	switch {
	case !strings.HasPrefix(target, remote):
		return "download"
	case strings.HasPrefix(source, remote):
		return "copy"
	}
	return "upload"
}
