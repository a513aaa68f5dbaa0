package s3_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest/s3server"
)

// TestAllocations bounds what one request of the data costs in memory, whatever its size: nothing that grows with a part or
// a range may be allocated for it.
func TestAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates too")
	}
	for _, size := range []int{1 << 20, 16 << 20} {
		body := make([]byte, size)
		sum := checksum.Bytes(checksum.CRC64NVME, body)
		s := open(t, s3.Config{Endpoint: s3server.Canned(t, map[string][]byte{
			"PUT": fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nETag: \"0123456789abcdef0123456789abcdef\"\r\nX-Amz-Checksum-Crc64nvme: %s\r\n"+
				"X-Amz-Request-Id: 0123456789ABCDEF\r\nDate: Mon, 02 Feb 2026 10:00:00 GMT\r\nServer: canned\r\nContent-Length: 0\r\n\r\n", sum.Base64()),
			"GET": fmt.Appendf(nil, "HTTP/1.1 206 Partial Content\r\nETag: \"0123456789abcdef0123456789abcdef\"\r\nContent-Range: bytes 0-%d/%d\r\n"+
				"Content-Length: %d\r\nContent-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nLast-Modified: Mon, 02 Feb 2026 10:00:00 GMT\r\n"+
				"X-Amz-Request-Id: 0123456789ABCDEF\r\nDate: Mon, 02 Feb 2026 10:00:00 GMT\r\nServer: canned\r\n\r\n%s", size-1, 1<<40, size, body),
		})})
		up := store.Upload{Ref: ref, ID: "2~abcdefghijklmnopqrstuvwxyz0123456789", Scheme: checksum.Scheme{Algorithm: sum.Algorithm}}
		into := make([]byte, 1<<20)
		for name, tt := range map[string]struct {
			do            func() error
			allocs, bytes uint64 // at most
		}{
			"part": {func() error {
				_, err := s.PutPart(context.Background(), store.PutPartRequest{Upload: up, Number: 4711, Body: section(body), Sum: sum})
				return err
			}, 125, 9900},
			"part with a late sum": {func() error {
				_, err := s.PutPart(context.Background(), store.PutPartRequest{Upload: up, Number: 4711, Body: section(body), LateSum: func() checksum.Sum { return sum }})
				return err
			}, 138, 10200},
			"range": {func() error {
				b, err := s.Get(context.Background(), store.GetRequest{Ref: ref, IfMatch: "0123456789abcdef0123456789abcdef", Range: store.Range{Length: int64(size)}})
				if err != nil {
					return err
				}
				for err == nil {
					_, err = b.Read(into)
				}
				if err != io.EOF {
					return err
				}
				return b.Close()
			}, 118, 9850},
		} {
			allocs, bytes := allocated(t, tt.do)
			t.Logf("a %s of %d MiB: %d allocations, %d bytes", name, size>>20, allocs, bytes)
			if allocs > tt.allocs || bytes > tt.bytes {
				t.Errorf("a %s of %d MiB costs %d allocations of %d bytes together; at most are %d of %d", name, size>>20, allocs, bytes, tt.allocs, tt.bytes)
			}
		}
	}
}

// allocated returns what one call of f allocates, on average.
func allocated(t *testing.T, f func() error) (allocs, bytes uint64) {
	t.Helper()
	const runs = 100
	// A pool gives nothing back after a collection, nor on another processor.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	for i := range 10 + runs {
		if i == 10 {
			runtime.ReadMemStats(&before)
		}
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / runs, (after.TotalAlloc - before.TotalAlloc) / runs
}
