package seqfile

import (
	"regexp"
	"slices"
	"strings"
)

// Markers, by lower-case names and how they end: those that sequencers (Illumina, Element, PacBio,
// Oxford Nanopore) and what runs on them (BCL Convert, DRAGEN, MiSeq Reporter), Hadoop, Snakemake and scripts of labs write.
var (
	markers = regexp.MustCompile(`^(?:rta(?:read\d+)?complete\.(?:txt|xml)|rtaexited\.txt|copycomplete\.txt|sequencecomplete\.txt|runcompletionstatus\.xml|` +
		`secondary_analysis_complete\.txt|fastqcomplete\.txt|completedjobinfo\.xml|\.sync_finished|` +
		`(?:basecalling|imageanalysis)_netcopy_complete.*\.txt|runuploaded\.json|final_summary_.*\.txt|_success)$`)
	markerEnds = []string{".done", ".transferdone"}
)

// isMarker reports whether a lower-case base name is that of a marker.
func isMarker(name string) bool {
	return markers.MatchString(name) || slices.ContainsFunc(markerEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}
