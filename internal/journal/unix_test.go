//go:build unix

package journal_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"haul.example/haul/internal/journal"
)

// TestKilledHolder has a second process hold the record, and kills it.
func TestKilledHolder(t *testing.T) {
	if dir := os.Getenv("TEST_HOLD_DIR"); dir != "" {
		hold(t, dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledHolder$")
	cmd.Env = append(os.Environ(), "TEST_HOLD_DIR="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	_, err = journal.Open[header, entry](dir, "n")
	var busy *journal.BusyError
	if !errors.As(err, &busy) || busy.PID != cmd.Process.Pid {
		t.Errorf("Open while process %d holds it: %v", cmd.Process.Pid, err)
	}
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Error("the holder ended by itself")
	}
	l := open(t, dir, "n")
	wantHeld(t, l, one, true, []entry{{1, "a"}, {2, "b"}})
	must(t, l.Forget())
}

func hold(t *testing.T, dir string) {
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	must(t, l.Append(entry{1, "a"}))
	must(t, l.Append(entry{2, "b"}))
	_, err := os.Stdout.WriteString("held\n")
	must(t, err)
	_, err = io.Copy(io.Discard, os.Stdin) // until killed, or the other end is gone
	must(t, err)
}

// If there are no locks another process may remove a record that is held, and start its own.
func TestForgetLeavesTheRecordOfAnother(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, "n")
	must(t, a.Begin(one))
	must(t, os.Remove(file(t, dir)))
	b := open(t, dir, "n")
	two := header{Upload: "two"}
	must(t, b.Begin(two))
	must(t, a.Append(entry{1, ""}))
	must(t, a.Forget())
	must(t, b.Close())
	b = open(t, dir, "n")
	wantHeld(t, b, two, true, nil)
	must(t, b.Close())
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	l := open(t, dir, "n")
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o700, file(t, dir): 0o600} {
		fi, err := os.Stat(path)
		must(t, err)
		if fi.Mode().Perm() != want {
			t.Errorf("%s has %v, want %v", path, fi.Mode(), want)
		}
	}
	must(t, l.Close())
}

func TestPlantedFiles(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, "n")
	path := file(t, dir)
	must(t, l.Close())
	precious := filepath.Join(t.TempDir(), "precious")
	must(t, os.WriteFile(precious, []byte("precious"), 0o600))
	for name, plant := range map[string]func() error{
		"link":          func() error { return os.Symlink(precious, path) },
		"dangling link": func() error { return os.Symlink(precious+"2", path) },
		"pipe":          func() error { return unix.Mkfifo(path, 0o600) }, // must not wait for its other end
	} {
		must(t, plant())
		_, err := journal.Open[header, entry](dir, "n")
		if err == nil {
			t.Errorf("a %s was opened", name)
		}
		wantUnusable(t, path, err)
		for _, err := range journal.List[header](dir) {
			t.Errorf("a %s was listed: %v", name, err)
		}
		must(t, os.Remove(path))
	}
	if b, err := os.ReadFile(precious); err != nil || string(b) != "precious" {
		t.Errorf("the file behind the link: %q, %v", b, err)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		mountTmpfs(t, dir, "ro")
	} else {
		must(t, os.Chmod(dir, 0o500))
		t.Cleanup(func() { must(t, os.Chmod(dir, 0o700)) })
	}
	for _, d := range []string{dir, filepath.Join(dir, "state")} {
		_, err := journal.Open[header, entry](d, "n")
		wantUnusable(t, d, err)
	}
}

func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := t.TempDir()
	mountTmpfs(t, dir, "size=64k")
	l := open(t, dir, "n")
	must(t, l.Begin(one))
	note := strings.Repeat("x", 3000)
	kept := []entry{}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		if err = l.Append(entry{i, note}); err == nil {
			kept = append(kept, entry{i, note})
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("Append on a full disk: %v", err)
	}
	for i := 0; l.Append(entry{-i, "s"}) == nil && i < 1000; i++ { // small ones may still fit in the last block
		kept = append(kept, entry{-i, "s"})
	}
	_, err = journal.Open[header, entry](dir, "other")
	wantUnusable(t, dir, err)
	wantRecords(t, dir, 1)

	must(t, l.Close())
	l = open(t, dir, "n")
	wantHeld(t, l, one, true, kept)
	must(t, l.Begin(one)) // makes room
	must(t, l.Append(entry{1, ""}))
	must(t, l.Close())
}

func mountTmpfs(t *testing.T, dir, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "none", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a tmpfs here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount %s: %v: %s", dir, err, out)
		}
	})
}
