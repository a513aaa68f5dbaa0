package digestlist

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"haul.example/haul/checksum"
)

// The words that names of columns are made of, in small letters.
var (
	digestWords = words("md5 sha1 sha256 sha512 crc32 crc32c crc64nvme checksum hash digest etag")
	// digestNoise are words about how a digest is written.
	digestNoise = words("sum sums value hex base64 b64 string")
	// notDigest are of columns about a digest or about its list.
	notDigest = words("type algorithm algo method status state verified match ok date time valid validation result id format")
	// afterDigest are of columns about the file with the digest: md5_file is one, and file_md5 is not.
	afterDigest    = words("file name path url uri link key http ftp")
	algorithmWords = words("algorithm algo type method")
	sizeWords      = words("size bytes byte nbytes length")
	notSize        = words("insert genome read reads fragment block part human cluster sample")
	// nameWords say that a column has names of files, the best ones first.
	nameWords = words("name file path key object location href link url uri s3 gs http https ftp galaxy aspera download full")
	// strongWords are those nameWords that are sufficient by themselves.
	strongWords = words("file path key object location href link url uri http https ftp galaxy aspera")
	// kindWords are kinds of files, after which columns with their names are called.
	kindWords = words(`fastq fastqs fq bam bai cram crai sam vcf gvcf bcf tbi csi bed bigwig bw fasta fa fai pod5 fast5 sra cel idat raw
		mzml h5 h5ad r1 r2 i1 i2 read1 read2 reads forward reverse archive`)
	// notName are of columns that are about a file, or about something else that has a name.
	notName = words(`id ids accession uuid guid did type format size bytes date time status state title category count version
		sample library project study donor run experiment assay center population description alias strategy instrument platform`)
	sealedWords = words("encrypted")
	plainWords  = words("unencrypted decrypted plain")
	idWords     = words("id ids uuid guid did accession object barcode")
)

func words(text string) []string { return strings.Fields(text) }

var (
	humps    = lazy(`(\p{Ll})(\p{Lu})`)
	shaWords = lazy(`sha_?(?:2_)?(1|224|256|384|512)`)
	// joined are words that are written as one; numbers after them are words of their own.
	joined  = lazy(`^(file|path|key|url|md5|sha1|sha256|sha512|check|hash|digest|fastq|fq|read|bam|name)?(names?|paths?|sizes?|sums?|checksums?|hash|digests?|urls?|uris?|keys?|files?)?([0-9]*)$`)
	plurals = map[string]string{"names": "name", "paths": "path", "sizes": "size", "sums": "sum", "checksums": "checksum", "urls": "url",
		"uris": "uri", "keys": "key", "files": "file", "hashes": "hash", "digests": "digest", "fullname": "full"}
)

// lazy gives a pattern that is compiled at its first use: most commands need none, and all would wait for it at their start.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// wordsOf splits the name of a column, or a key, into words.
func wordsOf(name string) []string {
	name = humps().ReplaceAllString(bare(strings.TrimLeft(bare(name), "#%;")), "${1}_${2}")
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, strings.ToLower(name))
	name = shaWords().ReplaceAllString(strings.ReplaceAll(name, "md_5", "md5"), "sha$1")
	name = strings.ReplaceAll(name, "check_sum", "checksum")
	var all []string
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '_' }) {
		all = append(all, unjoin(word)...)
	}
	return all
}

// unjoin splits a word such as filename2 into its words.
func unjoin(word string) []string {
	m := joined().FindStringSubmatch(word)
	if m == nil || m[1] == "" && m[2] == "" || m[1] == "read" && m[2] == "" || m[1] == "check" && m[2] == "" {
		return []string{word}
	}
	if m[1] == "check" && (m[2] == "sum" || m[2] == "sums") {
		m[1], m[2] = "", "checksum"
	}
	var all []string
	for _, w := range m[1:] {
		if w != "" {
			if one, ok := plurals[w]; ok {
				w = one
			}
			all = append(all, w)
		}
	}
	return all
}

func hasAny(all, some []string) bool {
	return slices.ContainsFunc(all, func(w string) bool { return slices.Contains(some, w) })
}

// without returns the words that are in none of the lists.
func without(all []string, lists ...[]string) []string {
	var left []string
	for _, w := range all {
		if !slices.ContainsFunc(lists, func(l []string) bool { return slices.Contains(l, w) }) {
			left = append(left, w)
		}
	}
	return left
}

// column is what the name of a column means.
type column struct {
	name  string
	words []string
	// digest, size and algorithm are roles; a column of none may have names of files.
	digest, size, algorithm bool
	strong                  bool // it has names of files
	weak                    bool // it may have them
	// of is the algorithm that a digest's column names.
	of checksum.Algorithm
	// stem are the words that say of what; about is the rest of the name as it is.
	stem, about   []string
	sealed, plain bool
	id            bool
	// other: it has digests of an algorithm that is not computed here.
	other bool
}

// columnOf parses a name; again counts the columns of the same name before it.
func columnOf(name string, again int) column {
	c := column{name: strings.TrimSpace(name), words: wordsOf(name)}
	w := c.words
	at := slices.IndexFunc(w, func(word string) bool { return slices.Contains(digestWords, word) || isOther(word) })
	c.algorithm = hasAny(w, algorithmWords) && (at >= 0 || len(w) == 1 && w[0] != "type" && w[0] != "method")
	c.digest = at >= 0 && !c.algorithm && !hasAny(w, notDigest) && !hasAny(w[at+1:], afterDigest)
	c.other = c.digest && isOther(w[at])
	c.digest = c.digest && !c.other
	c.sealed, c.plain, c.id = hasAny(w, sealedWords), hasAny(w, plainWords), hasAny(w, idWords)
	c.size = !c.digest && !c.algorithm && hasAny(w, sizeWords) && !hasAny(w, notSize)
	switch {
	case c.digest:
		for _, word := range w {
			if a := algorithmOf(word); a != checksum.None {
				c.of = a
			}
		}
		c.about = without(w, digestWords, digestNoise, sealedWords, plainWords)
		c.stem = without(c.about, nameWords)
	case c.size:
		c.about = without(w, sizeWords)
		c.stem = without(c.about, nameWords)
	default:
		c.about, c.stem = w, without(w, nameWords)
		fits := !c.algorithm && at < 0 && !hasAny(w, notName)
		c.strong = fits && (hasAny(w, strongWords) || hasAny(w, kindWords) || len(w) > 0 && len(c.stem) == 0)
		c.weak = fits && slices.Contains(w, "name")
	}
	if again > 0 {
		mark := "#" + string(rune('0'+again%10))
		c.stem, c.about = append(slices.Clone(c.stem), mark), append(slices.Clone(c.about), mark)
	}
	return c
}

// isOther reports words of digests that are not computed here; their columns are named as what they are.
func isOther(word string) bool {
	return len(word) > 3 && algorithmOf(word) == checksum.None && isAlgorithm(word)
}
