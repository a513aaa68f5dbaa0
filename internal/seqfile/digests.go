package seqfile

import (
	"path"
)

// Names of lists of digests, as providers, archives and tools have them.
var (
	// digestBeside is the name of a file with the digest of the one that it is beside, as x.bam.md5sum is of x.bam.
	digestBeside = lazy(`(?is)^(.*[^/])\.(?:(?:md5|sha1|sha256|sha512)(?:sums?)?|crc64nvme)(?:\.txt)?$`)
	// digestList is the name of a list of the digests of many files: md5sum.txt, md5checksums.txt (NCBI), checksum_md5.tsv,
	// CHECKSUMS, md5list.txt, manifest-md5.txt (BagIt), Manifest.tsv (NovaSeq X).
	digestList = lazy(`(?i)^(?:` +
		`(?:md5|sha1|sha256|sha512)(?:sums?|[-_.]?checksums?|[-_.]?hash(?:es)?|[-_.]?list)?(?:[._-].*)?|` +
		`.*[._-](?:md5|sha1|sha256|sha512)(?:[-_]?(?:sums?|checksums?|list))?\.(?:txt|tsv|csv|json)|` +
		`(?:.*[._-])?checksums?(?:[._-](?:md5|sha1|sha256|sha512))?(?:\.(?:txt|tsv|csv|json|md5|sha1|sha256|sha512))?|` +
		`(?:file)?manifest(?:\.(?:txt|tsv|csv|json|md5|sha1|sha256|sha512))?)$`)
)

// IsDigestList reports whether a name is one that a file with digests of others has, such as x.bam.md5 or md5sum.txt.
func IsDigestList(name string) bool {
	base := path.Base(name)
	return KindOf(base) == Other && (digestBeside().MatchString(base) || digestList().MatchString(base))
}

// DigestOf returns the path of the file that one with a digest is beside: x.bam for x.bam.md5; empty for lists of many.
func DigestOf(name string) string {
	m := digestBeside().FindStringSubmatch(name)
	if m == nil || KindOf(name) != Other || digestList().MatchString(path.Base(name)) && path.Ext(name) != ".txt" {
		return ""
	}
	return m[1]
}
