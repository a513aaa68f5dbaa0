package localfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	// maxName is the longest name of a file, in bytes: NAME_MAX of Linux's file systems, see pathconf(3). macOS and Windows
	// count 255 UTF-16 units, which are never more than the bytes.
	maxName = 255
	tempTag = ".haul-"
	// tempRandom is the length of the random hex digits that end the name of a hidden file.
	tempRandom = 16
)

// TempName returns a fresh hidden name for a file that will be called name: ".NAME.haul-" and 16 random hex digits, NAME
// cut at a character's border so that all of it has at most 255 bytes.
func TempName(name string) string {
	room := maxName - len(".") - len(tempTag) - tempRandom
	if len(name) > room {
		cut := room
		for i := 0; i < utf8.UTFMax-1 && !utf8.RuneStart(name[cut]); i++ {
			cut--
		}
		name = name[:cut]
	}
	return "." + name + tempTag + randomHex()
}

func randomHex() string {
	b := make([]byte, tempRandom/2)
	rand.Read(b) // never fails: it ends the process if the system has no randomness
	return hex.EncodeToString(b)
}

// IsTemp reports whether name, without a directory, is one that TempName, or createTemp as a fallback, could have returned.
func IsTemp(name string) bool {
	i := strings.LastIndex(name, tempTag)
	if i < 0 || name[0] != '.' {
		return false
	}
	digits := name[i+len(tempTag):]
	_, err := hex.DecodeString(digits)
	return err == nil && len(digits) == tempRandom
}

// checkTemp refuses a name that Create would not have chosen for path, so that a damaged record never leads elsewhere.
func checkTemp(path, temp string) error {
	if filepath.Join(filepath.Dir(path), filepath.Base(temp)) != temp || !IsTemp(filepath.Base(temp)) {
		return fmt.Errorf("%q is not the name of a partial file of %s", temp, path)
	}
	return nil
}

// createTemp creates a file with a fresh hidden name beside path. The name is announced before the file exists.
func (b Below) createTemp(path string, perm fs.FileMode, announce func(temp string)) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL | openNofollow
	dir := filepath.Dir(path)
	create := func(name string) (*os.File, error) {
		temp := filepath.Join(dir, name)
		if announce != nil {
			announce(temp)
		}
		return b.open(temp, flags, perm)
	}
	f, err := create(TempName(filepath.Base(path)))
	if errors.Is(err, syscall.ENAMETOOLONG) { // eCryptfs allows 143 bytes
		f, err = create(tempTag + randomHex())
	}
	return f, err
}

// oneWrite is the size, in bytes, up to which a file is written at once, or nearly: then a full disk shows soon enough.
const oneWrite = 256 << 10

// allocate makes f that many bytes long and reserves space for them, so that a full disk shows now and not after hours. If
// the file system cannot do that, only the free space is checked. For a small file it is not. Name is what an error calls
// the file.
func allocate(f *os.File, name string, size int64) error {
	switch {
	case size == 0:
		return nil
	case size <= oneWrite:
		return f.Truncate(size)
	}
	if free := freeSpace(filepath.Dir(f.Name())); free >= 0 && free < size {
		return &spaceError{path: name, need: size, free: free}
	}
	err := preallocate(f, size)
	if errors.Is(err, errors.ErrUnsupported) {
		err = f.Truncate(size)
	}
	switch {
	case isNoSpace(err):
		return noSpace(name, size, err)
	case errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("the file system, or ulimit -f, allows %s no %s: %w", name, bytesText(size), err)
	case err != nil:
		return fmt.Errorf("set aside %s for %s: %w", bytesText(size), name, err)
	}
	return nil
}
