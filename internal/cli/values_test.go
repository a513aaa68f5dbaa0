package cli

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"8388608": 8 << 20, "8MiB": 8 << 20, "8mib": 8 << 20, "8M": 8 << 20, "64MB": 64e6, "64 MB": 64e6, "1.5G": 3 << 29,
		"1GiB": 1 << 30, "2T": 2 << 40, "512k": 512 << 10, "10KB": 10000, "5b": 5, "0": 0,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1XB", "8 Mi", "1e3", "1..2", "9999999999T", "0x10", "1_000"} {
		if got, err := parseSize(text); command.ExitCode(err) != codeUsage {
			t.Errorf("parseSize(%q) = %d, %v; want a usage error", text, got, err)
		}
	}
}

func TestParseSpan(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 14 * day, "90s": 90 * time.Second, "5m": 5 * time.Minute, "5min": 5 * time.Minute, "1h30m": 90 * time.Minute,
		"1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "200ms": 200 * time.Millisecond, "7 d": 7 * day,
	} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7", "d", "-7d", "7y", "7d3", "999999999w"} {
		if got, err := parseSpan(text); command.ExitCode(err) != codeUsage {
			t.Errorf("parseSpan(%q) = %v, %v; want a usage error", text, got, err)
		}
	}
}

// FuzzValues: a value of any flag or argument is understood, or a usage error; nothing panics, no size or time is negative, and what
// was taken for an address of the store comes back as it was typed.
func FuzzValues(f *testing.F) {
	for _, text := range []string{
		"", "8MiB", "1.5G", "9e18", "1h30m", "2w", "s3://lab/x.bam", "s3://lab", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/lab/x",
		"https://lab.s3.amazonaws.com/a", "k=v,a=b", "k=v&a=b", "out/**:s3://lab/out/", "s3://lab/hg38/:ref/", "full=id=x,read=uri=y",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(what string, err error) {
			if err != nil && command.ExitCode(err) != codeUsage {
				t.Errorf("%s of %q: %v; want a usage error", what, text, err)
			}
		}
		n, err := parseSize(text)
		check("size", err)
		span, err := parseSpan(text)
		check("time", err)
		if n < 0 || span < 0 {
			t.Errorf("%q is %d bytes, %v", text, n, span)
		}
		at, err := parseLocation(text)
		check("location", err)
		if err == nil && at.Text != text {
			t.Errorf("%q became %q", text, at.Text)
		}
		for what, parse := range map[string]func() error{
			"metadata": func() error { _, err := command.ParseMetadata(text); return err },
			"tags":     func() error { _, err := command.ParseTags(text); return err },
			"grants":   func() error { _, err := command.ParseGrants([]string{text}); return err },
			"date":     func() error { _, err := command.ParseDate(text); return err },
			"bucket":   func() error { _, err := parseBucket(text); return err },
			"object":   func() error { _, err := parseObject(text); return err },
			"output":   func() error { _, err := parseOutput(text); return err },
			"stream":   func() error { _, err := parseStream(text); return err },
			"input":    func() error { _, err := parseInput(text, pretend{}); return err },
		} {
			var missing *command.MissingError
			if err := parse(); !errors.As(err, &missing) { // an input may be a file that is not there
				check(what, err)
			}
		}
	})
}

// The exit codes that tests of parsing expect.
const (
	codeUsage    = 2
	codeNotFound = 3
)

// TestHelpFitsAScreen: --help of every command has at most 50 lines of 100 columns, and --help-all names every flag.
func TestHelpFitsAScreen(t *testing.T) {
	a := &app{session: command.New(command.System{})}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			visit(c)
		}
		if !cmd.Runnable() {
			return
		}
		page := func(all bool) string {
			var b strings.Builder
			cmd.SetOut(&b)
			a.helpAll = all
			cmd.HelpFunc()(cmd, nil)
			return b.String()
		}
		lines := strings.Split(strings.TrimSpace(page(false)), "\n")
		if len(lines) > 50 {
			t.Errorf("%s --help has %d lines", cmd.CommandPath(), len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > helpColumns {
				t.Errorf("%s --help: too long: %s", cmd.CommandPath(), line)
			}
		}
		all := page(true)
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" && !strings.Contains(all, "--"+f.Name) {
				t.Errorf("%s --help-all does not name --%s", cmd.CommandPath(), f.Name)
			}
		})
	}
	visit(a.root())
}
