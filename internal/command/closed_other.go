//go:build !unix

package command

import "os"

// isClosed reports whether a standard stream was closed when the process began.
func isClosed(f *os.File) bool {
	_, err := f.Stat()
	return err != nil
}
