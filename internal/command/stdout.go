package command

import (
	"fmt"
	"os"
	"sync"
)

// Stdout is standard output for anything but the bytes of objects. It keeps the first error, so that a run whose output was cut
// by a full disk does not succeed.
type Stdout struct {
	f    *os.File
	name string

	mu  sync.Mutex
	err error
}

// NewStdout makes a Stdout that writes to f.
func NewStdout(f *os.File) *Stdout { return &Stdout{f: f, name: "standard output"} }

// openLog makes a Stdout that appends to a file, which only this user may read.
func openLog(path string) (*Stdout, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return &Stdout{f: f, name: path}, nil
}

// Write implements io.Writer.
func (w *Stdout) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// Err returns why not everything was written, or nil.
func (w *Stdout) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		return nil
	}
	return fmt.Errorf("%s could not be written completely: %w", w.name, w.err)
}
