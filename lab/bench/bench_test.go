package main

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/lab/bench/nullstore"
	"haul.example/haul/lab/built"
)

// drive runs the driver, small, and gives its report.
func drive(t *testing.T, args ...string) (report, string) {
	t.Helper()
	out := t.TempDir()
	program := filepath.Join(out, "bench")
	if text, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	args = append([]string{"-haul", built.Haul(t), "-dir", t.TempDir(), "-out", out, "-quick", "-rounds", "1"}, args...)
	text, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("results: %q, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r, string(text)
}

func TestRows(t *testing.T) {
	r, text := drive(t, "-size", "20MiB", "-small", "12", "-tools", "haul,floor-go,floor-c")
	if len(r.Rows) != 7 {
		t.Errorf("%d rows", len(r.Rows))
	}
	for _, row := range r.Rows {
		if n := len(row.Runs["floor-go"]); n != 1 && row.Name != "start" {
			t.Errorf("%s: %d runs of the floor", row.Name, n)
		}
		for tool, runs := range row.Runs {
			s := runs[0]
			if row.Name == "start" {
				continue
			}
			want := int64(20 << 20)
			if strings.HasPrefix(row.Name, "small") {
				want = 12 * smallSize
			}
			if s.Wall <= 0 || s.CPU() <= 0 || s.RSS <= 0 || s.Bytes() < want || s.Stats.WrongCount > 0 {
				t.Errorf("%s, %s: %+v", row.Name, tool, s)
			}
		}
		if strings.Contains(row.Name, "http") && !strings.HasPrefix(row.Name, "small") && len(row.Runs["haul"]) != 1 {
			t.Errorf("%s: haul did not run: %q", row.Name, row.Notes)
		}
	}
	if !strings.Contains(text, "haul / floor-go (floor): CPU ") {
		t.Errorf("no ratio in:\n%s", text)
	}
}

func TestLinksAndFaults(t *testing.T) {
	r, _ := drive(t, "-size", "30MiB", "-rows", "conn90-link2000", "links")
	if len(r.Links) != 2 || len(r.Links[0].Rounds) != 1 || r.Links[0].Rounds[0].Default.Wall < r.Links[0].Limit {
		t.Errorf("links: %+v", r.Links)
	}
	r, _ = drive(t, "-size", "30MiB", "-rows", "cut", "faults")
	if len(r.Trials) != 6 {
		t.Errorf("%d trials", len(r.Trials))
	}
	for _, c := range r.Trials {
		if len(c.Runs) != 1 || c.Failed[0] != "" {
			t.Errorf("%s: %d runs, %v", c.Case, len(c.Runs), c.Failed)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, x := range []struct {
		in   []float64
		want spread
	}{{[]float64{3}, spread{3, 3, 3}}, {[]float64{5, 1, 3}, spread{3, 1, 5}}, {[]float64{4, 1, 2, 3}, spread{2.5, 1, 4}}} {
		if got := spreadOf(x.in); got != x.want {
			t.Errorf("%v: %v", x.in, got)
		}
	}
	if got := spreadOf(nil); !math.IsNaN(got.median) {
		t.Errorf("nothing: %v", got)
	}
}

// TestAgainst compares round by round: a machine that is slower in one round is so for both.
func TestAgainst(t *testing.T) {
	runs := func(user ...float64) (all []Sample) {
		for _, u := range user {
			all = append(all, Sample{User: u, Wall: u})
		}
		return all
	}
	r := &Row{Per: 1, Runs: map[string][]Sample{"haul": runs(1, 3, 2), "mc": runs(2, 6, 8), "aws": runs(9, 9, 9)}}
	tools := []*tool{{Name: "haul", Kind: subject}, {Name: "mc", Kind: peer}, {Name: "aws", Kind: peer}, {Name: "rclone", Kind: peer}}
	best := r.best(tools, r.cpu)
	if best == nil || best.Name != "mc" {
		t.Fatalf("best: %+v", best)
	}
	if got := r.against(best, r.cpu); got != (spread{0.5, 0.25, 0.5}) {
		t.Errorf("ratio: %v", got)
	}
}

func TestNames(t *testing.T) {
	for words, want := range map[string]int{"": 7, "up-http": 1, "up-http,start": 2, "small": 2, "https": 2, "none": 0} {
		b := &bench{options: options{rows: words, size: 1, small: 1}}
		if got := len(b.rowsOf()); got != want {
			t.Errorf("%q: %d rows, want %d", words, got, want)
		}
	}
}

func TestGrid(t *testing.T) {
	for _, x := range []struct {
		o    options
		want int
	}{{options{}, 12 * 4}, {options{full: true}, 36 * 4}, {options{size: 1 << 30}, 12 * 2}, {options{rows: "conn25-"}, 4 * 4}} {
		b := &bench{options: x.o}
		if got := len(b.linksOf()); got != x.want {
			t.Errorf("%+v: %d links, want %d", x.o, got, x.want)
		}
	}
	l := newLink(nullstore.Shape{ConnRate: 10e6, LinkRate: 2000e6, FirstByteMS: 100}, 1<<30, true)
	for _, n := range sweep(l) {
		if n < 1 || n > 1024 {
			t.Errorf("a concurrency of %d", n)
		}
	}
}

func TestDigest(t *testing.T) {
	r, text := drive(t, "-size", "20MiB", "digest")
	if len(r.Digests) != 3 {
		t.Fatalf("%d cases", len(r.Digests))
	}
	for _, c := range r.Digests {
		if len(c.MD5) != 1 || len(c.Upload) != 1 || len(c.Both) != 1 || c.Both[0].Wall <= 0 {
			t.Errorf("%s: %+v", c.Name, c)
		}
		if !strings.Contains(text, c.Name) {
			t.Errorf("no %s in the report", c.Name)
		}
	}
}
