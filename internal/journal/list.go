package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
)

// List returns the headers of the records in dir, held ones among them, in no particular order. A record that never began
// is skipped; for one that cannot be read it yields an error that names the file, and continues. A dir that does not exist
// has none.
func List[H any](dir string) iter.Seq2[H, error] {
	return func(yield func(H, error) bool) {
		var none H
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(none, fmt.Errorf("list journals: %w", err))
			return
		}
		for _, file := range files {
			if !file.Type().IsRegular() || filepath.Ext(file.Name()) != suffix {
				continue
			}
			h, ok, err := readHeader[H](filepath.Join(dir, file.Name()))
			if err != nil {
				err = fmt.Errorf("list journals: %w", err)
			}
			if (ok || err != nil) && !yield(h, err) {
				return
			}
		}
	}
}

func readHeader[H any](path string) (h H, ok bool, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNofollow|openNonblock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return h, false, nil // forgotten since
	}
	if err != nil {
		return h, false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size <= holderLen {
		return h, false, err
	}
	ok, err = next(newLineReader(io.NewSectionReader(f, holderLen, size-holderLen)), &h)
	if err == nil && !ok {
		err = fmt.Errorf("%s is damaged; the transfer it belongs to starts over, and removes it", path)
	}
	return h, ok, err
}

// Dir returns the directory of the records that was chosen, or, if that is empty, this user's: $HAUL_STATE_DIR; else haul in $XDG_STATE_HOME, or in
// ~/.local/state (XDG Base Directory Specification 0.8), on macOS too; on Windows haul in %LocalAppData%.
func Dir(chosen string) (string, error) {
	if chosen != "" {
		return chosen, nil
	}
	if dir := os.Getenv("HAUL_STATE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) { // the specification says to ignore a relative one
		return filepath.Join(dir, "haul"), nil
	}
	if runtime.GOOS == "windows" {
		dir, err := os.UserCacheDir() // %LocalAppData%
		if err != nil {
			return "", fmt.Errorf("find a folder for records: %w; set HAUL_STATE_DIR", err)
		}
		return filepath.Join(dir, "haul"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for records: %w; set HAUL_STATE_DIR", err)
	}
	return filepath.Join(home, ".local", "state", "haul"), nil
}
