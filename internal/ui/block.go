package ui

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
)

const (
	// filesShown is how many transfers of a run the block names, and shownAfter how long each has to be under way for that: names that
	// come and go cannot be read.
	filesShown = 4
	shownAfter = 2 * time.Second
	// barWidth is the columns of the bar of a run, and fileBarWidth those of one file's.
	barWidth, fileBarWidth = 20, 10
	// rowsSpared are the rows of a terminal that the files' lines leave to the rest.
	rowsSpared = 6
)

// block is the text that a Screen keeps at the bottom of a terminal and draws again and again: a line for the run, and below it one for
// each of the few files that take long. The cursor rests at the end of its last line.
type block struct {
	lines   []string
	columns int      // of the terminal when they were drawn
	names   []string // sources of the files shown, in their places
}

// rows returns how many rows the block takes on a terminal that is now so many columns wide: lines that were drawn for a wider one wrap.
func (b *block) rows(columns int) (n int) {
	for _, l := range b.lines {
		n += max(1, (width(l)+columns-1)/columns)
	}
	return n
}

// erase returns what removes the block from the terminal.
func (b *block) erase(columns int) string {
	if len(b.lines) == 0 {
		return ""
	}
	return "\r" + up(b.rows(columns)-1) + "\x1b[J"
}

// over returns what draws lines in place of the block, without a moment in which there is nothing, unless the terminal has another width:
// some remember then which rows were one line.
func (b *block) over(lines []string, columns int) string {
	var s strings.Builder
	switch {
	case columns != b.columns:
		s.WriteString(b.erase(columns))
	case len(b.lines) > 0:
		s.WriteString("\r" + up(b.rows(columns)-1))
	}
	for i, l := range lines {
		if i > 0 {
			s.WriteString("\n")
		}
		s.WriteString(l + "\x1b[K")
	}
	if len(b.lines) > 1 {
		s.WriteString("\x1b[J")
	}
	return s.String()
}

func up(rows int) string {
	if rows <= 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA", rows)
}

// pick returns the transfers that the block names: those that it named already keep their places, and others take free ones, the longest
// under way first.
func (b *block) pick(active []haul.ActiveTransfer, most int, now time.Time) []haul.ActiveTransfer {
	if most <= 0 {
		return nil
	}
	var shown []haul.ActiveTransfer
	for _, name := range b.names {
		if i := slices.IndexFunc(active, func(t haul.ActiveTransfer) bool { return t.Source == name }); i >= 0 && len(shown) < most {
			shown = append(shown, active[i])
		}
	}
	kept := len(shown)
	for _, t := range active {
		if len(shown) == most || now.Sub(t.Began) < shownAfter {
			break // the next ones began later
		}
		if !slices.ContainsFunc(shown, func(s haul.ActiveTransfer) bool { return s.Source == t.Source }) {
			shown = append(shown, t)
		}
	}
	slices.SortFunc(shown[kept:], func(a, b haul.ActiveTransfer) int { return cmp.Compare(a.Source, b.Source) })
	b.names = b.names[:0]
	for _, t := range shown {
		b.names = append(b.names, t.Source)
	}
	return shown
}

// fileLine draws the line of one file of a run.
func fileLine(columns int, t haul.ActiveTransfer) string {
	name := t.Source
	if i := strings.LastIndexAny(strings.TrimRight(name, `/\`), `/\`); i >= 0 {
		name = name[i+1:]
	}
	f := fields{must: []string{amount.Bytes(t.Done)}}
	if t.Total > 0 {
		f = fields{must: []string{amount.Pair(t.Done, t.Total, "/"), percent(t.Done, t.Total)}, bar: bar(t.Done, t.Total, fileBarWidth)}
	}
	line := fit(columns-2, Printable(name), f)
	if line == "" {
		return ""
	}
	return "  " + line
}

// bar draws done of total in so many columns; empty if the total is not known.
func bar(done, total int64, columns int) string {
	if total <= 0 {
		return ""
	}
	full := int(float64(columns) * float64(min(max(done, 0), total)) / float64(total))
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// size returns the columns and rows of the terminal now.
func (s *Screen) size() (columns, rows int) {
	if columns, rows = s.cfg.Terminal.Size(); columns > 0 {
		return columns, rows
	}
	return widthUnknown, 0
}

// redraw puts lines in place of the block; s.mu is held.
func (s *Screen) redraw(lines []string) {
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	if len(lines) == 0 {
		s.clear()
		return
	}
	columns, _ := s.size()
	_, _ = io.WriteString(s.cfg.Stderr, s.block.over(lines, columns))
	s.block.lines, s.block.columns = lines, columns
}

// clear removes the block; s.mu is held.
func (s *Screen) clear() {
	if len(s.block.lines) > 0 {
		columns, _ := s.size()
		_, _ = io.WriteString(s.cfg.Stderr, s.block.erase(columns))
		s.block.lines = nil
	}
}
