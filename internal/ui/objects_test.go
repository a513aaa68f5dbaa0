package ui_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

var (
	tree   = ui.Task{Verb: "upload", Source: "./run", Target: "s3://lab/run", Name: "run", Many: true}
	object = ui.Task{Verb: "upload", Source: "./run/x", Target: "s3://lab/run/x"}
	denied = &store.Error{Kind: store.Denied, Op: "PutObject", Ref: store.Ref{Bucket: "lab", Key: "run/x"}}
)

func TestProgressOfManyObjects(t *testing.T) {
	for _, c := range []struct {
		now  mirror.Counts
		want string
	}{
		{mirror.Counts{Found: 1000, Done: 7}, "run  7/1,000+ objects  700 MiB  100 MiB/s  8 parts in flight"},
		{mirror.Counts{Found: 1234567, All: true, Done: 1000000, Failed: 1, Skipped: 2}, "run  1,000,000/1,234,567 objects  700 MiB  3 failed  100 MiB/s  8 parts in flight"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var err paper
			s := ui.New(ui.Config{Stdout: &err, Stderr: &err, Terminal: columns(120)})
			began := time.Now()
			look := func() haul.Progress {
				n := int64(time.Since(began).Seconds() * 100 * mib)
				return haul.Progress{Total: 5000 * mib, Done: n, Moved: n, InFlight: 8}
			}
			_ = s.During(tree, ui.Look(look), func() error {
				s.Object(object, mirror.Event{Kind: mirror.Found, Now: c.now})
				time.Sleep(7100 * time.Millisecond)
				return nil
			})
			if got := err.last(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// many is a run of four large files and a small one, each begun three seconds after the one before.
type many struct{ began time.Time }

func (m many) Progress() haul.Progress {
	n := int64(time.Since(m.began).Seconds() * 100 * mib)
	return haul.Progress{Done: n, Moved: n, InFlight: 8}
}

func (m many) Active() (all []haul.ActiveTransfer) {
	for i, name := range []string{"./run/a_R1.fastq.gz", "./run/试剂.bam", "./run/lane1/c.bam", "./run/d.bam", "./run/e.vcf"} {
		began := m.began.Add(time.Duration(3*i) * time.Second)
		d := time.Since(began)
		if d > 0 && (i != 1 || d < 6*time.Second) {
			all = append(all, haul.ActiveTransfer{Source: name, Began: began, TransferProgress: haul.TransferProgress{Total: 400 * mib, Done: int64(d.Seconds() * 20 * mib)}})
		}
	}
	return all
}

// The block names what takes long; a file keeps its place until it is done.
func TestBlock(t *testing.T) {
	for at, want := range map[time.Duration]string{
		900 * time.Millisecond: "run  ░░░░░░░░░░░░░░░░░░░░  0.1/2.0 GiB  4 %  7/12 objects  8 parts in flight",
		5900 * time.Millisecond: "run  █████░░░░░░░░░░░░░░░  0.6/2.0 GiB  28 %  7/12 objects  100 MiB/s  ETA 14s  8 parts in flight\n" +
			"  a_R1.fastq.gz  ██░░░░░░░░  116/400 MiB  28 %\n" +
			"  试剂.bam  █░░░░░░░░░  56.0/400 MiB  14 %",
		13900 * time.Millisecond: "run  █████████████░░░░░░░  1.3/2.0 GiB  69 %  7/12 objects  100 MiB/s  ETA 6s  8 parts in flight\n" +
			"  a_R1.fastq.gz  ██████░░░░  276/400 MiB  69 %\n" +
			"  c.bam  ███░░░░░░░  156/400 MiB  39 %\n" +
			"  d.bam  ██░░░░░░░░  96.0/400 MiB  24 %",
	} {
		synctest.Test(t, func(t *testing.T) {
			var err paper
			s := ui.New(ui.Config{Stdout: &err, Stderr: &err, Terminal: columns(120), OnTerminal: true})
			_ = s.During(tree, many{time.Now()}, func() error {
				s.Object(object, mirror.Event{Kind: mirror.Found, Now: mirror.Counts{Found: 12, All: true, Done: 7, FoundSize: 2000 * mib}})
				time.Sleep(at)
				return nil
			})
			if got := err.last(); got != want {
				t.Errorf("after %v:\n%s\nwant\n%s", at, got, want)
			}
			if left := strings.Join(err.shown(), ""); left != "" {
				t.Errorf("%q stays", left)
			}
		})
	}
}

// On a terminal a run has no line for each object, unless it is verbose, or something is wrong with it.
func TestObjectsOnATerminal(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err, Terminal: columns(80), OnTerminal: true, Verbose: verbose})
		s.Object(object, mirror.Event{Kind: mirror.Done, Result: result(true)})
		if strings.Contains(out.String(), "verified") != verbose {
			t.Errorf("verbose %v: %q", verbose, out.String())
		}
		s.Object(object, mirror.Event{Kind: mirror.Done, Result: result(false)})
		if !strings.Contains(out.String(), "not verified") {
			t.Errorf("verbose %v: %q", verbose, out.String())
		}
	}
}

func TestColors(t *testing.T) {
	var out, err paper
	s := ui.New(ui.Config{Stdout: &out, Stderr: &err, ColorStderr: true})
	s.Object(object, mirror.Event{Kind: mirror.Failed, Err: denied})
	s.Object(object, mirror.Event{Kind: mirror.Done, Result: result(true)})
	if want := "\x1b[31mhaul: failed:\x1b[0m ./run/x to s3://lab/run/x: PutObject s3://lab/run/x: access denied\n"; err.String() != want || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q and %q", err.String(), out.String())
	}
}

