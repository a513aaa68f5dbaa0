// Package seqfile knows the files of the field: what a name says, which files belong together and in which order they should
// arrive, and whether a file is what its name says, and whole.
//
//	KindOf("x.bam") == BAM; RoleOf("x.bam.bai") == Index; DataOf("x.bai") has "x.bam"; Mate("x_R1_001.fastq.gz")
//	Watch: names in order of their bytes -> families, and what they lack
//	Check: a kind and an io.ReaderAt -> what is wrong with the content, by reading a few kilobytes of it
//
// What Check looks at is said by the SAM specification (BGZF 4.1, BAM 4.2, BAI 5.2), the CRAM specification (6 to 9), those of CSI,
// Tabix and VCF/BCF, and RFC 1952 (gzip). It is as strict as samtools quickcheck where that looks too.
//
// It does not promise that what passes is whole: of what lies between the beginning and the end nothing is read, and the end of a
// plain gzip file of over 4 MB tells little. Only a checksum of all bytes tells all.
package seqfile

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Kind is what a name says a file is.
type Kind string

// The kinds.
const (
	Other   Kind = ""
	BAM     Kind = "BAM"
	CRAM    Kind = "CRAM"
	BCF     Kind = "BCF"
	VCF     Kind = "VCF"
	VCFGz   Kind = "VCF.gz"
	FASTQ   Kind = "FASTQ"
	FASTQGz Kind = "FASTQ.gz"
	ORA     Kind = "FASTQ.ora" // compressed by DRAGEN
	FASTA   Kind = "FASTA"
	FASTAGz Kind = "FASTA.gz"
	Gzip    Kind = "gzip"
	SAM     Kind = "SAM"
	POD5    Kind = "POD5"
	SRA     Kind = "SRA"
	C4GH    Kind = "Crypt4GH"
	BAI     Kind = "BAI"
	CSI     Kind = "CSI"
	CRAI    Kind = "CRAI"
	TBI     Kind = "TBI"
	FAI     Kind = "FAI"
	GZI     Kind = "GZI"
	PBI     Kind = "PBI" // of PacBio's BAM
	Dict    Kind = "dict"
)

// suffixes tell the kind of a name; the first that fits counts.
var suffixes = []struct {
	end  string
	kind Kind
}{
	{".bam", BAM}, {".cram", CRAM}, {".bcf", BCF}, {".bcf.gz", BCF}, {".vcf", VCF}, {".gvcf", VCF},
	{".vcf.gz", VCFGz}, {".gvcf.gz", VCFGz}, {".vcf.bgz", VCFGz}, {".gvcf.bgz", VCFGz},
	{".sam", SAM}, {".pod5", POD5}, {".sra", SRA}, {".c4gh", C4GH}, {".fastq.ora", ORA}, {".fq.ora", ORA},
	{".fastq", FASTQ}, {".fq", FASTQ}, {".fastq.gz", FASTQGz}, {".fq.gz", FASTQGz},
	{".fa", FASTA}, {".fasta", FASTA}, {".fna", FASTA}, {".fa.gz", FASTAGz}, {".fasta.gz", FASTAGz}, {".fna.gz", FASTAGz},
	{".fa.bgz", FASTAGz}, {".fasta.bgz", FASTAGz}, {".gz", Gzip}, {".bgz", Gzip},
	{".bai", BAI}, {".csi", CSI}, {".crai", CRAI}, {".tbi", TBI}, {".fai", FAI}, {".gzi", GZI}, {".pbi", PBI}, {".dict", Dict},
}

// KindOf tells what a name says; upper and lower case are one.
func KindOf(name string) Kind {
	lower := strings.ToLower(path.Base(name))
	for _, s := range suffixes {
		if strings.HasSuffix(lower, s.end) && len(lower) > len(s.end) {
			return s.kind
		}
	}
	return Other
}

// Role is the place of a file in the order in which a family should arrive.
type Role int

// The roles, in that order.
const (
	Data     Role = iota
	Index         // of data; useless without it, and taken for stale where it is older
	Manifest      // of what data there is, with its sums
	Marker        // tells others that all is there
)

// Manifests and markers, by lower-case names and how they end. The markers are those that sequencers (Illumina, Element, PacBio,
// Oxford Nanopore), Hadoop and Snakemake write.
var (
	manifests = regexp.MustCompile(`^(?:(?:md5|sha1|sha256|sha512)(?:sums?|[-_.]?checksums?)?(?:\.txt|\.tsv)?|checksums?(?:\.txt|\.tsv)?|` +
		`manifest(?:\.txt|\.tsv|\.csv|\.json)?)$`)
	markers = regexp.MustCompile(`^(?:rtacomplete\.(?:txt|xml)|copycomplete\.txt|sequencecomplete\.txt|runcompletionstatus\.xml|` +
		`(?:basecalling|imageanalysis)_netcopy_complete.*\.txt|runuploaded\.json|final_summary_.*\.txt|_success)$`)
	manifestEnds = []string{".md5", ".md5sum", ".md5sums", ".sha1", ".sha256", ".sha256sum", ".sha256sums", ".sha512"}
	markerEnds   = []string{".done", ".transferdone"}
)

