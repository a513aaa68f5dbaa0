package haul_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest/s3server"
)

// TestAllocations bounds what a small object costs in memory on its path through the whole engine and the S3 store. There
// may be a million of them.
func TestAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates too")
	}
	const size, tag = 64 << 10, "0123456789abcdef0123456789abcdef"
	body := random(size, 1)
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nETag: %q\r\nX-Amz-Checksum-Crc64nvme: %s\r\nX-Amz-Checksum-Type: FULL_OBJECT\r\n"+
		"Content-Type: application/octet-stream\r\nLast-Modified: Mon, 02 Feb 2026 10:00:00 GMT\r\nDate: Mon, 02 Feb 2026 10:00:00 GMT\r\n"+
		"X-Amz-Request-Id: 0123456789ABCDEF\r\nServer: canned\r\n", tag, checksum.Bytes(checksum.CRC64NVME, body).Base64())
	url := s3server.Canned(t, map[string][]byte{
		"PUT": fmt.Append(nil, head, "Content-Length: 0\r\n\r\n"),
		"GET": fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, size, body),
	})
	dir := t.TempDir()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	s, err := s3.Open(context.Background(), s3.Config{Endpoint: url})
	if err != nil {
		t.Fatal(err)
	}
	c := haul.New(s, haul.Options{StateDir: filepath.Join(dir, "state")})
	path := filepath.Join(dir, "small.vcf")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	listed := store.Object{Ref: object, Size: size, ETag: tag}
	for name, tt := range map[string]struct {
		do            func() (haul.Result, error)
		allocs, bytes uint64 // at most
	}{
		"up": {func() (haul.Result, error) { return c.Upload(context.Background(), path, object, haul.UploadOptions{}) }, 170, 15400},
		"down": {func() (haul.Result, error) {
			return c.Download(context.Background(), object, filepath.Join(dir, "back.vcf"), haul.DownloadOptions{Listed: &listed})
		}, 180, 16900},
	} {
		allocs, bytes := allocated(t, func() error {
			r, err := tt.do()
			if err == nil && !r.Proof.Verified {
				t.Errorf("%s: not proved: %+v", name, r)
			}
			return err
		})
		t.Logf("a small object %s: %d allocations, %d bytes", name, allocs, bytes)
		if allocs > tt.allocs || bytes > tt.bytes {
			t.Errorf("a small object %s costs %d allocations of %d bytes together; at most are %d of %d", name, allocs, bytes, tt.allocs, tt.bytes)
		}
	}
}

// allocated returns what one call of f allocates: the median of many. On a busy machine some take so long that the heartbeat comes into them.
func allocated(t *testing.T, f func() error) (allocs, bytes uint64) {
	t.Helper()
	const runs = 100
	// A pool gives nothing back after a collection, nor on another processor.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var all, sizes []uint64
	var before, after runtime.MemStats
	for i := range 10 + runs {
		runtime.ReadMemStats(&before)
		if err := f(); err != nil {
			t.Fatal(err)
		}
		if runtime.ReadMemStats(&after); i >= 10 {
			all, sizes = append(all, after.Mallocs-before.Mallocs), append(sizes, after.TotalAlloc-before.TotalAlloc)
		}
	}
	slices.Sort(all)
	slices.Sort(sizes)
	return all[runs/2], sizes[runs/2]
}
