package ui

import (
	"io"

	"golang.org/x/term"
)

// Terminal is what a Screen must know of a terminal.
type Terminal interface {
	// Columns is the width now, or 0 where it is not known.
	Columns() int
}

// TerminalOf returns the terminal that w is, or nil.
func TerminalOf(w io.Writer) Terminal {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return terminal(f.Fd())
}

type terminal uintptr

func (t terminal) Columns() int {
	columns, _, err := term.GetSize(int(t))
	if err != nil {
		return 0
	}
	return columns
}