func TestObjects(t *testing.T) {
	var out, err paper
	s := ui.New(ui.Config{Stdout: &out, Stderr: &err})
	_ = s.During(tree, ui.Look(func() haul.Progress { return haul.Progress{} }), func() error {
		s.Observe(haul.Event{Kind: haul.EventNote, Source: "./run/x", Text: "something"})
		s.Object(object, mirror.Event{Kind: mirror.Found})
		s.Object(object, mirror.Event{Kind: mirror.Done, Result: result(true)})
		s.Object(object, mirror.Event{Kind: mirror.Failed, Err: denied})
		s.Object(ui.Task{Source: "./run/pipe\n"}, mirror.Event{Kind: mirror.Skipped, Err: errors.New("no file")})
		return nil
	})
	if want := "upload: ./run/x to s3://lab/run/x  7.9 GiB in "; !strings.HasPrefix(out.String(), want) {
		t.Errorf("%q", out.String())
	}
	want := "haul: ./run/x: something\nhaul: failed: ./run/x to s3://lab/run/x: PutObject s3://lab/run/x: access denied\nhaul: skipped: ./run/pipe\\n: no file\n"
	if err.String() != want {
		t.Errorf("%q, want %q", err.String(), want)
	}
}

func TestSummary(t *testing.T) {
	for want, m := range map[string]mirror.Summary{
		"copied 5,000 objects, 312 MiB in 2.1 s (149 MiB/s, 2,381 objects/s); all verified": {
			Counts: mirror.Counts{Found: 5000, All: true, Done: 5000, Size: 312 * mib}, Elapsed: 2100 * time.Millisecond},
		"copied 1 object, 8.0 GiB in 1m40s (61.4 MiB/s, 0.0 objects/s); 2.0 GiB already stored; all verified": {
			Counts: mirror.Counts{Found: 1, All: true, Done: 1, Size: 8192 * mib, Kept: 2048 * mib}, Elapsed: 100 * time.Second},
		"copied 5 objects, 0 B in 1.0 s (0 B/s, 5.0 objects/s); 3 failed (listed above), 1 skipped (listed above), 2 not verified": {
			Counts: mirror.Counts{Found: 9, All: true, Done: 5, Failed: 3, Skipped: 1, Unverified: 2}, Elapsed: time.Second},
		"copied 5 objects, 0 B in 1.0 s (0 B/s, 5.0 objects/s); the rest was not reached": {
			Counts: mirror.Counts{Found: 9, All: true, Done: 5}, Elapsed: time.Second},
		"copied 0 objects, 0 B in 1.0 s": {Counts: mirror.Counts{All: true}, Elapsed: time.Second},
	} {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err})
		s.Summary(tree, m)
		if got := strings.TrimSuffix(out.String(), "\n"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var out, err paper
	s := ui.New(ui.Config{Stdout: &out, Stderr: &err, Quiet: true})
	s.Summary(tree, mirror.Summary{Counts: mirror.Counts{Failed: 1}})
	s.Object(object, mirror.Event{Kind: mirror.Done, Result: result(true)})
	if out.Len()+err.Len() > 0 {
		t.Errorf("quiet said %q %q", out.String(), err.String())
	}
	s.Object(object, mirror.Event{Kind: mirror.Done, Result: result(false)})
	s.Object(object, mirror.Event{Kind: mirror.Failed, Err: denied})
	if lines := strings.Count(err.String(), "\n"); lines != 2 {
		t.Errorf("quiet said %q", err.String())
	}
}

func TestObjectsAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, err paper
		s := ui.New(ui.Config{Stdout: &out, Stderr: &err, JSON: true})
		_ = s.During(tree, ui.Look(func() haul.Progress {
			return haul.Progress{Total: 9, PartsTotal: 9, Done: 5, Moved: 5, Elapsed: time.Second}
		}), func() error {
			s.Observe(haul.Event{Kind: haul.EventStart, Time: time.Now(), Source: "./run/x", Target: "s3://lab/run/x", Size: 5})
			s.Object(object, mirror.Event{Kind: mirror.Failed, Err: denied, Now: mirror.Counts{Found: 3, Done: 1, Failed: 1}})
			time.Sleep(1500 * time.Millisecond)
			return nil
		})
		s.Summary(tree, mirror.Summary{Counts: mirror.Counts{Found: 3, All: true, Done: 1, Failed: 2, Size: 5}, Elapsed: 2 * time.Second})
		const begin = `{"schema_version":2,"event":`
		const counts = `"objects_skipped":0,"objects_not_verified":0`
		want := []string{
			begin + `"start","time":"2000-01-01T00:00:00Z","verb":"upload","source":"./run/x","target":"s3://lab/run/x","size":5}`,
			begin + `"failed","time":"2000-01-01T00:00:00Z","verb":"upload","source":"./run/x","target":"s3://lab/run/x",` +
				`"error":"PutObject s3://lab/run/x: access denied","kind":"access denied"}`,
			begin + `"progress","time":"2000-01-01T00:00:01Z","done":5,"kept":0,"safe":0,"moved":5,"bytes_per_second":0,"elapsed_seconds":1,` +
				`"parts_done":0,"parts_in_flight":0,"retries":0,"throttled":0,"objects":1,"objects_found":3,"objects_failed":1,` + counts + `}`,
			begin + `"summary","time":"2000-01-01T00:00:01.5Z","verb":"upload","source":"./run","target":"s3://lab/run","size":5,"kept":0,` +
				`"bytes_per_second":2.5,"elapsed_seconds":2,"objects":1,"objects_found":3,"objects_failed":2,` + counts + `,"all_found":true}`,
		}
		if got := strings.TrimSpace(out.String()); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
		if !strings.HasPrefix(err.String(), "haul: failed: ./run/x to ") {
			t.Errorf("standard error: %q", err.String())
		}
	})
}

func TestWhatWasNotMoved(t *testing.T) {
	gone := ui.Task{Source: "s3://lab/run/gone"}
	show := func(cfg ui.Config) (string, string) {
		var out, err paper
		cfg.Stdout, cfg.Stderr = &out, &err
		s := ui.New(cfg)
		s.Object(object, mirror.Event{Kind: mirror.Planned, Verb: "upload", Why: "newer", Entry: mirror.Entry{Size: 5}})
		s.Object(gone, mirror.Event{Kind: mirror.Planned, Verb: "delete", Why: "not in the source"})
		s.Object(gone, mirror.Event{Kind: mirror.Deleted, Verb: "delete", Entry: mirror.Entry{Object: store.Object{Ref: store.Ref{Bucket: "lab", Key: "run/gone"}}}})
		s.Object(object, mirror.Event{Kind: mirror.Unchanged, Verb: "upload", Why: "size is equal"})
		s.Object(object, mirror.Event{Kind: mirror.Warned, Verb: "upload", Err: errors.New("odd")})
		return out.String(), err.String()
	}
	plain := "(dryrun) upload: ./run/x to s3://lab/run/x  (newer)\n(dryrun) delete: s3://lab/run/gone  (not in the source)\ndelete: s3://lab/run/gone\n"
	const warning = "haul: warning: ./run/x: odd\n"
	for _, c := range []struct {
		cfg      ui.Config
		out, err string
	}{
		{ui.Config{}, plain, warning},
		{ui.Config{Verbose: true}, plain + "unchanged: ./run/x: size is equal\n", warning},
		{ui.Config{Quiet: true}, "", warning},
	} {
		if out, err := show(c.cfg); out != c.out || err != c.err {
			t.Errorf("%+v: %q, %q", c.cfg, out, err)
		}
	}
	out, _ := show(ui.Config{JSON: true})
	for _, want := range []string{
		`"event":"planned"`, `"verb":"upload","source":"./run/x","target":"s3://lab/run/x","why":"newer","size":5}`,
		`"event":"deleted"`, `"object":{"bucket":"lab","key":"run/gone"}}`, `"event":"warned"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in %s", want, out)
		}
	}
	for want, m := range map[string]mirror.Summary{
		"copied 2 objects, 0 B in 1.0 s (0 B/s, 2.0 objects/s); deleted 3; 1,000 unchanged; all verified": {
			Counts: mirror.Counts{Found: 1002, All: true, Done: 2, Deleted: 3, Unchanged: 1000}, Elapsed: time.Second},
		"copied 0 objects, 0 B in 1.0 s; 5 unchanged": {Counts: mirror.Counts{Found: 5, All: true, Unchanged: 5}, Elapsed: time.Second},
	} {
		var out, err paper
		ui.New(ui.Config{Stdout: &out, Stderr: &err}).Summary(tree, m)
		if got := strings.TrimSuffix(out.String(), "\n"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var dry, err paper
	task := ui.Task{Verb: "move", Many: true, Dry: true}
	ui.New(ui.Config{Stdout: &dry, Stderr: &err}).Summary(task, mirror.Summary{Counts: mirror.Counts{Found: 3, All: true, Planned: 4, PlannedDeletes: 1, PlannedSize: 1 << 20}})
	if want := "would move 3 objects, 1.0 MiB; would delete 1; nothing was done\n"; dry.String() != want {
		t.Errorf("%q, want %q", dry.String(), want)
	}
}
