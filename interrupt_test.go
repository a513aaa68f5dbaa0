package haul_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store/storetest"
)

// slowly returns a client whose bytes take their time, and a new record of what is unfinished.
func slowly(t *testing.T, m *storetest.Memory, state string, rate int64) *haul.Client {
	t.Helper()
	return haul.New(m, haul.Options{Bandwidth: rate, StateDir: state})
}

// long returns n bytes, random as far as that is cheap.
func long(n int, seed uint64) []byte {
	some := random(1<<20+7, seed)
	return bytes.Repeat(some, n/len(some)+1)[:n]
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stopAfter returns a context that ends with a cause after a while.
func stopAfter(t *testing.T, d time.Duration, cause error) context.Context {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	timer := time.AfterFunc(d, func() { stop(cause) })
	t.Cleanup(func() {
		timer.Stop()
		stop(nil)
	})
	return ctx
}

// A limit is known from the start: at any moment only so many parts are on their way as it lets through in three seconds,
// and one. When a person stops the upload, those that are nearly there come to their end; on any other end they do not.
func TestWhatAnUploadKeeps(t *testing.T) {
	const mib = 1 << 20
	content := long(96*mib, 1)
	for _, c := range []struct {
		name  string
		rate  int64
		after time.Duration
		cause error
		least int64         // bytes that are kept
		most  time.Duration // that the end takes
	}{
		{"stopped", 10 * mib, 6 * time.Second, haul.ErrStop, 64 * mib, 3 * time.Second},
		{"stopped on a slower link", 2 * mib, 7 * time.Second, haul.ErrStop, 16 * mib, 3 * time.Second},
		{"ended by something else", 10 * mib, 6 * time.Second, errors.New("a reason"), 24 * mib, time.Second / 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := storetest.New()
				dir := t.TempDir()
				path := filepath.Join(dir, "x.bam")
				write(t, path, content)
				began := time.Now()
				_, err := slowly(t, m, filepath.Join(dir, "state"), c.rate).Upload(stopAfter(t, c.after, c.cause), path, object, haul.UploadOptions{})
				took := time.Since(began)
				var left *haul.IncompleteUploadError
				if !errors.As(err, &left) || !errors.Is(err, c.cause) || !left.Resumable {
					t.Fatalf("%v", err)
				}
				t.Logf("%d of %d bytes are kept after %v", left.Bytes, int64(float64(c.rate)*c.after.Seconds()), took)
				if left.Bytes < c.least || took > c.after+c.most+time.Second/10 {
					t.Error("too few, or too late")
				}
				r, err := slowly(t, m, filepath.Join(dir, "state"), 0).Upload(t.Context(), path, object, haul.UploadOptions{})
				if err != nil || r.Kept != left.Bytes || !bytes.Equal(m.Bytes(object), content) {
					t.Errorf("%v: kept %d of %d", err, r.Kept, left.Bytes)
				}
			})
		})
	}
}

// What has come of a range is kept, whatever ends the download.
func TestWhatADownloadKeeps(t *testing.T) {
	const mib = 1 << 20
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New()
		content := long(32*mib, 2)
		dir := t.TempDir()
		source := filepath.Join(dir, "x.bam")
		write(t, source, content)
		if _, err := slowly(t, m, filepath.Join(dir, "state"), 0).Upload(t.Context(), source, object, haul.UploadOptions{}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "y.bam")
		var total int64
		for n := range 3 {
			const rate, after = 1 * mib, 5 * time.Second
			_, err := slowly(t, m, filepath.Join(dir, "state"), rate).Download(stopAfter(t, after, errors.New("a reason")), object, path, haul.DownloadOptions{})
			var kept *haul.PartialFileError
			if !errors.As(err, &kept) {
				t.Fatal(err)
			}
			came := kept.Bytes - total
			if total = kept.Bytes; came < rate*4 { // less than a second of it is lost
				t.Errorf("run %d: %d bytes are kept of five seconds", n, came)
			}
		}
		r, err := slowly(t, m, filepath.Join(dir, "state"), 0).Download(t.Context(), object, path, haul.DownloadOptions{})
		if err != nil || r.Kept != total {
			t.Errorf("%v: kept %d of %d", err, r.Kept, total)
		}
	})
}
