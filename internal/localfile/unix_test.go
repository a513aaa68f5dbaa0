//go:build unix

package localfile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"haul.example/haul/internal/localfile"
)

func TestSpecialFilesAreRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "haul") // a socket's path must be short
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	pipe, socket, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket"), filepath.Join(dir, "link")
	must(t, unix.Mkfifo(pipe, 0o600))
	l, err := net.Listen("unix", socket)
	must(t, err)
	defer l.Close()
	symlink(t, pipe, link)
	for path, says := range map[string]string{pipe: "a pipe", socket: "a socket", os.DevNull: "a device", link: "a pipe"} {
		_, err := localfile.OpenSource(path) // must not wait for a writer
		if !errors.Is(err, localfile.ErrNotRegular) || !strings.Contains(err.Error(), says) {
			t.Errorf("source %s: %v", path, err)
		}
		_, err = localfile.Create(path, 1)
		if !errors.Is(err, localfile.ErrNotRegular) || !strings.Contains(err.Error(), says) {
			t.Errorf("target %s: %v", path, err)
		}
	}
	if _, err := os.Lstat("/dev/stdout"); err == nil {
		if _, err := localfile.Create("/dev/stdout", 1); !errors.Is(err, localfile.ErrNotRegular) {
			t.Errorf("target /dev/stdout: %v", err)
		}
	}
	temp := filepath.Join(dir, localfile.TempName("f"))
	must(t, unix.Mkfifo(temp, 0o600))
	if _, err := localfile.Reopen(filepath.Join(dir, "f"), temp, 0); !errors.Is(err, localfile.ErrNotRegular) {
		t.Errorf("reopened a pipe: %v", err)
	}
}

func TestLinkAsTargetIsReplaced(t *testing.T) {
	dir := t.TempDir()
	precious, link := filepath.Join(dir, "precious"), filepath.Join(dir, "link")
	for _, there := range []bool{true, false} {
		if there {
			write(t, precious, []byte("precious"))
		}
		symlink(t, precious, link)
		w := create(t, link, []byte("new"))
		if err := w.Commit(time.Time{}, false); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a link was clobbered: %v", err)
		}
		must(t, w.Commit(time.Time{}, true))
		wantFile(t, link, "new")
		if there {
			wantFile(t, precious, "precious")
			must(t, os.Remove(precious))
		}
		must(t, os.Remove(link))
	}
	must(t, os.Mkdir(precious, 0o755))
	symlink(t, precious, link)
	if _, err := localfile.Create(link, 1); !errors.Is(err, localfile.ErrNotRegular) {
		t.Errorf("a link to a folder was taken: %v", err)
	}
}

func TestReopenRefusesForeignFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	temp := filepath.Join(dir, localfile.TempName("f"))
	write(t, temp, []byte("four"))
	must(t, os.Link(temp, filepath.Join(dir, "second")))
	if _, err := localfile.Reopen(path, temp, 4); err == nil || !strings.Contains(err.Error(), "second name") {
		t.Errorf("two names: %v", err)
	}
	must(t, os.Remove(filepath.Join(dir, "second")))
	if os.Geteuid() != 0 {
		t.Skip("only root can make another user's file")
	}
	must(t, os.Chown(temp, 12345, -1))
	if _, err := localfile.Reopen(path, temp, 4); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("foreign file: %v", err)
	}
	if err := localfile.RemoveTemp(path, temp); err == nil {
		t.Error("a foreign file was removed")
	}
}

func modeOf(t rapid.TB, path string) fs.FileMode {
	t.Helper()
	fi, err := os.Stat(path)
	must(t, err)
	return fi.Mode()
}

