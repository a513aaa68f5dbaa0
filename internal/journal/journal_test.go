package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/journal"
)

type header struct {
	Upload string
	Size   int64
}

type entry struct {
	Part int
	Note string
}

type record = journal.Log[header, entry]

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t rapid.TB, dir, name string) *record {
	t.Helper()
	l, err := journal.Open[header, entry](dir, name)
	must(t, err)
	return l
}

// file is the only record in dir.
func file(t rapid.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(names) != 1 {
		t.Fatalf("records %q, %v", names, err)
	}
	return names[0]
}

func wantRecords(t rapid.TB, dir string, want int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != want {
		t.Errorf("%d files, %v; want %d", len(files), err, want)
	}
}

func wantHeld(t rapid.TB, l *record, h header, begun bool, es []entry) {
	t.Helper()
	if got, ok := l.Header(); got != h || ok != begun {
		t.Fatalf("header %+v, %t; want %+v, %t", got, ok, h, begun)
	}
	if got := l.Entries(); !slices.Equal(got, es) {
		t.Fatalf("entries %+v, want %+v", got, es)
	}
}

var one = header{Upload: "one", Size: 1 << 40}

func TestRecordGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "haul")
	l := open(t, dir, "a -> s3://b/a")
	wantHeld(t, l, header{}, false, nil)
	if err := l.Append(entry{1, ""}); err == nil {
		t.Error("an entry was taken before the header")
	}
	must(t, l.Begin(one))
	must(t, l.Append(entry{1, "x"}))
	must(t, l.Append(entry{2, "line\nbreak \xff"}))
	wantHeld(t, l, one, true, nil) // entries are those of earlier runs
	must(t, errors.Join(l.Close(), l.Close()))

	l = open(t, dir, "a -> s3://b/a")
	wantHeld(t, l, one, true, []entry{{1, "x"}, {2, "line\nbreak \ufffd"}})
	two := header{Upload: "two"}
	must(t, l.Begin(two))
	wantHeld(t, l, two, true, nil)
	must(t, l.Close())

	l = open(t, dir, "a -> s3://b/a")
	wantHeld(t, l, two, true, nil)
	must(t, l.Forget())
	wantRecords(t, dir, 0)
	must(t, l.Close())
	for what, err := range map[string]error{"Begin": l.Begin(one), "Append": l.Append(entry{}), "Forget": l.Forget()} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Forget: %v", what, err)
		}
	}
}

// Whatever was begun, appended, and then torn or damaged at one place: all lines before that place come back, none after it
// ever does, and the record continues.
func TestRecordAgainstModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var (
			l     = open(t, dir, "n")
			h     header
			begun bool
			es    []entry // of all runs since Begin
			old   []entry // of earlier runs
		)
		reopen := func(t *rapid.T, damage func([]byte) ([]byte, int)) {
			must(t, l.Close())
			if begun {
				path := file(t, dir)
				data, err := os.ReadFile(path)
				must(t, err)
				data, at := damage(data)
				must(t, os.WriteFile(path, data, 0o600))
				if at >= 512 {
					lines := bytes.Count(data[512:at], []byte{'\n'})
					begun, es = lines > 0, es[:min(len(es), max(lines-1, 0))]
					if !begun {
						h = header{}
					}
				}
			}
			l = open(t, dir, "n")
			old = slices.Clone(es)
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				h = header{rapid.String().Draw(t, "upload"), rapid.Int64().Draw(t, "size")}
				begun, es, old = true, nil, nil
				must(t, l.Begin(h))
			},
			"amend": func(t *rapid.T) {
				h = header{rapid.String().Draw(t, "upload"), rapid.Int64().Draw(t, "size")}
				begun, es = true, slices.Clone(old)
				must(t, l.Amend(h))
			},
			"append": func(t *rapid.T) {
				if !begun {
					t.Skip("no header")
				}
				e := entry{rapid.Int().Draw(t, "part"), rapid.String().Draw(t, "note")}
				must(t, l.Append(e))
				es = append(es, e)
			},
			"next run": func(t *rapid.T) { reopen(t, func(b []byte) ([]byte, int) { return b, 0 }) },
			"torn": func(t *rapid.T) {
				reopen(t, func(b []byte) ([]byte, int) {
					at := rapid.IntRange(512, len(b)).Draw(t, "length")
					return b[:at], at
				})
			},
			"damaged": func(t *rapid.T) {
				reopen(t, func(b []byte) ([]byte, int) {
					at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
					b[at] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
					return b, at
				})
			},
			"": func(t *rapid.T) { wantHeld(t, l, h, begun, old) },
		})
		must(t, l.Forget())
	})
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	must(t, l.Append(entry{7, "x"}))
	must(t, l.Close())
	data, err := os.ReadFile(file(t, dir))
	must(t, err)
	if data[511] != '\n' || bytes.IndexByte(data, '\n') != 511 {
		t.Errorf("first line %q", data[:512])
	}
	var who struct {
		PID  int
		Host string
	}
	must(t, json.Unmarshal(data[9:511], &who))
	host, err := os.Hostname()
	if err == nil && (who.PID != os.Getpid() || who.Host != host) {
		t.Errorf("holder %+v", who)
	}
	want := ""
	for _, s := range []string{`{"Upload":"one","Size":1099511627776}`, `{"Part":7,"Note":"x"}`} {
		want += fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(s), crc32.MakeTable(crc32.Castagnoli)), s)
	}
	if got := string(data[512:]); got != want {
		t.Errorf("lines %q, want %q", got, want)
	}
}

