package journal_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/internal/journal"
)

func TestList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	for range journal.List[header](dir) {
		t.Error("a folder that does not exist has records")
	}
	for _, name := range []string{"a", "b", "damaged"} {
		l := open(t, dir, name)
		must(t, l.Begin(header{Upload: name}))
		must(t, l.Append(entry{1, ""}))
		must(t, l.Close())
	}
	held, never := open(t, dir, "held"), open(t, dir, "never begun")
	must(t, held.Begin(header{Upload: "held"}))
	must(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("not ours"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "folder.jsonl"), 0o700))
	damage(t, dir, "damaged")

	var got []string
	failed := 0
	for h, err := range journal.List[header](dir) {
		if err != nil {
			if failed++; !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "damaged") {
				t.Error(err)
			}
			continue
		}
		got = append(got, h.Upload)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b", "held"}) || failed != 1 {
		t.Errorf("records %q and %d damaged ones", got, failed)
	}
	for range journal.List[header](dir) {
		break // must not continue
	}
	must(t, held.Append(entry{1, ""})) // still held
	must(t, held.Forget())
	must(t, never.Close())
}

// damage spoils the header of the record that mentions the word.
func damage(t *testing.T, dir, word string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	must(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(data), word) {
			continue
		}
		data[530] ^= 1
		must(t, os.WriteFile(f, data, 0o600))
		return
	}
	t.Fatalf("no record mentions %q", word)
}

func TestDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other variables count there")
	}
	home, state := t.TempDir(), t.TempDir()
	wd, err := os.Getwd()
	must(t, err)
	for _, tc := range []struct{ haul, xdg, home, want string }{
		{state, "/xdg", home, state},
		{"rel", "/xdg", home, filepath.Join(wd, "rel")},
		{"", "/xdg", home, "/xdg/haul"},
		{"", "rel", home, filepath.Join(home, ".local/state/haul")},
		{"", "", home, filepath.Join(home, ".local/state/haul")},
		{"", "/xdg", "", "/xdg/haul"},
		{"", "", "", ""},
	} {
		t.Setenv("HAUL_STATE_DIR", tc.haul)
		t.Setenv("XDG_STATE_HOME", tc.xdg)
		t.Setenv("HOME", tc.home)
		got, err := journal.Dir("")
		if got != tc.want || (err != nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), "HAUL_STATE_DIR")) {
			t.Errorf("Dir with %+v = %q, %v", tc, got, err)
		}
	}
	if got, err := journal.Dir("elsewhere"); got != "elsewhere" || err != nil {
		t.Errorf("Dir of a chosen one = %q, %v", got, err)
	}
}
