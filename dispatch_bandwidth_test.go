package haul_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store/storetest"
)

// TestBandwidth: all transfers of a client together, up and down, large and small, keep to its limit within 5 %.
func TestBandwidth(t *testing.T) {
	const mib = 1 << 20
	for _, rate := range []int64{200_000, 4 * mib, 200_000_000} {
		synctest.Test(t, func(t *testing.T) {
			m := storetest.New()
			c := haul.New(m, haul.Options{Bandwidth: rate, StateDir: t.TempDir()})
			size := max(rate*3, 100_000)
			path := filepath.Join(t.TempDir(), "f")
			writeXs(t, path, size)
			began := time.Now()
			if _, err := c.Upload(t.Context(), path, object, haul.UploadOptions{}); err != nil {
				t.Fatal(err)
			}
			near(t, fmt.Sprintf("up at %d", rate), time.Since(began), 3*time.Second)
			began = time.Now()
			if _, err := c.Download(t.Context(), object, path+".again", haul.DownloadOptions{}); err != nil {
				t.Fatal(err)
			}
			near(t, fmt.Sprintf("down at %d", rate), time.Since(began), 3*time.Second)
		})
	}
}

// writeXs writes a file of x, of which only a little is in memory at a time.
func writeXs(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	some := bytes.Repeat([]byte("x"), 100_000)
	for left := size; left > 0; left -= int64(len(some)) {
		if _, err := f.Write(some[:min(left, int64(len(some)))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if ratio := got.Seconds() / want.Seconds(); ratio < 0.95 || ratio > 1.05 {
		t.Errorf("%s took %v, want %v", what, got, want)
	}
}
