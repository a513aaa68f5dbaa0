// Package seqfile knows the file formats of sequencing: what a name says, which files belong together and in which order
// they should arrive, and whether a file is what its name says, and complete.
//
//	KindOf("x.bam") == BAM; RoleOf("x.bam.bai") == Index; DataOf("x.bai") has "x.bam"; Mate("x_R1_001.fastq.gz")
//	Watch: names in order of their bytes -> companion files, and which are missing
//	Check: a kind and an io.ReaderAt -> what is wrong with the content, by reading a few kilobytes of it
//
// What Check looks at is defined by the SAM specification (BGZF 4.1, BAM 4.2, BAI 5.2), the CRAM specification (6 to 9),
// those of CSI, Tabix and VCF/BCF, and RFC 1952 (gzip). It is as strict as samtools quickcheck where that looks too.
//
// It does not promise that a file that passes is complete: nothing between the beginning and the end is read, and the end
// of a plain gzip file of over 4 MB says little. Only a checksum of all bytes is proof.
package seqfile

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Kind is the kind of a file by its name.
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

// suffixes give the kind of a name; the first that fits counts.
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

// KindOf returns the kind of a name, ignoring case.
func KindOf(name string) Kind {
	lower := strings.ToLower(path.Base(name))
	for _, s := range suffixes {
		if strings.HasSuffix(lower, s.end) && len(lower) > len(s.end) {
			return s.kind
		}
	}
	return Other
}

// Role is the place of a file in the order in which companion files should arrive.
type Role int

// The roles, in that order.
const (
	Data     Role = iota
	Index         // of data; useless without it, and considered stale if it is older
	Manifest      // of what data there is, with its sums
	Marker        // signals that all is there
)

// RoleOf returns the role of a name, ignoring case.
func RoleOf(name string) Role {
	switch KindOf(name) {
	case BAI, CSI, CRAI, TBI, FAI, GZI, PBI, Dict:
		return Index
	case Other:
	default:
		return Data
	}
	lower := strings.ToLower(path.Base(name))
	switch {
	case isMarker(lower):
		return Marker
	case IsDigestList(lower):
		return Manifest
	}
	return Data
}

// DataOf returns the names of the data that an index may belong to, the likeliest first; nil if it is not an index.
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
	case PBI:
		ends = []string{".bam"}
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

// IndexesOf returns the names that an index of a file may have; nil if it needs none. A dictionary is not among them: it
// names the sequences, and finds nothing.
func IndexesOf(name string) []string {
	stem := strings.TrimSuffix(name, path.Ext(name))
	switch KindOf(name) {
	case BAM:
		return []string{name + ".bai", stem + ".bai", name + ".csi", stem + ".csi", name + ".pbi"}
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

// Reads of pairs: x_R1_001.fastq.gz, x.R2.fq, x_I1_001.fastq.gz, x_read1.fq; x_1.fq.gz; x_R1_val_1.fq.gz, as Trim Galore
// has it; x_forward.fq, forward.fastq.gz.
var (
	letterRead = lazy(`^(.*[_.])([RrIi]|[Rr]ead|READ)([12])((?:[_.-].*)?)$`)
	numberRead = lazy(`^(.*[_.])()([12])()$`)
	trimmed    = lazy(`^(.*[_.][Rr]?)([12])(_val_)([12])$`)
	wordRead   = lazy(`^((?:.*[_.-])?)(forward|reverse|Forward|Reverse|FORWARD|REVERSE)((?:[_.-].*)?)$`)
	// counted are numbers of something else: replicates, time points, pieces of one file.
	counted = lazy(`(?i)(?:^|[_.-])(?:bio|tech)?(?:rep|replicate|day|week|hour|timepoint|chunk|part|lane|batch|barcode)[_.]$`)
	// series are names that differ by a number: chunks of Oxford Nanopore begin at 0.
	series = lazy(`^(.*[_.])([0-9]+)$`)
)

// lazy gives a pattern that is compiled at its first use: most commands need none, and all would wait for it at their start.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var otherRead = map[string]string{
	"1": "2", "2": "1", "forward": "reverse", "reverse": "forward", "Forward": "Reverse", "Reverse": "Forward", "FORWARD": "REVERSE", "REVERSE": "FORWARD",
}

// cutFASTQ splits a name of FASTQ into its folder, its stem and its end.
func splitFASTQ(name string) (dir, stem, end string, ok bool) {
	switch KindOf(name) {
	case FASTQ, FASTQGz, ORA:
	default:
		return "", "", "", false
	}
	dir, base := path.Split(name)
	i := strings.LastIndex(strings.ToLower(base), ".f") // of .fastq and .fq
	return dir, base[:i], base[i:], true
}

// Mate returns the name of the other file of a pair of FASTQ files, and the read that this one is: R1, R2, I1 or I2. An
// empty mate says that the name does not belong to a pair.
func Mate(name string) (mate, read string) {
	dir, stem, end, ok := splitFASTQ(name)
	if !ok {
		return "", ""
	}
	if m := trimmed().FindStringSubmatch(stem); m != nil && m[2] == m[4] {
		return dir + m[1] + otherRead[m[2]] + m[3] + otherRead[m[4]] + end, "R" + m[2]
	}
	for _, pattern := range []func() *regexp.Regexp{letterRead, numberRead} {
		if m := pattern().FindStringSubmatch(stem); m != nil {
			letter := "R"
			if strings.EqualFold(m[2], "i") {
				letter = "I"
			}
			if m[2] == "" && counted().MatchString(m[1]) {
				return "", ""
			}
			return dir + m[1] + m[2] + otherRead[m[3]] + m[4] + end, letter + m[3]
		}
	}
	if m := wordRead().FindStringSubmatch(stem); m != nil {
		read = "R1"
		if strings.EqualFold(m[2], "reverse") {
			read = "R2"
		}
		return dir + m[1] + otherRead[m[2]] + m[3] + end, read
	}
	return "", ""
}

// Series returns names that, if one of them exists, show that a number at the end of a name of FASTQ counts files, and is
// not that of a read: x_0.fq and x_3.fq of x_1.fq. There are none if the number cannot be that of a read.
func Series(name string) []string {
	key, n, ok := seriesOf(name)
	if _, read := Mate(name); !ok || read == "" || n != "1" && n != "2" {
		return nil
	}
	return []string{key.stem + "0" + key.end, key.stem + "3" + key.end}
}

// seriesKey is what names of a series have in common.
type seriesKey struct{ stem, end string }

// seriesOf splits a name of FASTQ that ends in a number.
func seriesOf(name string) (key seriesKey, n string, ok bool) {
	dir, stem, end, ok := splitFASTQ(name)
	if !ok {
		return key, "", false
	}
	m := series().FindStringSubmatch(stem)
	if m == nil || trimmed().MatchString(stem) || letterRead().MatchString(stem) || wordRead().MatchString(stem) {
		return key, "", false
	}
	return seriesKey{dir + m[1], end}, m[2], true
}

// wants returns the names of which one should be beside a file; why says what one of them is.
func wants(name string) (any []string, why string) {
	if mate, read := Mate(name); read != "" {
		return []string{mate}, string(read[0]) + otherRead[read[1:]]
	}
	if RoleOf(name) == Index && KindOf(name) != Dict {
		return DataOf(name), dataWord
	}
	return IndexesOf(name), indexWord
}

const dataWord, indexWord = "data", "index"

// last is the greatest of names; "" if there is none.
func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return slices.Max(names)
}
