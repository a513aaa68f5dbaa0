package cli

import (
	"io/fs"
	"os"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/localfile"
)

// files is what parsing looks at on the disk.
type files interface {
	// mode follows links; a name that does not exist is a *command.MissingError.
	mode(path string) (fs.FileMode, error)
	read(path string) ([]byte, error)
	// target is localfile.TargetPath.
	target(path, key string) (string, error)
}

// disk is the real one.
type disk struct{}

func (disk) read(path string) ([]byte, error)        { return os.ReadFile(path) }
func (disk) target(path, key string) (string, error) { return localfile.TargetPath(path, key) }
func (disk) mode(path string) (fs.FileMode, error)   { return command.FileMode(path) }
