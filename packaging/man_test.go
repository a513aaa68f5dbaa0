package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var testRelease = release{version: "1.2.3", commit: strings.Repeat("a1b2", 10), time: time.Date(2026, 11, 30, 20, 49, 0, 0, time.UTC)}

// TestManPages has groff and mandoc read every page. Neither may warn, but for lines that are longer than mandoc likes.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, m := range manPages(testRelease) {
		path := filepath.Join(dir, filepath.Base(m.path))
		if err := os.WriteFile(path, m.data, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, args := range [][]string{{"groff", "-man", "-Tutf8", "-ww", "-z"}, {"mandoc", "-Tlint", "-Wwarning"}} {
		t.Run(args[0], func(t *testing.T) {
			need(t, args[0])
			if out, err := exec.Command(args[0], append(args[1:], paths...)...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v: %v\n%s", args, err, out)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		need(t, "groff")
		out, err := exec.Command("groff", "-man", "-Tascii", "-P-cbou", filepath.Join(dir, "haul-cp.1")).Output()
		if err != nil {
			t.Fatal(err)
		}
		text := string(bytes.ReplaceAll(out, []byte("\n"), []byte(" ")))
		text = strings.Join(strings.Fields(text), " ")
		for _, want := range []string{
			"NAME haul-cp - Copy files or objects",
			"SYNOPSIS haul cp [flags] SOURCE TARGET DESCRIPTION haul cp copies",
			"haul cp FILE s3://BUCKET/KEY upload",
			"--part-size SIZE use parts of SIZE, such as 64MiB",
			"see haul(1)",
			"samtools view -b in.cram | haul cp - s3://lab/x.bam",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("haul-cp(1) does not have %q", want)
			}
		}
	})
}

// need skips the test if a program is not installed.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}