func TestDamagedTailNeverComesBack(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	for i := 1; i <= 4; i++ {
		must(t, l.Append(entry{i, "same length"}))
	}
	must(t, l.Close())
	path := file(t, dir)
	data, err := os.ReadFile(path)
	must(t, err)
	lines := bytes.SplitAfter(data, []byte{'\n'})
	lines[3][20] ^= 1 // the second entry
	must(t, os.WriteFile(path, bytes.Join(lines, nil), 0o600))

	l = open(t, dir, "n")
	wantHeld(t, l, one, true, []entry{{1, "same length"}})
	must(t, l.Append(entry{9, "same length"})) // falls where the damaged line was
	must(t, l.Close())
	l = open(t, dir, "n")
	wantHeld(t, l, one, true, []entry{{1, "same length"}, {9, "same length"}})
	must(t, l.Close())
}

func TestOtherShapes(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	must(t, l.Append(entry{1, "x"}))
	must(t, l.Close())
	type newEntry struct{ Part string }
	e, err := journal.Open[header, newEntry](dir, "n") // a version of haul that means something else by it
	must(t, err)
	if h, ok := e.Header(); h != one || !ok || len(e.Entries()) != 0 {
		t.Errorf("header %+v, %t, entries %v", h, ok, e.Entries())
	}
	must(t, e.Close())
	h, err := journal.Open[[]int, entry](dir, "n")
	must(t, err)
	if got, ok := h.Header(); ok || got != nil {
		t.Errorf("header %v", got)
	}
	must(t, h.Close())
	wantRecords(t, dir, 0)
}

func TestLongLines(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	if err := l.Append(entry{1, strings.Repeat("x", 1<<20)}); err == nil {
		t.Error("a line above 1 MiB was taken, and could not be read again")
	}
	if err := l.Begin(header{Upload: strings.Repeat("x", 1<<20)}); err == nil {
		t.Error("a header above 1 MiB was taken")
	}
	big := entry{1, strings.Repeat("x", 1<<20-64)}
	must(t, l.Append(big))
	must(t, l.Close())
	f, err := os.OpenFile(file(t, dir), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(make([]byte, 5<<20)) // zeros, as a power cut may leave
	must(t, errors.Join(err, f.Close()))
	l = open(t, dir, "n")
	wantHeld(t, l, one, true, []entry{big})
	must(t, l.Close())
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	names := []string{"", "a", "A", "../../x", "染色体\x00🧬", strings.Repeat("long ", 1000), "\xff"}
	var held []*record
	for _, name := range names {
		l := open(t, dir, name)
		must(t, l.Begin(header{Upload: name}))
		held = append(held, l)
	}
	wantRecords(t, dir, len(names))
	for _, l := range held {
		must(t, l.Forget())
	}
	wantRecords(t, dir, 0)
}

func TestNeverBegunLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir, "n").Close())
	wantRecords(t, dir, 0)
}

// FuzzReplay opens records of any bytes: never a panic, never an error, and they can be written from the start again. They
// lie in memory if that can be had: on a disk it would spend its time with waiting for the syncs of records.
func FuzzReplay(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\n\n\n"))
	f.Add([]byte("00000000 \n"))
	f.Add(append(bytes.Repeat([]byte{' '}, 511), "\n7a2ee0b5 {}\n7a2ee0b5 {}\n"...))
	dir, err := os.MkdirTemp("/dev/shm", "haul-journal-")
	if err != nil {
		dir = f.TempDir()
	}
	f.Cleanup(func() { must(f, os.RemoveAll(dir)) })
	l := open(f, dir, "n")
	must(f, l.Begin(one))
	path := file(f, dir)
	must(f, l.Close())
	f.Fuzz(func(t *testing.T, data []byte) {
		must(t, os.WriteFile(path, data, 0o600))
		l := open(t, dir, "n")
		must(t, l.Begin(one))
		must(t, l.Append(entry{1, "x"}))
		must(t, l.Close())
		l = open(t, dir, "n")
		wantHeld(t, l, one, true, []entry{{1, "x"}})
		must(t, l.Close())
	})
}

// A process may be killed at any moment of Begin: a process that looks then finds the old header or the new one, never
// none.
func TestBeginLeavesNoGap(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	path := file(t, dir)
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range 200 {
			err = errors.Join(err, l.Begin(header{Upload: strings.Repeat("x", i%7), Size: 1}))
		}
		done <- err
	}()
	for looks := 0; ; looks++ {
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte("Upload")) {
			t.Fatalf("look %d: %q, %v", looks, data, err)
		}
		select {
		case err := <-done:
			must(t, errors.Join(err, l.Close()))
			return
		default:
		}
	}
}
