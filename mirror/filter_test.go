package mirror_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/mirror"
)

// TestFilterIsFnmatch compares with a table: each line of it has a pattern and which of the names of the last line it
// matches, as fnmatch.fnmatchcase of Python 3.11 says.
func TestFilterIsFnmatch(t *testing.T) {
	f, err := os.Open("testdata/fnmatch.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		var line []string
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	names := lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		var filter mirror.Filter
		filter.Exclude(line[0])
		for _, name := range names {
			if got, want := !filter.Wants("", name), slices.Contains(line[1:], name); got != want {
				t.Errorf("%q matches %q: %v, want %v", line[0], name, got, want)
			}
		}
	}
}

func TestLastMatchWins(t *testing.T) {
	for _, c := range []struct{ rules, wants, not string }{
		{"", "a.txt d/b.gz", ""},
		{"-*", "", "a.txt d/b.gz"},
		{"-* +*.txt", "a.txt d/c.txt", "d/b.gz"},
		{"+*.txt -*", "", "a.txt d/c.txt"},
		{"-*.txt +d/*", "d/c.txt b.gz", "a.txt"},
		{"-d/* +*/c.txt -d/c*", "a.txt", "d/c.txt d/e/f"},
		{"-/root/d/*", "a.txt", "d/c.txt d/e/f"},
		{"-/root/a.txt +a*", "a.txt", ""},
		{"-/elsewhere/*", "a.txt d/c.txt", ""},
		{"-./a.txt -d", "a.txt d/c.txt", ""},
		{"-[", "a.txt", "["},
	} {
		var f mirror.Filter
		for _, r := range strings.Fields(c.rules) {
			if r[0] == '-' {
				f.Exclude(r[1:])
			} else {
				f.Include(r[1:])
			}
		}
		for _, name := range strings.Fields(c.wants) {
			if !f.Wants("/root", name) {
				t.Errorf("%q: %s is left out", c.rules, name)
			}
		}
		for _, name := range strings.Fields(c.not) {
			if f.Wants("/root", name) {
				t.Errorf("%q: %s is taken in", c.rules, name)
			}
		}
		if f.Empty() != (c.rules == "") {
			t.Errorf("%q: Empty is %v", c.rules, f.Empty())
		}
	}
	var f mirror.Filter
	f.Exclude("/*")
	if !f.Wants("", "x") {
		t.Error("a pattern of local paths left out an object")
	}
}

// TestFilterTakesItsTime: a pattern of many stars ends soon.
func TestFilterTakesItsTime(t *testing.T) {
	var f mirror.Filter
	f.Exclude(strings.Repeat("*a", 100) + "b")
	if !f.Wants("", strings.Repeat("a", 5000)) {
		t.Error("it matched")
	}
}
