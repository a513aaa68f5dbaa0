package command

import (
	"testing"
)

func TestShownPaths(t *testing.T) {
	for path, want := range map[string]string{
		"x.bam": "./x.bam", "./x.bam": "./x.bam", "a/../x.bam": "./x.bam", "../x.bam": "../x.bam", "..": "..", ".": ".",
		"/data/x.bam": "/data/x.bam", "..x": "./..x",
	} {
		if got := shown(path); got != want {
			t.Errorf("shown(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"s3://lab/x-1_2.bam": "s3://lab/x-1_2.bam", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "~x": "'~x'", "a\nb": "'a\nb'",
	} {
		if got := ShellWord(word); got != want {
			t.Errorf("quote(%q) = %s, want %s", word, got, want)
		}
	}
}
