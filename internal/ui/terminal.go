package ui

import (
	"io"
	"strings"

	"golang.org/x/term"
)

// Terminal is what a Screen must know of a terminal.
type Terminal interface {
	// Size returns the columns and rows now; 0 where they are not known.
	Size() (columns, rows int)
}

// TerminalOf returns the terminal that w is, or nil.
func TerminalOf(w io.Writer) Terminal {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) || !moveable(f.Fd()) {
		return nil
	}
	return terminal(f.Fd())
}

// colors are those of the words that a line may begin with.
var colors = []struct{ word, color string }{
	{"OK", green}, {"WARN", yellow}, {"BAD", red}, {"MISSING", red}, {"UNREADABLE", red}, {"UNPROVABLE", yellow},
	{"haul: warning:", yellow}, {"haul: skipped:", yellow}, {"haul: failed:", red},
}

// The colors, as ANSI has them.
const green, yellow, red, plain = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"

// colored colors the word that a line begins with, if it says how something ended.
func colored(line string) string {
	for _, c := range colors {
		if rest, ok := strings.CutPrefix(line, c.word); ok && strings.HasPrefix(rest, " ") {
			return c.color + c.word + plain + rest
		}
	}
	return line
}

type terminal uintptr

func (t terminal) Size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(t))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}