func TestModes(t *testing.T) {
	for _, tc := range []struct {
		umask int
		old   fs.FileMode // 0: there is none
		want  fs.FileMode
	}{
		{0o022, 0, 0o644},
		{0o002, 0, 0o664},
		{0o077, 0, 0o600},
		{0o777, 0, 0},
		{0o022, 0o640, 0o640},
		{0o077, 0o666, 0o666},
		{0o022, 0o400, 0o400},
		{0o022, 0o755 | fs.ModeSetuid, 0o755},
	} {
		for _, later := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "f")
			if tc.old != 0 {
				write(t, path, []byte("old"))
				must(t, os.Chmod(path, tc.old))
			}
			before := syscall.Umask(tc.umask)
			w, err := localfile.Create(path, 3)
			syscall.Umask(before)
			must(t, err)
			if got := modeOf(t, w.Temp()); got != 0o600 {
				t.Errorf("umask %03o, old %v: hidden file has %v", tc.umask, tc.old, got)
			}
			if later {
				must(t, w.Keep())
				w, err = localfile.Reopen(path, w.Temp(), 3)
				must(t, err)
			}
			before = syscall.Umask(tc.umask)
			err = w.Commit(time.Unix(1e9, 0), true)
			syscall.Umask(before)
			must(t, err)
			if got := modeOf(t, path); got != tc.want {
				t.Errorf("umask %03o, old %v, later run %t: mode %v, want %v", tc.umask, tc.old, later, got, tc.want)
			}
			wantEntries(t, filepath.Dir(path), "f")
		}
	}
}

func TestFoldersThatTakeNothing(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		mountTmpfs(t, dir, "size=1m,ro")
	} else {
		must(t, os.Chmod(dir, 0o500))
		t.Cleanup(func() { must(t, os.Chmod(dir, 0o700)) })
	}
	for _, path := range []string{filepath.Join(dir, "f"), filepath.Join(dir, "sub", "f")} {
		if _, err := localfile.Create(path, 1); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Create: %v", err)
		}
	}
	if _, err := localfile.NewSpool(dir, 1); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("NewSpool: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := t.TempDir()
	mountTmpfs(t, dir, "size=1m")
	_, err := localfile.Create(filepath.Join(dir, "f"), 2<<20)
	if !errors.Is(err, localfile.ErrNoSpace) || !strings.Contains(err.Error(), "2.0 MiB (2097152 bytes)") || !strings.Contains(err.Error(), "1.0 MiB (1048576 bytes) are free") {
		t.Errorf("Create: %v", err)
	}
	wantEntries(t, dir)
	if _, err := localfile.NewSpool(dir, 2<<20); !errors.Is(err, localfile.ErrNoSpace) {
		t.Errorf("NewSpool: %v", err)
	}
	wantEntries(t, dir)

	temp := filepath.Join(dir, localfile.TempName("f"))
	write(t, temp, nil)
	must(t, os.Truncate(temp, 8<<20)) // sparse: nothing was set aside
	w, err := localfile.Reopen(filepath.Join(dir, "f"), temp, 8<<20)
	must(t, err)
	n, err := w.WriteAt(make([]byte, 2<<20), 0)
	if !errors.Is(err, localfile.ErrNoSpace) || !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "0 bytes are free") || n == 2<<20 {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	must(t, w.Discard())
	wantEntries(t, dir)

	_, err = localfile.Create(filepath.Join(dir, "f"), 1<<20) // just fits, since the other is gone
	must(t, err)
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

// TestFileSizeLimit runs itself in a process that may write no file above 1 MiB.
func TestFileSizeLimit(t *testing.T) {
	if dir := os.Getenv("TEST_LIMITED_DIR"); dir != "" {
		must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}))
		_, err := localfile.Create(filepath.Join(dir, "f"), 2<<20)
		if err == nil || errors.Is(err, localfile.ErrNoSpace) || !strings.Contains(err.Error(), "ulimit -f") {
			t.Errorf("Create: %v", err)
		}
		wantEntries(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFileSizeLimit$")
	cmd.Env = append(os.Environ(), "TEST_LIMITED_DIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSpoolHasNoName(t *testing.T) {
	dir := t.TempDir()
	s, err := localfile.NewSpool(dir, 10)
	must(t, err)
	wantEntries(t, dir)
	must(t, s.Close())
}
