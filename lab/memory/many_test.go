package memory_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func count() int {
	if os.Getenv("HAUL_BIG") != "" {
		return 1_000_000
	}
	return 200_000
}

// TestManyObjects lists, counts and deletes many objects. What haul takes must not grow with their number.
func TestManyObjects(t *testing.T) {
	b := newBench(t)
	for i := range count() {
		b.memory.Make(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("runs/%03d/%06d.fastq.gz", i/1000, i)}, storetest.Generated(0, 0), storetest.Made{})
	}
	const most = 80 * mib
	for _, args := range [][]string{
		{"ls", "--recursive", "s3://bucket"}, {"ls", "--json", "--recursive", "s3://bucket/runs/"}, {"ls", "s3://bucket/runs/"},
		{"du", "--max-depth", "2", "s3://bucket"}, {"rm", "--recursive", "--dryrun", "s3://bucket"}, {"rm", "--recursive", "s3://bucket"},
	} {
		lines := &lineCount{}
		m := b.measured(nil, lines, args...)
		t.Logf("haul %v: %d lines, peak memory %d MiB, %s in all", args, lines.n, m.peak/mib, m.took.Round(time.Second/10))
		if m.peak > most {
			t.Errorf("haul %v: peak memory is %d MiB, over %d", args, m.peak/mib, most/mib)
		}
	}
	if left := b.memory.Keys(storetest.Bucket, ""); len(left) > 0 {
		t.Errorf("%d objects are left", len(left))
	}
}

// lineCount counts lines and forgets them.
type lineCount struct{ n int }

func (c *lineCount) Write(b []byte) (int, error) {
	for _, x := range b {
		if x == '\n' {
			c.n++
		}
	}
	return len(b), nil
}
