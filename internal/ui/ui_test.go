package ui_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// columns is a terminal of that width, and of 24 rows.
type columns int

func (c columns) Size() (int, int) { return int(c), 24 }

// paper keeps what is written; as a terminal shows it, too.
type paper struct {
	mu sync.Mutex
	bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Buffer.Write(b)
}

// shown gives the lines as they stand on a wide terminal in the end.
func (p *paper) shown() []string {
	var v view
	v.write(p.String())
	return v.text()
}

// last is the block as it stood last, its lines joined by line ends.
func (p *paper) last() string {
	text := p.String()
	if i := strings.LastIndex(text, "\r\x1b[J"); i >= 0 && i+4 == len(text) { // where During ended
		text = text[:i]
	} else if i := strings.LastIndex(text, "\x1b[J"); i >= 0 {
		text = text[:strings.LastIndex(text[:i], "\r")]
	}
	var v view
	v.write(text)
	lines := v.text()
	for len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// view is a terminal so wide that nothing wraps. It knows what the block writes.
type view struct {
	rows [][]rune
	y, x int
}

var control = regexp.MustCompile(`^\x1b\[([0-9]*)([AJK])`)

func (v *view) write(text string) {
	for text != "" {
		if m := control.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			switch m[2] {
			case "A":
				n, _ := strconv.Atoi(m[1])
				v.y -= n
			case "J":
				v.cut()
				v.rows = v.rows[:v.y+1]
			case "K":
				v.cut()
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		switch r {
		case '\r':
			v.x = 0
		case '\n':
			v.y, v.x = v.y+1, 0
		default:
			for v.row(); len(v.rows[v.y]) <= v.x; {
				v.rows[v.y] = append(v.rows[v.y], ' ')
			}
			v.rows[v.y][v.x] = r
			v.x++
		}
	}
}

// row makes the row of the cursor, and cut ends it there.
func (v *view) row() {
	for len(v.rows) <= v.y {
		v.rows = append(v.rows, nil)
	}
}

func (v *view) cut() {
	v.row()
	v.rows[v.y] = v.rows[v.y][:min(v.x, len(v.rows[v.y]))]
}

func (v *view) text() (lines []string) {
	for _, row := range v.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	if v.y >= len(v.rows) {
		lines = append(lines, "")
	}
	return lines
}

var task = ui.Task{Verb: "upload", Source: "./NA12878.bam", Target: "s3://lab/NA12878.bam", Name: "NA12878.bam"}

const mib = 1 << 20

// steady moves 100 MiB a second of 7.9 GiB, the first 3 GiB of which were there.
func steady(began time.Time) func() haul.Progress {
	return func() haul.Progress {
		moved := min(int64(100*mib*time.Since(began).Seconds()), 5017*mib)
		return haul.Progress{
			Total: 8089 * mib, Kept: 3072 * mib, Done: 3072*mib + moved, Moved: moved, InFlight: 8, PartsDone: 5, PartsTotal: 1000, Retries: 2,
			Elapsed: time.Since(began),
		}
	}
}

// during lets the screen watch for that long.
func during(s *ui.Screen, look func() haul.Progress, d time.Duration) {
	_ = s.During(task, ui.Look(look), func() error {
		time.Sleep(d) // of the bubble's clock
		return nil
	})
}

func TestProgressOnATerminal(t *testing.T) {
	for width, want := range map[int]string{
		120: "NA12878.bam  █████████░░░░░░░░░░░  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s  2 retries  8 parts in flight",
		90:  "NA12878.bam  █████████░░░░░░░░░░░  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s  2 retries",
		80:  "NA12878.bam  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s  2 retries",
		60:  "NA12878.bam  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s",
		40:  "NA12878.bam  3.9/7.9 GiB  49 %",
		30:  "NA12…8.bam  3.9/7.9 GiB  49 %",
		18:  "3.9/7.9 GiB  49 %",
		10:  "",
		0:   "NA12878.bam  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s  2 retries",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out, err paper
			s := ui.New(ui.Config{Stdout: &out, Stderr: &err, Terminal: columns(width)})
			began := time.Now()
			during(s, steady(began), 9300*time.Millisecond)
			if got := err.last(); got != want {
				t.Errorf("%d columns: %q, want %q", width, got, want)
			}
			if left := strings.Join(err.shown(), ""); left != "" {
				t.Errorf("%d columns: %q stays on the terminal", width, left)
			}
			if frames := strings.Count(err.String(), "NA12878"); width == 120 && (frames < 40 || frames > 50) {
				t.Errorf("%d frames in 9.3 s, want about 46", frames)
			}
			if out.Len() > 0 {
				t.Errorf("standard output: %q", out.String())
			}
		})
	}
}

