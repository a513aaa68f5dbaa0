package memory_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// TestManyVerified verifies many files against their objects, with a report. What haul takes must not grow with their
// number, and objects whose ETag is an MD5 must cost no request each.
func TestManyVerified(t *testing.T) {
	memory := storetest.New(storetest.For(t))
	b := &bench{T: t, memory: memory, server: s3server.Serve(t, memory)}
	n := count() / 10
	text := bytes.Repeat([]byte("ACGT"), 1024)
	dir := t.TempDir()
	for i := range n {
		name := fmt.Sprintf("%03d/%06d.fastq.gz", i/1000, i)
		b.memory.Make(store.Ref{Bucket: storetest.Bucket, Key: "run/" + name}, bytes.NewReader(text), storetest.Made{})
		path := filepath.Join(dir, name)
		if i%1000 == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const most = 80 * mib
	report := filepath.Join(t.TempDir(), "report.html")
	before := b.server.Counts()
	lines := &lineCount{}
	m := b.measured(nil, lines, "verify", "--report", report, dir, "s3://bucket/run")
	after := b.server.Counts()
	heads, pages := after[storetest.Head].Calls-before[storetest.Head].Calls, after[storetest.List].Calls-before[storetest.List].Calls
	t.Logf("%d files: %d lines, peak memory %d MiB, %s in all, %d HEAD, %d pages", n, lines.n, m.peak/mib, m.took.Round(time.Second/10), heads, pages)
	if m.peak > most {
		t.Errorf("peak memory is %d MiB, over %d", m.peak/mib, most/mib)
	}
	if heads > 1 { // whether s3://bucket/run is an object
		t.Errorf("%d HEAD", heads)
	}
	if lines.n < n {
		t.Errorf("%d lines", lines.n)
	}
	if fi, err := os.Stat(report); err != nil || fi.Size() < int64(n)*100 {
		t.Errorf("the report: %v", err)
	}
}
