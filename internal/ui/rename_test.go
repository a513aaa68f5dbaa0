package ui_test

import (
	"bytes"
	"testing"

	"haul.example/haul/internal/ui"
)

// TestRenames shows addresses in a bucket as they were typed, and no others.
func TestRenames(t *testing.T) {
	for text, want := range map[string]string{
		"upload: x to s3://lab/x":               "upload: x to mine:lab/x",
		"s3://lab":                              "mine:lab",
		"'s3://lab/a b' s3://lab/c":             "'mine:lab/a b' mine:lab/c",
		"s3://lab2/x s3://lab-x/y s3://lab.z/x": "s3://lab2/x s3://lab-x/y s3://lab.z/x",
		"s3://BUCKET/KEY":                       "s3://BUCKET/KEY",
	} {
		var out, log bytes.Buffer
		s := ui.New(ui.Config{Stdout: &out, Stderr: &out, Log: &log, Renames: []ui.Rename{{Bucket: "lab", Store: "mine"}}})
		s.Result(text)
		if out.String() != want+"\n" || log.Len() > 0 {
			t.Errorf("%q became %q, and %q in the log", text, out.String(), log.String())
		}
	}
}