// What would be kept stands beside what was sent, while the two differ.
func TestProgressSaysWhatIsSafe(t *testing.T) {
	for safe, want := range map[int64]string{
		0:          "NA12878.bam  █████████░░░░░░░░░░░  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s  2 retries  8 parts in flight",
		3500 * mib: "NA12878.bam  █████████░░░░░░░░░░░  3.9/7.9 GiB  49 %  3.4 GiB safe  100 MiB/s  ETA 41s  2 retries  8 parts in flight",
		8089 * mib: "NA12878.bam  █████████░░░░░░░░░░░  3.9/7.9 GiB  49 %  100 MiB/s  ETA 41s  2 retries  8 parts in flight",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out, err paper
			s := ui.New(ui.Config{Stdout: &out, Stderr: &err, Terminal: columns(120)})
			look := steady(time.Now())
			during(s, func() haul.Progress {
				m := look()
				m.Safe = safe
				return m
			}, 9300*time.Millisecond)
			if got := err.last(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestLinesStandClearOfTheProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var both paper
		s := ui.New(ui.Config{Stdout: &both, Stderr: &both, Terminal: columns(80), OnTerminal: true})
		_ = s.During(task, ui.Look(steady(time.Now())), func() error {
			time.Sleep(3 * time.Second)
			s.Observe(haul.Event{Kind: haul.EventNote, Text: "something"})
			time.Sleep(3 * time.Second)
			return nil
		})
		s.Done(task, result(true))
		want := []string{
			"haul: something",
			"upload: ./NA12878.bam to s3://lab/NA12878.bam  7.9 GiB in 19.2 s (251 MiB/s); 3.2 GiB already stored; " +
				"verified: full-object CRC64NVME AAAAAAAAAAE=, checked by the server",
			"",
		}
		if got := both.shown(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the terminal shows\n%q\nwant\n%q", got, want)
		}
	})
}

func TestProgressElsewhereIsPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err})
		during(s, steady(time.Now()), 66*time.Second)
		lines := strings.Split(strings.TrimSpace(err.String()), "\n")
		if len(lines) != 3 || strings.ContainsAny(err.String(), "\r\x1b") {
			t.Fatalf("66 s: %q", err.String())
		}
		for i, want := range []string{"3.5/7.9 GiB  44 %", "6.4/7.9 GiB  81 %", "7.9/7.9 GiB  100 %"} {
			if !strings.HasPrefix(lines[i], "haul: NA12878.bam  "+want) {
				t.Errorf("line %d: %q, want %q", i+1, lines[i], want)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var err paper
		s := ui.New(ui.Config{Stdout: &err, Stderr: &err})
		during(s, steady(time.Now()), 4*time.Second)
		if err.Len() > 0 {
			t.Errorf("a short transfer said %q", err.String())
		}
	})
}

