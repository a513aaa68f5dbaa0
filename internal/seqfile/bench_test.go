package seqfile_test

import (
	"fmt"
	"testing"

	"haul.example/haul/internal/seqfile"
)

// BenchmarkWatch is what the names of an object cost in a run over many.
func BenchmarkWatch(b *testing.B) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("runs/%04d/sample_S%d_L001_R1_001.fastq.gz", i, i), fmt.Sprintf("runs/%04d/sample_S%d_L001_R2_001.fastq.gz", i, i))
	}
	for b.Loop() {
		w := seqfile.Watch{Report: func(seqfile.Gap) {}}
		for _, name := range names {
			w.Add(name)
		}
		w.End()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/name")
}

func BenchmarkRole(b *testing.B) {
	for b.Loop() {
		seqfile.RoleOf("runs/0042/sample_S1_L001_R1_001.fastq.gz")
	}
}
