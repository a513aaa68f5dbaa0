package localfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"haul.example/haul/internal/localfile"
)

func TestStolenHiddenNameIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("ours"))
	write(t, filepath.Join(dir, "other"), []byte("theirs"))
	must(t, os.Rename(filepath.Join(dir, "other"), w.Temp()))
	if err := w.Commit(time.Time{}, true); err == nil || !strings.Contains(err.Error(), "took the name") {
		t.Errorf("Commit: %v", err)
	}
	if err := w.Discard(); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("Discard: %v", err)
	}
	wantFile(t, w.Temp(), "theirs")
	wantEntries(t, dir, filepath.Base(w.Temp()))

	w = create(t, path, []byte("ours"))
	must(t, os.Remove(w.Temp()))
	if err := w.Commit(time.Time{}, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Commit without its hidden file: %v", err)
	}
	must(t, w.Discard())
}

func TestCommitReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, []byte("old"))
	w := create(t, path, []byte("new"))
	wantFile(t, path, "old")
	must(t, w.Commit(time.Time{}, true))
	wantFile(t, path, "new")
}

func TestNoClobber(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("new"))
	write(t, path, []byte("old"))
	for range 2 { // asking twice changes nothing
		if err := w.Commit(time.Time{}, false); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
			t.Fatalf("Commit: %v", err)
		}
		wantFile(t, path, "old")
	}
	must(t, w.Commit(time.Time{}, true)) // a change of mind is served
	wantFile(t, path, "new")
	wantEntries(t, dir, "f")
}

func TestNoClobberRaceHasOneWinner(t *testing.T) {
	dir := t.TempDir()
	for range 20 {
		path := filepath.Join(dir, "f")
		const racers = 8
		var wg sync.WaitGroup
		start := make(chan struct{})
		won := make([]bool, racers)
		for i := range racers {
			w := create(t, path, []byte{byte('a' + i)})
			wg.Go(func() {
				<-start
				err := w.Commit(time.Time{}, false)
				won[i] = err == nil
				if err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("racer %d: %v", i, err)
				}
				if err := w.Discard(); err != nil {
					t.Errorf("racer %d: %v", i, err)
				}
			})
		}
		close(start)
		wg.Wait()
		winners := ""
		for i, w := range won {
			if w {
				winners += string(rune('a' + i))
			}
		}
		if len(winners) != 1 {
			t.Fatalf("winners %q", winners)
		}
		wantFile(t, path, winners)
		wantEntries(t, dir, "f")
		must(t, os.Remove(path))
	}
}

func TestRenameNew(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	write(t, from, []byte("new"))
	write(t, to, []byte("old"))
	err := localfile.RenameNew(from, to)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("taken name: %v", err)
	}
	wantFile(t, to, "old")
	must(t, os.Remove(to))
	must(t, localfile.RenameNew(from, to))
	wantFile(t, to, "new")
	wantEntries(t, dir, "to")
}

func TestNoClobberOnPoorFileSystems(t *testing.T) {
	refuse := func(from, to string) error {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: errors.ErrUnsupported}
	}
	rename := func(from, to string) error {
		if _, err := os.Lstat(to); err == nil {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
		}
		return os.Rename(from, to)
	}
	lostAnswer := func(from, to string) error { return errors.Join(os.Link(from, to), fs.ErrExist) }
	broken := func(string, string) error { return io.ErrClosedPipe }
	for name, tc := range map[string]struct {
		link, rename func(from, to string) error
		err          error
	}{
		"links":            {os.Link, broken, nil},
		"careful rename":   {refuse, rename, nil},
		"neither":          {refuse, refuse, nil},
		"NFS lost answer":  {lostAnswer, broken, nil},
		"all of it broken": {broken, broken, io.ErrClosedPipe},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			temp, path := filepath.Join(dir, "temp"), filepath.Join(dir, "path")
			write(t, temp, []byte("new"))
			placed, err := localfile.PlaceNew(temp, path, tc.link, tc.rename)
			if placed != (tc.err == nil) || !errors.Is(err, tc.err) {
				t.Fatalf("placed %t, %v", placed, err)
			}
			if !placed {
				wantEntries(t, dir, "temp")
				return
			}
			wantEntries(t, dir, "path")
			write(t, temp, []byte("newer"))
			placed, err = localfile.PlaceNew(temp, path, tc.link, tc.rename)
			if placed || !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
				t.Fatalf("taken name: placed %t, %v", placed, err)
			}
			wantFile(t, path, "new")
			wantFile(t, temp, "newer")
		})
	}
}

func TestTargetIsADirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := localfile.Create(dir, 1)
	if !errors.Is(err, localfile.ErrNotRegular) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("Create: %v", err)
	}
	path := filepath.Join(dir, "f")
	w := create(t, path, []byte("x"))
	must(t, os.Mkdir(path, 0o755)) // a moment later
	if err := w.Commit(time.Time{}, true); !errors.Is(err, localfile.ErrNotRegular) {
		t.Errorf("Commit: %v", err)
	}
	if err := w.Commit(time.Time{}, false); err == nil {
		t.Error("Commit: no error")
	}
	must(t, w.Keep())
	wantFile(t, w.Temp(), "x")
	write(t, filepath.Join(dir, "file"), nil)
	if _, err := localfile.Create(filepath.Join(dir, "file", "f"), 1); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a file for a parent: %v", err)
	}
}