func TestProgressIsSane(t *testing.T) {
	began := func(change func(*haul.Progress, time.Duration)) func(time.Time) func() haul.Progress {
		return func(t0 time.Time) func() haul.Progress {
			return func() haul.Progress {
				m := haul.Progress{Total: 1000 * mib, InFlight: 1}
				change(&m, time.Since(t0))
				return m
			}
		}
	}
	for _, c := range []struct {
		name string
		look func(time.Time) func() haul.Progress
		want string
	}{
		{"nothing yet", began(func(*haul.Progress, time.Duration) {}), "NA12878.bam  ░░░░░░░░░░░░░░░░░░░░  0.0/1000 MiB  0 %  no data for 20s  1 part in flight"},
		{"stalled", began(func(m *haul.Progress, d time.Duration) {
			m.Done = min(int64(d.Seconds()), 12) * 10 * mib
			m.Moved = m.Done
		}), "NA12878.bam  ██░░░░░░░░░░░░░░░░░░  120/1000 MiB  12 %  2.0 MiB/s  no data for 8s  1 part in flight"},
		{"finishing", began(func(m *haul.Progress, d time.Duration) {
			m.Done, m.Moved, m.InFlight, m.Throttled = m.Total, m.Total, 0, 1
		}), "NA12878.bam  ████████████████████  1000/1000 MiB  100 %  finishing  throttled by the server"},
		{"a copy within the store", began(func(m *haul.Progress, d time.Duration) {
			m.Done = int64(d.Seconds() * 20 * mib)
		}), "NA12878.bam  ████████░░░░░░░░░░░░  400/1000 MiB  40 %  20.0 MiB/s  ETA 30s  1 part in flight"},
		{"a stream", began(func(m *haul.Progress, d time.Duration) {
			m.Total, m.Moved, m.Retries = 0, int64(d.Seconds()*20*mib), 1
		}), "NA12878.bam  400 MiB  20.0 MiB/s  1 retry  1 part in flight"},
		{"ages", began(func(m *haul.Progress, d time.Duration) {
			m.Moved = int64(d.Seconds() * 10)
		}), "NA12878.bam  ░░░░░░░░░░░░░░░░░░░░  0.0/1000 MiB  0 %  10 B/s  1 part in flight"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var err paper
			s := ui.New(ui.Config{Stdout: &err, Stderr: &err, Terminal: columns(120)})
			during(s, c.look(time.Now()), 20100*time.Millisecond)
			if got := err.last(); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func result(proved bool) haul.Result {
	r := haul.Result{
		Object: store.Object{Ref: store.Ref{Bucket: "lab", Key: "NA12878.bam", Version: "v1"}, ETag: "e-9"},
		Size:   8089 * mib, Kept: 3277 * mib, Moved: 4812 * mib, Parts: 9, Retries: 2, Elapsed: 19200 * time.Millisecond,
		Proof: haul.Proof{Text: "the store keeps no checksum"},
	}
	if proved {
		r.Proof = haul.Proof{Verified: true, Text: "full-object CRC64NVME, checked by the server",
			Sum: checksum.Sum{Algorithm: checksum.CRC64NVME, Value: "\x00\x00\x00\x00\x00\x00\x00\x01"}}
	}
	return r
}

func TestQuietSaysOnlyWhatMustBeSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err, Quiet: true, Terminal: columns(80)})
		during(s, steady(time.Now()), time.Minute)
		s.Note("a note")
		s.Observe(haul.Event{Kind: haul.EventKept, Bytes: 5})
		s.Done(task, result(true))
		s.Result("x")
		s.Upload(ui.Row{})
		s.Bucket("b")
		if out.Len()+err.Len() > 0 {
			t.Errorf("quiet said %q %q", out.String(), err.String())
		}
		s.Done(task, result(false))
		s.Fail(ui.Failure{Message: "it failed", Advice: []string{"do this"}})
		want := "haul: upload: ./NA12878.bam to s3://lab/NA12878.bam  7.9 GiB in 19.2 s (251 MiB/s); 3.2 GiB already stored; " +
			"not verified: the store keeps no checksum\nhaul: it failed\nhaul: do this\n"
		if out.Len() > 0 || err.String() != want {
			t.Errorf("quiet said %q %q", out.String(), err.String())
		}
	})
}

func TestJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err, JSON: true, Terminal: columns(80)})
		_ = s.During(task, ui.Look(steady(time.Now())), func() error {
			s.Observe(haul.Event{Kind: haul.EventStart, Time: time.Now(), Size: 8089 * mib})
			s.Observe(haul.Event{Kind: haul.EventKept, Time: time.Now(), Bytes: 3072 * mib})
			s.Observe(haul.Event{Kind: haul.EventRetry, Wait: 1500 * time.Millisecond, Err: &store.Error{Kind: store.Network, Op: "UploadPart"}})
			s.Observe(haul.Event{Kind: haul.EventNote, Text: "a \"note\"\n"})
			time.Sleep(3500 * time.Millisecond)
			s.Observe(haul.Event{Kind: haul.EventDone})
			return nil
		})
		s.Done(task, result(true))
		s.Upload(ui.Row{Upload: store.Upload{Ref: store.Ref{Bucket: "b", Key: "k"}, ID: "i", Started: time.Now()}, Counted: true, Parts: 1})
		s.Bucket("b")
		s.Fail(ui.Failure{Code: 4, Kind: "access denied", Message: "no", Resumable: true, KeptBytes: 5, Discard: "haul uploads"})
		const begin = `{"schema_version":2,"event":`
		const places = `"verb":"upload","source":"./NA12878.bam","target":"s3://lab/NA12878.bam"`
		progress := func(second int, rate string) string {
			moved := second * 100 * mib
			return fmt.Sprintf(begin+`"progress","time":"2000-01-01T00:00:0%dZ","size":8481931264,"done":%d,"kept":3221225472,"safe":0,"moved":%d,%s`+
				`"elapsed_seconds":%d,"parts":1000,"parts_done":5,"parts_in_flight":8,"retries":2,"throttled":0}`,
				second, 3072*mib+moved, moved, rate, second)
		}
		want := []string{
			begin + `"start","time":"2000-01-01T00:00:00Z",` + places + `,"size":8481931264}`,
			begin + `"kept","time":"2000-01-01T00:00:00Z",` + places + `,"kept":3221225472}`,
			begin + `"retry","time":"2000-01-01T00:00:00Z",` + places + `,"wait_seconds":1.5,"error":"UploadPart s3:///: network error","kind":"network error"}`,
			begin + `"note","time":"2000-01-01T00:00:00Z",` + places + `,"text":"a \"note\"\n"}`,
			progress(1, `"bytes_per_second":0,`),
			progress(2, `"bytes_per_second":104857600,"eta_seconds":48.17,`),
			progress(3, `"bytes_per_second":104857600,"eta_seconds":47.17,`),
			begin + `"done","time":"2000-01-01T00:00:03.5Z",` + places + `,"size":8481931264,"kept":3436183552,"moved":5045747712,` +
				`"elapsed_seconds":19.2,"parts":9,"retries":2,"object":{"bucket":"lab","key":"NA12878.bam","version":"v1","etag":"e-9"},` +
				`"proof":{"verified":true,"algorithm":"CRC64NVME","sum":"AAAAAAAAAAE=","text":"full-object CRC64NVME, checked by the server"}}`,
			begin + `"upload","time":"2000-01-01T00:00:03.5Z","upload":{"bucket":"b","key":"k","id":"i","started":"2000-01-01T00:00:03.5Z","parts":1,"bytes":0}}`,
			begin + `"bucket","time":"2000-01-01T00:00:03.5Z","bucket":"b"}`,
			begin + `"error","time":"2000-01-01T00:00:03.5Z","error":"no","kind":"access denied",` +
				`"failure":{"exit_code":4,"kept_bytes":5,"resumable":true,"discard":"haul uploads"}}`,
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("line %d:\n got %s\nwant %s", i+1, strings.Join(got[min(i, len(got)):], "\n"), want[min(i, len(want)-1)])
			}
			if !json.Valid([]byte(got[i])) {
				t.Errorf("line %d is no JSON: %s", i+1, got[i])
			}
		}
		if err.String() != "haul: no\n" {
			t.Errorf("standard error: %q", err.String())
		}
	})
}

func TestStdoutIsLeftToTheObject(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err, JSON: asJSON, StdoutIsData: true})
		s.Done(task, result(true))
		s.Note("x")
		s.Fail(ui.Failure{Message: "y"})
		if out.Len() > 0 || err.Len() == 0 {
			t.Errorf("standard output: %q", out.String())
		}
	}
}

func TestVerbose(t *testing.T) {
	var out, err paper
	s := ui.New(ui.Config{Stdout: &out, Stderr: &err, Verbose: true})
	_ = s.During(task, ui.Look(func() haul.Progress { return haul.Progress{} }), func() error {
		s.Observe(haul.Event{Kind: haul.EventStart, Size: -1})
		s.Observe(haul.Event{Kind: haul.EventRetry, Wait: time.Second, Err: errors.New("network error")})
		return nil
	})
	s.Done(task, result(true))
	if want := "haul: upload started: ./NA12878.bam to s3://lab/NA12878.bam, of unknown length\nhaul: retrying in 1.0 s: network error\n"; err.String() != want {
		t.Errorf("got %q, want %q", err.String(), want)
	}
	if want := "        9 parts, 2 retries, 4.7 GiB transferred, ETag e-9, version v1\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestTextFromOutsideIsMadeHarmless(t *testing.T) {
	var both paper
	s := ui.New(ui.Config{Stdout: &both, Stderr: &both})
	evil := "x\x1b[2J\ry\nz"
	s.Done(ui.Task{Verb: "upload", Source: evil, Target: evil}, haul.Result{Proof: haul.Proof{Text: evil}})
	s.Fail(ui.Failure{Message: evil, Advice: []string{evil}})
	s.Note(evil)
	s.Upload(ui.Row{Upload: store.Upload{Ref: store.Ref{Key: evil}, ID: evil}})
	s.Bucket(evil)
	s.Observe(haul.Event{Kind: haul.EventNote, Text: evil})
	if lines := strings.Count(both.String(), "\n"); lines != 7 || strings.ContainsAny(both.String(), "\r\x1b") {
		t.Errorf("%d lines: %q", lines, both.String())
	}
}

func TestHelpTellsEveryField(t *testing.T) {
	for _, name := range ui.FieldNames() {
		if !strings.Contains(ui.JSONHelp, name) {
			t.Errorf("JSONHelp does not tell of %q", name)
		}
	}
}
