package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/journal"
)

func TestBusy(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	_, err := journal.Open[header, entry](dir, "n")
	var busy *journal.BusyError
	host, _ := os.Hostname()
	if !errors.As(err, &busy) || busy.PID != os.Getpid() || busy.Host != host {
		t.Fatalf("second Open: %v (%+v)", err, busy)
	}
	if want := fmt.Sprintf("process %d on host %s", busy.PID, host); !strings.Contains(err.Error(), want) {
		t.Errorf("message %q", err)
	}
	must(t, l.Append(entry{1, ""})) // undisturbed
	must(t, open(t, dir, "other").Close())
	must(t, l.Close())
	l = open(t, dir, "n")
	wantHeld(t, l, one, true, []entry{{1, ""}})
	must(t, l.Close())
	if s := (&journal.BusyError{}).Error(); strings.Contains(s, "0") {
		t.Errorf("message of an unknown holder: %q", s)
	}
}

// Many take, fill and forget one record at once: one holds it at a time, each finds it fresh or as the last one left it.
func TestHoldersTakeTurns(t *testing.T) {
	dir := t.TempDir()
	var holders, left atomic.Int32
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for turn := 0; turn < 25; {
				l, err := journal.Open[header, entry](dir, "n")
				if busy := (*journal.BusyError)(nil); errors.As(err, &busy) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders at once", n)
				}
				_, begun := l.Header()
				if n := left.Swap(0); begun != (n > 0) || len(l.Entries()) != int(n) {
					t.Errorf("found %d entries (begun: %t), %d were left", len(l.Entries()), begun, n)
				}
				err = errors.Join(l.Begin(one), l.Append(entry{worker, ""}))
				forget := (worker+turn)%3 > 0
				if !forget {
					left.Store(1)
				}
				holders.Add(-1)
				if forget {
					err = errors.Join(err, l.Forget())
				} else {
					err = errors.Join(err, l.Close())
				}
				if err != nil {
					t.Error(err)
				}
				turn++
			}
		})
	}
	wg.Wait()
}

func TestAppendFromEverywhere(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := l.Append(entry{i, strings.Repeat("x", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	must(t, l.Close())
	l = open(t, dir, "n")
	got := l.Entries()
	slices.SortFunc(got, func(a, b entry) int { return a.Part - b.Part })
	if len(got) != 50 {
		t.Fatalf("%d entries", len(got))
	}
	for i, e := range got {
		if e != (entry{i, strings.Repeat("x", i)}) {
			t.Errorf("entry %+v", e)
		}
	}
	must(t, l.Close())
}

func TestUnusableFolders(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for _, d := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "file", "state")} {
		_, err := journal.Open[header, entry](d, "n")
		wantUnusable(t, d, err)
	}
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	path := file(t, dir)
	must(t, l.Forget())
	must(t, os.Mkdir(path, 0o700))
	_, err := journal.Open[header, entry](dir, "n")
	wantUnusable(t, path, err)
}

// wantUnusable wants an error that names the path and is not mistaken for one of another holder.
func wantUnusable(t rapid.TB, path string, err error) {
	t.Helper()
	var busy *journal.BusyError
	if err == nil || errors.As(err, &busy) || !strings.Contains(err.Error(), path) {
		t.Errorf("unusable %s: %v", path, err)
	}
}
