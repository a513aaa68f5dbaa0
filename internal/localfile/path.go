package localfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// TargetPath returns the file that an object of that key becomes when it is downloaded to target: the last name of the key
// within target, if target is a directory or ends in a slash; else target itself. It never leaves target: a key whose last
// name is empty, "." or "..", or no name of a file here, is an error.
func TargetPath(target, key string) (string, error) {
	if target == "" {
		return "", errors.New("target is empty; name a file or a folder")
	}
	if strings.ContainsRune(target, 0) {
		return "", fmt.Errorf("target %q has a NUL in it, and no file can", target)
	}
	isDir := os.IsPathSeparator(target[len(target)-1])
	if !isDir {
		fi, err := os.Stat(target)
		switch {
		case err == nil:
			isDir = fi.IsDir()
		case errors.Is(err, syscall.ENAMETOOLONG):
			return "", fmt.Errorf("target %s: the name is too long; choose a shorter one", target)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return "", fmt.Errorf("target: %w", err)
		}
	}
	if !isDir {
		return target, nil
	}
	base := key[strings.LastIndexByte(key, '/')+1:]
	if why := badName(base); why != "" {
		return "", fmt.Errorf("key %q %s; name the target file yourself: %s", key, why, filepath.Join(target, "NAME"))
	}
	return filepath.Join(target, base), nil
}

// Scheme returns the scheme of an address, such as http for http://host/path, and nothing for a path. An address could be a
// path, too, but is never treated as one; ./http://host/path is one. One letter is a drive of Windows.
func Scheme(word string) string {
	s, _, found := strings.Cut(word, "://")
	if !found || len(s) < 2 {
		return ""
	}
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+.-", rune(c))) {
			return ""
		}
	}
	return s
}

// badName returns why no file here can have that name, or nothing.
func badName(base string) string {
	switch {
	case base == "":
		return "ends in a slash and gives no file name"
	case base == "." || base == "..":
		return "ends in " + base + ", which names a folder"
	case strings.ContainsRune(base, 0):
		return "has a NUL in its file name"
	case len(base) > maxName:
		return fmt.Sprintf("ends in a file name of %d bytes, and %d are the most", len(base), maxName)
	case runtime.GOOS == "windows" && (strings.ContainsAny(base, `\:*?"<>|`) || !filepath.IsLocal(base)):
		return "ends in what Windows takes for no file name"
	}
	return ""
}
