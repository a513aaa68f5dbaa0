package planfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"haul.example/haul/internal/planfile"
)

// TestLines reads back what was written, in order and by offset.
func TestLines(t *testing.T) {
	var b bytes.Buffer
	for i := range 3 {
		if err := planfile.WriteLine(&b, map[string]int{"n": i}); err != nil {
			t.Fatal(err)
		}
	}
	text := bytes.NewReader(b.Bytes())
	count := 0
	err := planfile.EachLine(text, func(n int, offset int64, line []byte) error {
		count++
		again, err := planfile.LineAt(text, offset)
		if want := fmt.Sprintf(`{"n":%d}`, n-1); err != nil || string(line) != want || string(again) != want+"\n" {
			t.Errorf("line %d is %s, and at its offset %s (%v)", n, line, again, err)
		}
		return nil
	})
	if err != nil || count != 3 {
		t.Errorf("%d lines, %v", count, err)
	}
}

// TestWrite leaves a file as it was if it cannot be written completely.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans", "a")
	write := func(text string, err error) error {
		return planfile.Write(path, true, func(w io.Writer) error {
			_, werr := io.WriteString(w, text)
			return errors.Join(werr, err)
		})
	}
	broken := errors.New("broken")
	if err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	if err := write("two", broken); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	text, err := os.ReadFile(path)
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || string(text) != "one" || len(names) > 0 {
		t.Errorf("the file has %q (%v), and beside it are %v", text, err, names)
	}
}

func TestChecks(t *testing.T) {
	for version, good := range map[int]bool{-1: false, 0: false, 1: true, 2: true, 3: false} {
		if err := planfile.CheckVersion(version, 2); (err == nil) != good {
			t.Errorf("version %d of 2: %v", version, err)
		}
	}
	if planfile.CheckStore("a", "a") != nil || !errors.Is(planfile.CheckStore("a", "b"), planfile.ErrPlan) {
		t.Error("a plan is good for its own store, and no other")
	}
}
