package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
)

// disk looks at the real one.
type disk struct{}

func (disk) read(path string) ([]byte, error) { return os.ReadFile(path) }

func (disk) target(path, key string) (string, error) { return localfile.TargetPath(path, key) }

func (disk) mode(path string) (fs.FileMode, error) {
	fi, err := os.Stat(path)
	switch {
	case err == nil:
		return fi.Mode(), nil
	case errors.Is(err, fs.ErrNotExist):
		return 0, &missingError{fmt.Sprintf("no such file: %s", path)}
	}
	return 0, err
}

// parseChecksum reads the name of an algorithm; no name leaves it to haul.
func parseChecksum(name string) (checksum.Algorithm, error) {
	if name == "" {
		return checksum.None, nil
	}
	a, err := checksum.Parse(strings.TrimSpace(name))
	if err != nil || a == checksum.None {
		return checksum.None, usagef("--checksum-algorithm must be CRC64NVME, CRC32C, CRC32, SHA256, SHA1 or MD5 (got %q)", name)
	}
	return a, nil
}

// checksumWish reads the name of an algorithm; without one, AWS_REQUEST_CHECKSUM_CALCULATION=when_required asks for none of the newer.
func checksumWish(name string) (checksum.Algorithm, error) {
	if name == "" && strings.EqualFold(os.Getenv("AWS_REQUEST_CHECKSUM_CALCULATION"), "when_required") {
		return checksum.MD5, nil // what S3 has always checked
	}
	return parseChecksum(name)
}

// writeWhole writes a file that is there as a whole, or not at all.
func writeWhole(name string, content []byte) error {
	t, err := localfile.Create(name, int64(len(content)))
	if err != nil {
		return err
	}
	if _, err := t.WriteAt(content, 0); err != nil {
		return errors.Join(err, t.Discard())
	}
	if err := t.Commit(time.Time{}, true); err != nil {
		return errors.Join(err, t.Discard())
	}
	return nil
}
