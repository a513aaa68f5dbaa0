package servers_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/lab/servers"
	"haul.example/haul/lab/wire"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
)

// faults are what a bad network does in the middle of a transfer that comes through in the end.
var faults = []struct {
	name    string
	fault   wire.Fault
	retries int // at least
}{
	{"part corrupted", wire.Fault{Way: wire.Corrupt, When: wire.PutPart, Side: wire.Up, After: 3 * mib}, 1},
	{"part cut", wire.Fault{Way: wire.Cut, When: wire.PutPart, Side: wire.Up, After: 2 * mib}, 1},
	{"part stalled", wire.Fault{Way: wire.Stall, When: wire.PutPart, Side: wire.Up, After: mib}, 1},
	{"answer to part lost", wire.Fault{Way: wire.LoseAnswer, When: wire.PutPart}, 1},
	{"answer to complete lost", wire.Fault{Way: wire.LoseAnswer, When: wire.Complete}, 0},
	{"parts refused", wire.Fault{Way: wire.SlowDown, When: wire.PutPart, Times: 6}, 6},
	{"complete refused", wire.Fault{Way: wire.SlowDown, When: wire.Complete}, 1},
	{"bytes corrupted", wire.Fault{Way: wire.Corrupt, When: wire.GetBytes, Side: wire.Down, After: 2 * mib}, 0},
	{"bytes cut", wire.Fault{Way: wire.Cut, When: wire.GetBytes, Side: wire.Down, After: 3 * mib}, 1},
	{"bytes stalled", wire.Fault{Way: wire.Stall, When: wire.GetBytes, Side: wire.Down, After: 3 * mib}, 1},
	{"bytes refused", wire.Fault{Way: wire.SlowDown, When: wire.GetBytes, Times: 6}, 6},
}

// TestBadWire moves a file up and down over a network that harms it once, on both servers.
func TestBadWire(t *testing.T) {
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO} {
		t.Run(string(kind), func(t *testing.T) {
			s := servers.Start(t, kind, false)
			bucket := s.Bucket(t)
			content := storetest.Generated(26*mib+9, 4)
			path := file(t, filepath.Join(t.TempDir(), "in"), content)
			for _, f := range faults {
				t.Run(f.name, func(t *testing.T) {
					c, p := overWire(t, s)
					p.Break(f.fault)
					ref, back := store.Ref{Bucket: bucket, Key: f.name}, filepath.Join(t.TempDir(), "out")
					up, err := c.Upload(t.Context(), path, ref, haul.UploadOptions{PartSize: 5 * mib})
					proved(t, s, "upload", up, err)
					down, err := c.Download(t.Context(), ref, back, haul.DownloadOptions{PartSize: 5 * mib})
					proved(t, s, "download", down, err)
					isFile(t, back, content)
					if up.Retries+down.Retries < f.retries {
						t.Errorf("%d retries up and %d down, want %d", up.Retries, down.Retries, f.retries)
					}
				})
			}
		})
	}
}

// TestRuinedWire lets every try of one part arrive wrong: the upload fails, says why, and tells what it leaves behind.
func TestRuinedWire(t *testing.T) {
	s := servers.Start(t, servers.MinIO, false)
	path := file(t, filepath.Join(t.TempDir(), "in"), storetest.Generated(20*mib, 4))
	c, p := overWire(t, s)
	p.Break(wire.Fault{Way: wire.Corrupt, After: 100, Times: 5, When: func(r *http.Request) bool {
		return wire.PutPart(r) && r.URL.Query().Get("partNumber") == "2"
	}})
	_, err := c.Upload(t.Context(), path, store.Ref{Bucket: s.Bucket(t), Key: "ruined"}, haul.UploadOptions{PartSize: 5 * mib})
	if store.KindOf(err) != store.Corrupt {
		t.Errorf("upload: %v", err)
	}
	var left *haul.IncompleteUploadError
	if !errors.As(err, &left) || !left.Resumable || left.Bytes == 0 {
		t.Errorf("upload: what is left behind is not told: %v", err)
	}
}

// overWire gives a client of a server behind a proxy; a connection that stalls is cut soon.
func overWire(t *testing.T, s *servers.Server) (*haul.Client, *wire.Proxy) {
	t.Helper()
	p := wire.Start(t, s.URL)
	s.Setenv(t)
	st, err := s3.Open(t.Context(), s3.Config{Endpoint: p.URL, StallTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client(t, st), p
}
