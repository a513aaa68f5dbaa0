package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// report is all that a run of the driver found.
type report struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	Machine machine   `json:"machine"`
	// Load is the load average of the last minute, before the first measurement.
	Load   float64  `json:"load"`
	Mode   string   `json:"mode"`
	Size   int64    `json:"size,omitempty"`
	Small  int      `json:"small_objects,omitempty"`
	Rounds int      `json:"rounds"`
	Seed   uint64   `json:"seed"`
	Tools  []*tool  `json:"tools"`
	Notes  []string `json:"notes"`
	Rows   []*Row   `json:"rows,omitempty"`
	Links  []*Link  `json:"links,omitempty"`
	Trials []*Trial `json:"trials,omitempty"`

	Digests []*DigestCase `json:"digests,omitempty"`
}

// machine is what it was measured on.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_mib"`
	Kernel string `json:"kernel"`
	System string `json:"system"`
	Go     string `json:"go"`
}

func newReport(ctx context.Context, o options) *report {
	r := &report{Date: time.Now(), Commit: "unknown", Mode: o.mode, Size: o.size, Small: o.small, Rounds: o.rounds, Seed: o.seed,
		Machine: machine{CPU: cpuName(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}}
	if memory, err := memInfo("MemTotal:"); err == nil {
		r.Machine.Memory = memory >> 20
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		r.Machine.Kernel, _, _ = strings.Cut(strings.TrimSpace(string(text)), "-")
	}
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude", "*").Output(); err == nil {
		r.Commit = strings.TrimSpace(string(out))
	}
	return r
}

func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere there is none
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// quiet is the load above which the numbers are called noisy.
const quiet = 0.3

// loaded notes how busy the machine is before anything is measured.
func (r *report) loaded() {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(text), " ")
	if r.Load, err = strconv.ParseFloat(first, 64); err == nil && r.Load > quiet {
		r.Notes = append(r.Notes, fmt.Sprintf("NOISY: the load was %.2f before the first measurement; only ratios within a round mean something", r.Load))
	}
}

func (r *report) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "haul bench: %s, %s, commit %s\n", r.Mode, r.Date.Format("2006-01-02 15:04"), r.Commit)
	fmt.Fprintf(&b, "%s, %d cores, %d MiB, %s %s, %s; load %.2f; %d rounds\n", r.Machine.CPU, r.Machine.Cores, r.Machine.Memory,
		r.Machine.System, r.Machine.Kernel, r.Machine.Go, r.Load, r.Rounds)
	switch {
	case r.Mode == "rows":
		fmt.Fprintf(&b, "big object %d MiB, %d small objects\n", r.Size>>20, r.Small)
	case r.Size > 0:
		fmt.Fprintf(&b, "object %d MiB\n", r.Size>>20)
	}
	for _, t := range r.Tools {
		if t.Version != "" {
			fmt.Fprintf(&b, "%-9s %s\n", t.Name, t.Version)
		}
	}
	for _, n := range r.Notes {
		b.WriteString(n + "\n")
	}
	return b.String() + "\n"
}

// text is the report as people read it.
func (r *report) text() string {
	var b strings.Builder
	b.WriteString(r.head())
	for _, row := range r.Rows {
		b.WriteString(row.table(r.Tools) + "\n")
	}
	if len(r.Links) > 0 {
		b.WriteString(linksTable(r.Links))
	}
	if len(r.Trials) > 0 {
		b.WriteString(trialsTable(r.Trials))
	}
	if len(r.Digests) > 0 {
		b.WriteString(digestTable(r.Digests))
	}
	return b.String()
}

// publish shows the report, and writes it into a folder if there is one: DATE-COMMIT-MACHINE.txt and .json.
func (r *report) publish(dir string) error {
	fmt.Print("\n" + r.text())
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s-%s-%s", r.Date.Format("20060102-1504"), r.Mode, r.Commit, plain(r.Machine.CPU)+"-"+strconv.Itoa(r.Machine.Cores))
	out, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(out, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".txt"), []byte(r.text()), 0o644)
}

// plain makes a name that a file can have.
func plain(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9')
	})
	return strings.Join(words, "-")
}
