//go:build unix && !linux && !darwin

package localfile

import (
	"errors"
	"io/fs"
	"os"
)

// preallocate returns errors.ErrUnsupported; callers do without.
func preallocate(*os.File, int64) error { return errors.ErrUnsupported }

// freeSpace returns -1, which is unknown.
func freeSpace(string) int64 { return -1 }

// renameNew returns errors.ErrUnsupported: there is no such rename.
func renameNew(*os.File, string, string) error { return errors.ErrUnsupported }

// ctime returns 0, which is none.
func ctime(fs.FileInfo) int64 { return 0 }
