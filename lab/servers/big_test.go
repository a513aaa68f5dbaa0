package servers_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store/storetest"
)

// TestBig moves 5 GiB up and down on every server and compares all bytes. `make test-big` runs it.
func TestBig(t *testing.T) {
	if os.Getenv("HAUL_BIG") == "" {
		t.Skip("HAUL_BIG is not set; make test-big runs this")
	}
	const size = 5 << 30
	dir := t.TempDir()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	// The file, its parts at the server, the object while it is put together, the file that comes back.
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < 4*size+size/4 {
		t.Fatalf("%s has %d GiB free, and this needs 22: set TMPDIR to a larger place", dir, free>>30)
	}
	content := storetest.Generated(size, 5)
	path := file(t, filepath.Join(dir, "big.bam"), content)
	program := built.Haul(t)
	each(t, func(t *testing.T, s *servers.Server) {
		bucket, back := s.Bucket(t), filepath.Join(t.TempDir(), "back.bam")
		for _, args := range [][]string{
			{"cp", path, "s3://" + bucket + "/"},
			{"cp", "s3://" + bucket + "/big.bam", back},
		} {
			began := time.Now()
			out := run(t, s, nil, program, args...)
			t.Logf("%s\n%s", time.Since(began).Round(time.Second/10), strings.TrimSpace(out))
			if !strings.Contains(out, "verified: full-object CRC64NVME") {
				t.Error("this does not say that full-object CRC64NVME proved it")
			}
		}
		isFile(t, back, content)
		if p, err := peers[0].find(); err == nil {
			got := filepath.Join(t.TempDir(), "aws.bam")
			if err := os.Remove(back); err != nil {
				t.Fatal(err)
			}
			run(t, s, nil, p, peers[0].get(s, "s3://"+bucket+"/big.bam", got)...)
			isFile(t, got, content)
		}
	})
}
