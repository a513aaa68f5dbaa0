package ui_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
)

func TestStats(t *testing.T) {
	s := haul.Stats{
		Elapsed: 10 * time.Second, Transfers: 10 * time.Second, CPU: 6100 * time.Millisecond, Cores: 2, Busy: 0.4,
		Moved: 10 << 30, Done: 10 << 30, Parts: 1000, Requests: 1003, Retries: 1,
		Lanes: haul.LaneStats{Peak: 24, Open: 24, Settled: true, InUse: 225 * time.Second, Active: 10 * time.Second, Full: 9 * time.Second},
		Waits: haul.WaitStats{Write: 1200 * time.Millisecond, Sync: 800 * time.Millisecond, FirstByte: 31 * time.Second, FirstBytes: 1000},
	}
	verdict := "limited by: the link to the store: 1.0 GiB/s over 23 connections, 45.5 MiB/s each; more connections were not faster; a faster link would help\n"
	for _, c := range []struct {
		figures bool
		want    string
	}{
		{true, `        CPU 6.1 s (0.61 s/GiB), 2 cores 40 % busy; 24 connections at most, 22.5 on average
        1003 requests, 1 retry, 0 refused (503); 10.0 GiB transferred
        disk, over all connections: read 0 ms, write 1.2 s, fsync 800 ms; first byte after 31 ms
` + verdict},
		{false, verdict},
	} {
		var out bytes.Buffer
		ui.New(ui.Config{Stdout: &out, Stderr: &out}).Stats(ui.Task{}, s, c.figures)
		if got := out.String(); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
	var out bytes.Buffer
	screen := ui.New(ui.Config{Stdout: &out, Stderr: &out, JSON: true})
	screen.Stats(ui.Task{}, s, false)
	if out.Len() > 0 {
		t.Errorf("an event that nobody asked for: %s", &out)
	}
	screen.Stats(ui.Task{}, s, true)
	for _, want := range []string{`"connections_mean":22.5`, `"first_byte_seconds":0.031,"answer_seconds":0,`, `"limit":{"kind":"link","text":"the link`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nhas no %s", &out, want)
		}
	}
}
