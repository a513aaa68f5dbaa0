package cli

import (
	"fmt"
	"os"
	"sync"
)

// answers is standard output for what is told there. It takes note of a first failure, so that no run ends well whose list was cut
// by a full disk.
type answers struct {
	f *os.File

	mu  sync.Mutex
	err error
}

// Write writes.
func (a *answers) Write(p []byte) (int, error) {
	n, err := a.f.Write(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
	return n, err
}

// failure is why not all was written, or nil.
func (a *answers) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		return nil
	}
	return fmt.Errorf("standard output could not be written completely: %w", a.err)
}
