package memory_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"haul.example/haul/internal/seqfile/seqtest"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestManyFamilies plans the download of many families, each with a manifest that has to wait for the end, and looks at them all.
// What haul takes must not grow with their number.
func TestManyFamilies(t *testing.T) {
	b := newBench(t)
	files := map[string][]byte{
		".bam": seqtest.BAM("chr1"), ".bam.bai": seqtest.BAI(1), ".bam.md5": []byte("x"), "_R1.fastq.gz": seqtest.Gzip("@x\nA\n+\nI\n"),
	}
	for i := range count() / 20 {
		for end, text := range files {
			b.memory.Make(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("runs/%03d/%06d%s", i/1000, i, end)}, bytes.NewReader(text), storetest.Made{})
		}
	}
	const most = 80 * mib
	for _, args := range [][]string{
		{"cp", "-r", "--dryrun", "s3://bucket/runs", filepath.Join(t.TempDir(), "down")}, {"quickcheck", "--verbose", "s3://bucket/runs"},
	} {
		lines := &lineCount{}
		m := b.measured(nil, lines, args...)
		t.Logf("haul %v: %d lines, peak memory %d MiB, %s in all", args, lines.n, m.peak/mib, m.took.Round(time.Second/10))
		if m.peak > most {
			t.Errorf("haul %v: peak memory is %d MiB, over %d", args, m.peak/mib, most/mib)
		}
	}
}
