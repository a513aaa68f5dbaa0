package ui_test

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"haul.example/haul/internal/ui"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"runs/größe 日本.bam": "runs/größe 日本.bam",
		"a\nb":              `a\nb`,
		"\x1b[2Jx":          `\x1b[2Jx`,
		"a\r\u202eb":        `a\r\u202eb`,
		"\xff":              `\xff`,
		"\u009b2J":          `\u009b2J`,
	} {
		if got := ui.Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShortenKeepsBothEnds(t *testing.T) {
	for want, got := range map[string]string{
		"NA12878.bam": ui.Shorten("NA12878.bam", 11), "NA128…8.bam": ui.Shorten("NA12878-NA12878.bam", 11), "": ui.Shorten("NA12878.bam", 3),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "s"), rapid.IntRange(0, 40).Draw(t, "n")
		got := ui.Shorten(s, n)
		if ui.Width(got) > n || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("Shorten(%q, %d) = %q, %d columns", s, n, got, ui.Width(got))
		}
	})
}
