package ui_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
)

// awsRun writes one of everything, and gives both streams.
func awsRun(cfg ui.AWSConfig) (stdout, stderr string) {
	var out, err bytes.Buffer
	cfg.Stdout, cfg.Stderr = &out, &err
	a := ui.NewAWS(cfg)
	task := ui.Task{Verb: "upload", Source: "./a", Target: "s3://b/a"}
	a.Transferred(task)
	a.WouldTransfer(ui.Task{Verb: "delete", Source: "s3://b/a\n"})
	a.Failed(task, "why")
	a.Warn("left out")
	a.Fatal("end")
	a.Cancelled()
	a.Line("make_bucket: b")
	a.Complain("make_bucket failed: b")
	a.Debug("account")
	a.Refuse("bad line\n")
	a.Report("Code: x\n")
	return out.String(), err.String()
}

func TestAWSLines(t *testing.T) {
	const errorLines = "upload failed: ./a to s3://b/a why\nwarning: left out\nfatal error: end\ncancelled: ctrl-c received\nmake_bucket failed: b\n"
	const refusals = "\naws: [ERROR]: bad line\nCode: x\n"
	const dry = "(dryrun) delete: s3://b/a\\n\n"
	for name, c := range map[string]struct {
		cfg            ui.AWSConfig
		stdout, stderr string
	}{
		"usual":       {ui.AWSConfig{}, "upload: ./a to s3://b/a\n" + dry + "make_bucket: b\n", errorLines + refusals},
		"quiet":       {ui.AWSConfig{Quiet: true}, "", refusals},
		"only errors": {ui.AWSConfig{OnlyErrors: true}, dry + "make_bucket: b\n", errorLines + refusals},
	} {
		if stdout, stderr := awsRun(c.cfg); stdout != c.stdout || stderr != c.stderr {
			t.Errorf("%s:\n%q\n%q", name, stdout, stderr)
		}
	}
	if _, stderr := awsRun(ui.AWSConfig{Debug: true}); !strings.Contains(stderr, " - haul - DEBUG - account\n") {
		t.Errorf("with Debug:\n%s", stderr)
	}
}

// Progress ends in a carriage return, and what comes next covers it.
func TestAWSProgress(t *testing.T) {
	var out bytes.Buffer
	a := ui.NewAWS(ui.AWSConfig{Stdout: &out, Stderr: &out, Every: time.Millisecond})
	drawn := make(chan struct{})
	looks := 0
	look := func() haul.Progress {
		if looks++; looks == 2 { // the first one is written
			close(drawn)
		}
		return haul.Progress{Done: 11, Total: 2048}
	}
	a.Remaining(3, 1, false)
	failed := errors.New("failed")
	if err := a.During(look, func() error { <-drawn; return failed }); err != failed {
		t.Errorf("it gave %v", err)
	}
	a.Transferred(ui.Task{Verb: "upload", Source: "./a", Target: "s3://b/a"})
	line, rest, _ := strings.Cut(out.String(), "\r")
	if !strings.HasPrefix(line, "Completed 11 Bytes/~2.0 KiB (") || !strings.HasSuffix(line, "/s) with ~2 file(s) remaining (calculating...)") {
		t.Errorf("progress %q", line)
	}
	last := rest[strings.LastIndexByte(rest, '\r')+1:]
	if !strings.HasPrefix(last, "upload: ./a to s3://b/a   ") || len(last) < len("upload: ./a to s3://b/a\n")+20 {
		t.Errorf("the result does not cover it: %q", last)
	}
}