// RoleOf tells the role of a name. Names that differ only by case have one role.
func RoleOf(name string) Role {
	switch KindOf(name) {
	case BAI, CSI, CRAI, TBI, FAI, GZI, Dict:
		return Index
	case Other:
	default:
		return Data
	}
	lower := strings.ToLower(path.Base(name))
	ends := func(end string) bool { return strings.HasSuffix(lower, end) }
	switch {
	case slices.ContainsFunc(markerEnds, ends), markers.MatchString(lower):
		return Marker
	case slices.ContainsFunc(manifestEnds, ends), manifests.MatchString(lower):
		return Manifest
	}
	return Data
}

// DataOf gives the names of which an index may be, the likeliest first; nil where it is no index.
func DataOf(name string) []string {
	if RoleOf(name) != Index {
		return nil
	}
	kind := KindOf(name)
	stem := strings.TrimSuffix(name, path.Ext(name))
	if kind != Dict && KindOf(stem) != Other { // x.bam.bai
		return []string{stem}
	}
	var ends []string
	switch kind {
	case BAI:
		ends = []string{".bam", ".cram"}
	case CRAI:
		ends = []string{".cram"}
	case CSI:
		ends = []string{".bam", ".bcf", ".vcf.gz"}
	case TBI, FAI, GZI:
		return []string{stem}
	case Dict:
		if KindOf(stem) != Other {
			return []string{stem}
		}
		ends = []string{".fa", ".fasta", ".fna", ".fa.gz", ".fasta.gz", ".fna.gz"}
	}
	var all []string
	for _, end := range ends {
		all = append(all, stem+end)
	}
	return all
}

// IndexesOf gives the names that an index of a file may have; nil where it needs none. A dictionary is not among them: it names the
// sequences, and finds nothing.
func IndexesOf(name string) []string {
	stem := strings.TrimSuffix(name, path.Ext(name))
	switch KindOf(name) {
	case BAM:
		return []string{name + ".bai", stem + ".bai", name + ".csi", stem + ".csi"}
	case CRAM:
		return []string{name + ".crai", stem + ".crai"}
	case VCFGz:
		return []string{name + ".tbi", name + ".csi"}
	case BCF:
		return []string{name + ".csi", stem + ".csi"}
	case FASTA:
		return []string{name + ".fai"}
	case FASTAGz:
		return []string{name + ".fai", name + ".gzi"}
	}
	return nil
}

// Reads of pairs: x_R1_001.fastq.gz, x.R2.fq, x_I1_001.fastq.gz; x_1.fq.gz; x_R1_val_1.fq.gz, as Trim Galore has it.
var (
	letterRead = regexp.MustCompile(`^(.*[_.])([RrIi])([12])((?:[_.-].*)?)$`)
	numberRead = regexp.MustCompile(`^(.*[_.])()([12])()$`)
	trimmed    = regexp.MustCompile(`^(.*[_.][Rr]?)([12])(_val_)([12])$`)
)

// Mate gives the name of the other file of a pair of FASTQ files, and the read that this one is: R1, R2, I1 or I2. An empty mate
// says that the name is of no pair.
func Mate(name string) (mate, read string) {
	if kind := KindOf(name); kind != FASTQ && kind != FASTQGz {
		return "", ""
	}
	dir, base := path.Split(name)
	i := strings.LastIndex(strings.ToLower(base), ".f") // of .fastq and .fq
	stem, end := base[:i], base[i:]
	other := map[string]string{"1": "2", "2": "1"}
	if m := trimmed.FindStringSubmatch(stem); m != nil && m[2] == m[4] {
		return dir + m[1] + other[m[2]] + m[3] + other[m[4]] + end, "R" + m[2]
	}
	for _, pattern := range []*regexp.Regexp{letterRead, numberRead} {
		if m := pattern.FindStringSubmatch(stem); m != nil {
			letter := strings.ToUpper(m[2])
			if letter == "" {
				letter = "R"
			}
			return dir + m[1] + m[2] + other[m[3]] + m[4] + end, letter + m[3]
		}
	}
	return "", ""
}

// wants gives the names of which one should be beside a file; why says what one of them is. An I1 does without an I2.
func wants(name string) (any []string, why string) {
	switch mate, read := Mate(name); read {
	case "R1", "R2", "I2":
		return []string{mate}, string(read[0]) + map[byte]string{'1': "2", '2': "1"}[read[1]]
	}
	if RoleOf(name) == Index && KindOf(name) != Dict {
		return DataOf(name), dataWord
	}
	return IndexesOf(name), indexWord
}

const dataWord, indexWord = "data", "index"

// last is the greatest of names; "" where there is none.
func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return slices.Max(names)
}
