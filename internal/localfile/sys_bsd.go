//go:build unix && !linux && !darwin

package localfile

import (
	"errors"
	"io/fs"
	"os"
)

// preallocate gives errors.ErrUnsupported: it is not known how.
func preallocate(*os.File, int64) error { return errors.ErrUnsupported }

// freeSpace is -1: it is not known how to ask.
func freeSpace(string) int64 { return -1 }

// renameNew gives errors.ErrUnsupported: there is no such rename.
func renameNew(*os.File, string, string) error { return errors.ErrUnsupported }

// ctime is not asked for here.
func ctime(fs.FileInfo) int64 { return 0 }
