// Package planfile reads and writes the files of plans: a JSON object per line, the first of which (or a file of its own) has the
// version of the format and the identity of the store. What is in a line belongs to the packages that plan: mirror and array.
//
// A file is written under a hidden name and renamed once it is whole. Only its owner may read it, since it lists a user's files.
package planfile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrPlan is in the chain of an error if there is no plan, or if it cannot be read or is of another store.
var ErrPlan = errors.New("the plan is not good")

// maxLine bounds a line, in bytes: that of a range has a hundred for each of its parts.
const maxLine = 64 << 20

// CheckVersion refuses a plan of a version that is not between 1 and newest.
func CheckVersion(version, newest int) error {
	if version < 1 || version > newest {
		return fmt.Errorf("it is of version %d, and this haul reads 1 to %d", version, newest)
	}
	return nil
}

// CheckStore refuses a plan that was made for another store. Both arguments are identities of stores.
func CheckStore(planned, actual string) error {
	if planned != actual {
		return fmt.Errorf("%w: it is for the store %s, and this is %s", ErrPlan, planned, actual)
	}
	return nil
}

// EachLine calls do for each line, with its number from 1 and the byte at which it starts, until an error.
func EachLine(r io.Reader, do func(n int, offset int64, line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	offset := int64(0)
	for n := 1; lines.Scan(); n++ {
		if err := do(n, offset, lines.Bytes()); err != nil {
			return err
		}
		offset += int64(len(lines.Bytes())) + 1
	}
	return lines.Err()
}

// LineAt returns the line that starts at a byte that EachLine reported.
func LineAt(r io.ReaderAt, offset int64) ([]byte, error) {
	return bufio.NewReader(io.NewSectionReader(r, offset, maxLine)).ReadBytes('\n')
}

// WriteLine writes one line.
func WriteLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// Write makes a file with what fill writes, and the folders above it. The file appears whole or not at all; if it is durable, it
// also survives a power cut once the folder is synced.
func Write(path string, durable bool, fill func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".haul-plan-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = errors.Join(fill(w), w.Flush())
	if err == nil && durable {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
