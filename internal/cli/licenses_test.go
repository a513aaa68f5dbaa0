package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// legal matches the the names of files that must go with every copy of the program.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`)

// The licenses of what is linked, on any platform, are all in the binary.
func TestLicenses(t *testing.T) {
	texts := map[string][]string{} // text to the modules that have it
	add := func(module, dir string) {
		text := textOf(t, dir)
		if text == "" {
			t.Errorf("%s has no license file in %s", module, dir)
		}
		texts[text] = append(texts[text], module)
	}
	modules := linked(t)
	modules["Go's standard library and runtime"] = modules["golang.org/x/sys"] // the same text, which not every GOROOT has
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		add(path, modules[path])
	}
	byModule := func(a, b string) int { return strings.Compare(texts[a][0], texts[b][0]) }
	var all strings.Builder
	for _, text := range slices.SortedFunc(maps.Keys(texts), byModule) {
		fmt.Fprintf(&all, "%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(texts[text], "\n"), text)
	}
	if *update {
		if err := os.WriteFile("../command/licenses.txt", []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile("../command/licenses.txt"); err != nil || string(got) != all.String() {
		t.Error("internal/command/licenses.txt is not what the linked modules have; run: go test ./internal/cli -run TestLicenses -update")
	}
}

// linked returns the modules that are in the binary on any platform, with their folders.
func linked(t *testing.T) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-deps", "-json=Module", "../../cmd/haul")
		cmd.Env = append(os.Environ(), "GOOS="+goos)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", goos, err)
		}
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				Module *struct {
					Path, Dir string
					Main      bool
				}
			}
			if err := d.Decode(&p); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if m := p.Module; m != nil && !m.Main {
				modules[m.Path] = m.Dir
			}
		}
	}
	return modules
}

func textOf(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n")) + "\n\n")
	}
	return strings.TrimSpace(text.String())
}
