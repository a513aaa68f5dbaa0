package digestlist_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/internal/digestlist"
)

// said returns what a list says, a line for each entry or fault.
func said(text string) []string {
	entries, err := digestlist.Read(strings.NewReader(text))
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	var all []string
	for e, err := range entries {
		if bad := new(digestlist.LineError); errors.As(err, &bad) {
			all = append(all, strings.TrimSpace(fmt.Sprintf("bad %s: %v", bad.Name, err)))
			continue
		}
		if err != nil {
			return append(all, "broken off: "+err.Error())
		}
		line := fmt.Sprintf("%q", e.Name)
		if e.Size >= 0 {
			line += fmt.Sprintf(" %d bytes", e.Size)
		}
		for _, s := range e.Sums {
			line += fmt.Sprintf(" %s %s", s.Algorithm, s.Hex())
		}
		if e.Group > 0 {
			line += fmt.Sprintf(" group %d", e.Group)
		}
		if e.Sealed {
			line += " encrypted"
		}
		all = append(all, line)
	}
	return all
}

// Every form as it is found in the wild says what testdata/golden.txt has.
func TestForms(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "forms", "*"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	var got strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "== %s\n%s\n", filepath.Base(path), strings.Join(said(string(text)), "\n"))
	}
	want, err := os.ReadFile(filepath.Join("testdata", "golden.txt"))
	if err != nil {
		t.Error(err)
	}
	if got.String() == string(want) {
		return
	}
	fresh := filepath.Join(t.ArtifactDir(), "golden.txt")
	if err := os.WriteFile(fresh, []byte(got.String()), 0o666); err != nil {
		t.Error(err)
	}
	a, b := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			t.Fatalf("line %d: got %s (see %s)", i+1, a[i], fresh)
		}
	}
}
