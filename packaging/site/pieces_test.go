package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"haul.example/haul/internal/cli"
)

func TestSlugs(t *testing.T) {
	s := slugs{}
	for _, c := range [][2]string{
		{"What was verified?", "what-was-verified"},
		{"The engine (root package)", "the-engine-root-package"},
		{"64 cores and 100 Gb/s, on paper (not measured)", "64-cores-and-100-gbs-on-paper-not-measured"},
		{"--delete", "--delete"},
		{"`haul run`", "haul-run"},
		{"What was verified?", "what-was-verified-1"},
	} {
		if got := string(s.Generate([]byte(c[0]), 0)); got != c[1] {
			t.Errorf("%q: %q, not %q", c[0], got, c[1])
		}
	}
}

func TestBarOf(t *testing.T) {
	for _, c := range []struct {
		cell string
		want bar
		ok   bool
	}{
		{"1.02 (0.99–2.65)", bar{shown: "1.02", value: 1.02, least: 0.99, most: 2.65}, true},
		{"0.48 / 23", bar{shown: "0.48", value: 0.48}, true},
		{"mc 1.40", bar{shown: "1.40", value: 1.40}, true},
		{"s5cmd 8.2", bar{shown: "8.2", value: 8.2}, true},
		{"106 %", bar{shown: "106", value: 106}, true},
		{"+0.05 %", bar{shown: "0.05", value: 0.05}, true},
		{"2,995,147", bar{shown: "2,995,147", value: 2995147}, true},
		{"–", bar{}, false},
		{"", bar{}, false},
		{"no", bar{}, false},
	} {
		if got, ok := barOf("", c.cell); got != c.want || ok != c.ok {
			t.Errorf("%q: %+v, %v", c.cell, got, ok)
		}
	}
}

func TestChapters(t *testing.T) {
	all := []castLine{{0, "a title"}, {1, "1.  One"}, {2, "   text"}, {3, ""}, {4, "2.  Two"}, {5, ""}, {6, "3.  Three"}}
	for which, want := range map[string]string{"1-1": "1.  One,   text", "1-2": "1.  One,   text,,2.  Two", "2-3": "2.  Two,,3.  Three"} {
		lines, err := chapters(all, which)
		var got []string
		for _, l := range lines {
			got = append(got, l.text)
		}
		if strings.Join(got, ",") != want || err != nil {
			t.Errorf("%s: %q, %v", which, got, err)
		}
	}
	for _, which := range []string{"", "4-5", "1"} {
		if _, err := chapters(all, which); err == nil {
			t.Errorf("%q is not an error", which)
		}
	}
}

func TestWrap(t *testing.T) {
	long := "     | " + strings.Repeat("word ", 30) + "end"
	rows := wrap(long)
	if len(rows) != 2 || !strings.HasPrefix(rows[1], "     |   ") || len(rows[0]) > castColumns {
		t.Errorf("%q", rows)
	}
	if rows := wrap(strings.Repeat("x", 200)); len(rows) != 1 {
		t.Errorf("%q", rows)
	}
}

// command finds haul and its words in a line of a shell, up to what ends a command.
var command = regexp.MustCompile(`(?:^|[\s(;|])haul ((?:[^|;&#)]|\)\S)+)`)

// TestCommands: all commands and flags in the code of documents are those of haul.
func TestCommands(t *testing.T) {
	flags := map[string][]string{}
	pages := cli.Pages()
	for _, c := range pages {
		for _, g := range slices.Concat(pages[0].Groups, c.Groups) {
			for _, f := range g.Flags {
				flags[c.Path] = append(flags[c.Path], regexp.MustCompile(`--?[\w-]+`).FindAllString(f.Form, -1)...)
			}
		}
		flags[c.Path] = append(flags[c.Path], "--help", "--help-all", "-h", "--version")
	}
	s, err := read(checkout)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range s.pages {
		if p.source == "" || p.source == "CHANGELOG.md" || p.source == commandsSource {
			continue
		}
		for _, code := range regexp.MustCompile(`(?s)<code>(.*?)</code>`).FindAllStringSubmatch(string(p.body), -1) {
			text := strings.NewReplacer("\\\n", " ", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").
				Replace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(code[1], ""))
			for line := range strings.Lines(text) {
				for _, m := range command.FindAllStringSubmatch(line, -1) {
					n += checkCommand(t, p.source, strings.Fields(m[1]), flags)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d commands were found", n)
	}
}

// checkCommand returns 1 if words are those of a command of haul.
func checkCommand(t *testing.T, source string, words []string, flags map[string][]string) int {
	t.Helper()
	name := "haul"
	for len(words) > 0 && flags[name+" "+words[0]] != nil {
		name += " " + words[0]
		words = words[1:]
	}
	if name == "haul" || name == "haul aws" || name == "haul s5cmd" { // prose, or the words of another program
		return 0
	}
	for _, w := range words {
		if w == "--" {
			break
		}
		if f, _, _ := strings.Cut(w, "="); regexp.MustCompile(`^--?[a-z][\w-]*$`).MatchString(f) && !slices.Contains(flags[name], f) {
			t.Errorf("%s: %s has no flag %s", source, name, f)
		}
	}
	return 1
}

// TestOwnHeadings: the lists of contents in documents, which the site leaves out, lead to headings.
func TestOwnHeadings(t *testing.T) {
	s, err := read(checkout)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.pages {
		if p.source == "" || p.source == commandsSource {
			continue
		}
		text, err := os.ReadFile(filepath.Join(checkout, p.source))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if !slices.ContainsFunc(p.sections, func(c section) bool { return c.ID == m[1] }) {
				t.Errorf("%s has no heading for #%s", p.source, m[1])
			}
		}
	}
}

// TestContrast: text has the contrast that WCAG 2 asks for (AA, 4.5 to 1), in light and dark.
func TestContrast(t *testing.T) {
	css, err := assets.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(string(css), "@media screen and (prefers-color-scheme: dark)")
	dark, _, _ := strings.Cut(rest, "\n}")
	for name, block := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([\w-]+): (#[0-9a-f]+);`).FindAllStringSubmatch(block, -1) {
			colors[m[1]] = luminance(t, m[2])
		}
		pairs := [][2]string{{"text", "back"}, {"text", "raised"}, {"muted", "back"}, {"muted", "raised"}, {"link", "back"}, {"link", "raised"}, {"text", "mark"},
			{"term-text", "term-back"}, {"term-muted", "term-back"}, {"term-command", "term-back"}}
		for i := range 5 {
			pairs = append(pairs, [2]string{"shade-text", "shade-" + strconv.Itoa(i)})
		}
		for _, p := range pairs {
			a, b := colors[p[0]], colors[p[1]]
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 || a == 0 && b == 0 {
				t.Errorf("%s: %s on %s has a contrast of %.1f", name, p[0], p[1], ratio)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2 of #rgb or #rrggbb.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	digits := color[1:]
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
