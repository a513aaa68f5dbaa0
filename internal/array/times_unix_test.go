//go:build unix

package array_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"haul.example/haul/mirror"
)

// TestTimesFarAway: the receipt has a file's time although nanoseconds in an int64 cannot hold it, also if the shard ran twice; and no
// time where none is known.
func TestTimesFarAway(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a", "big": random(300, 1)})
	at := time.Date(2400, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, name := range []string{"a", "big"} {
		path := filepath.Join(f.from.Path, name)
		spec := unix.Timespec{Sec: at.Unix(), Nsec: 6}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{spec, spec}, 0); err != nil {
			t.Fatal(err)
		}
		if fi, err := os.Stat(path); err != nil || !fi.ModTime().Equal(at) {
			t.Skip("the file system does not have such times: ", fi.ModTime(), err)
		}
	}
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.work(0); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := f.finish(); err != nil || !v.Proved {
		t.Fatalf("%+v, %v", v, err)
	}
	for target, r := range f.receipt() {
		if !r.Modified.Equal(at) {
			t.Errorf("%s is of %v, want %v", target, r.Modified, at)
		}
	}

	f = newFloor(t, mirror.Copying)
	f.put(map[string]string{"a": "a"})
	r := f.request(1)
	r.Options.Select.Pairs = func(yield func(mirror.Pair, error) bool) { yield(mirror.Pair{Source: "a"}, nil) }
	if _, err := f.make(r); err != nil {
		t.Fatal(err)
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	if v, err := f.finish(); err != nil || !v.Proved {
		t.Fatalf("%+v, %v", v, err)
	}
	for target, r := range f.receipt() {
		if r.Modified.Year() < 2000 {
			t.Errorf("%s is of %v", target, r.Modified)
		}
	}
}
