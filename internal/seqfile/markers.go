package seqfile

import (
	"path"
	"strings"
)

// markers are the names of marker files as path.Match has them, without regard to case: those that sequencers (Illumina, Element,
// PacBio, Oxford Nanopore) and what runs on them (BCL Convert, DRAGEN, MiSeq Reporter), Hadoop, Snakemake and scripts of labs write.
var markers = lowered(
	"RTAComplete.txt", "RTAComplete.xml", "RTARead[0-9]*Complete.txt", "RTARead[0-9]*Complete.xml", "RTAExited.txt",
	"CopyComplete.txt", "SequenceComplete.txt", "RunCompletionStatus.xml", "Secondary_Analysis_Complete.txt", "FastqComplete.txt",
	"CompletedJobInfo.xml", "Basecalling_Netcopy_complete*.txt", "ImageAnalysis_Netcopy_complete*.txt", "RunUploaded.json",
	"final_summary_*.txt", ".sync_finished", "*.transferdone", "_SUCCESS", "*.done",
)

func lowered(patterns ...string) []string {
	for i, p := range patterns {
		patterns[i] = strings.ToLower(p)
	}
	return patterns
}

// isMarker reports whether a lower-case base name is that of a marker.
func isMarker(name string) bool {
	for _, pattern := range markers {
		if ok, _ := path.Match(pattern, name); ok { // every pattern is well formed
			return true
		}
	}
	return false
}
