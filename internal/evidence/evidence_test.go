package evidence_test

import (
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/store"
)

func sum(a checksum.Algorithm, parts int, of string) checksum.Sum {
	s := checksum.Bytes(a, []byte(of))
	s.Parts = parts
	return s
}

func etag(parts int, of string) string { return sum(checksum.MD5, parts, of).Hex() }

// What a store records of two objects reports whether they are the same, or nothing.
func TestSame(t *testing.T) {
	crc := func(of string) []checksum.Sum { return []checksum.Sum{sum(checksum.CRC64NVME, 0, of)} }
	meta := store.Attrs{Metadata: map[string]string{"md5chksum": sum(checksum.MD5, 0, "a").Base64()}}
	express := store.Ref{Bucket: "lab--use1-az4--x-s3", Key: "x"}
	for _, c := range []struct {
		name string
		a, b store.Object
		want evidence.Verdict
		text string
	}{
		{"sizes", store.Object{Size: 1}, store.Object{Size: 2}, evidence.Mismatch, "one has 1 bytes, the other 2"},
		{"nothing in them", store.Object{ETag: "a"}, store.Object{ETag: "b"}, evidence.Match, "both are empty"},
		{"checksums", store.Object{Size: 9, Sums: crc("a")}, store.Object{Size: 9, Sums: crc("a")}, evidence.Match, "the same CRC64NVME"},
		{"other checksums", store.Object{Size: 9, Sums: crc("a")}, store.Object{Size: 9, Sums: crc("b")}, evidence.Mismatch, "a different CRC64NVME"},
		{"checksums before ETags", store.Object{Size: 9, ETag: etag(0, "a"), MD5ETag: true, Sums: crc("a")},
			store.Object{Size: 9, ETag: etag(0, "b"), MD5ETag: true, Sums: crc("a")}, evidence.Match, "the same CRC64NVME"},
		{"two algorithms", store.Object{Size: 9, Sums: crc("a")}, store.Object{Size: 9, Sums: []checksum.Sum{sum(checksum.SHA256, 0, "a")}},
			evidence.Unknown, "no comparable checksums of the two"},
		{"composites", store.Object{Size: 9, Sums: []checksum.Sum{sum(checksum.CRC32C, 3, "a")}},
			store.Object{Size: 9, Sums: []checksum.Sum{sum(checksum.CRC32C, 3, "a")}}, evidence.Match, "the same CRC32C"},
		{"other composites", store.Object{Size: 9, Sums: []checksum.Sum{sum(checksum.CRC32C, 3, "a")}},
			store.Object{Size: 9, Sums: []checksum.Sum{sum(checksum.CRC32C, 3, "b")}}, evidence.Unknown, "part sizes may differ"},
		{"ETags", store.Object{Size: 9, ETag: etag(0, "a")}, store.Object{Size: 9, ETag: etag(0, "a")}, evidence.Match, "the same MD5 (ETag)"},
		{"ETags of parts", store.Object{Size: 9, ETag: etag(2, "a")}, store.Object{Size: 9, ETag: etag(2, "a")}, evidence.Match, "the same MD5 (ETag)"},
		{"other ETags of parts", store.Object{Size: 9, ETag: etag(2, "a"), MD5ETag: true}, store.Object{Size: 9, ETag: etag(3, "a"), MD5ETag: true},
			evidence.Unknown, "part sizes may differ"},
		{"other ETags", store.Object{Size: 9, ETag: etag(0, "a")}, store.Object{Size: 9, ETag: etag(0, "b")}, evidence.Unknown, "comparable"},
		{"other ETags of a store that is known", store.Object{Size: 9, ETag: etag(0, "a"), MD5ETag: true},
			store.Object{Size: 9, ETag: etag(0, "b"), MD5ETag: true}, evidence.Mismatch, "a different MD5 (ETag)"},
		{"ETags of S3 Express", store.Object{Ref: express, Size: 9, ETag: etag(0, "a"), MD5ETag: true},
			store.Object{Ref: express, Size: 9, ETag: etag(0, "b"), MD5ETag: true}, evidence.Unknown, "comparable"},
		{"ETags under KMS", store.Object{Size: 9, ETag: etag(0, "a"), Encryption: "aws:kms"},
			store.Object{Size: 9, ETag: etag(0, "b"), Encryption: "aws:kms", MD5ETag: true}, evidence.Unknown, "comparable"},
		{"metadata that went along", store.Object{Size: 9, Attrs: meta}, store.Object{Size: 9, Attrs: meta}, evidence.Unknown, "comparable"},
		{"metadata and an ETag", store.Object{Size: 9, Attrs: meta, Encryption: "aws:kms"}, store.Object{Size: 9, ETag: etag(0, "a")},
			evidence.Match, "the same MD5 (ETag)"},
		{"metadata and another ETag", store.Object{Size: 9, Attrs: meta, Encryption: "aws:kms"}, store.Object{Size: 9, ETag: etag(0, "b"), MD5ETag: true},
			evidence.Unknown, "comparable"},
	} {
		for _, turned := range []bool{false, true} {
			a, b := c.a, c.b
			if turned {
				a, b = b, a
			}
			got, text := evidence.Same(a, b)
			if got.Verdict != c.want || !turned && !strings.Contains(text, c.text) {
				t.Errorf("%s, turned %v: %s, %s; want %s, %s", c.name, turned, got.Verdict, text, c.want, c.text)
			}
		}
	}
}

// What a process learns of ETags: one that was an MD5 shows nothing about the next object, and several that were none end it.
func TestLearned(t *testing.T) {
	weak := evidence.Claim{Kind: evidence.ETag, Weak: true}
	for _, c := range []struct {
		fits, odd      int
		known, useless bool
	}{{0, 0, false, false}, {1, 0, true, false}, {0, 2, false, false}, {0, 3, false, true}, {3, 3, false, false}, {3, 4, false, true}, {1, 1, false, false}} {
		var l evidence.Learned
		for range c.fits {
			l.Fit(weak)
		}
		for range c.odd {
			l.Odd(weak)
		}
		l.Odd(evidence.Claim{Kind: evidence.Metadata})
		r := &evidence.Record{Claims: []evidence.Claim{weak, {Kind: evidence.ETag}, {Kind: evidence.PartsETag, Weak: true}}}
		l.Apply(r)
		if l.Known(evidence.ETag) != c.known || l.Useless(evidence.ETag) != c.useless || (len(r.Claims) == 2) != c.useless || l.Useless(evidence.PartsETag) {
			t.Errorf("%d fit and %d do not: known %v, useless %v, %v", c.fits, c.odd, l.Known(evidence.ETag), l.Useless(evidence.ETag), r.Claims)
		}
	}
}

// The first claim that decides is decisive; guesses and weak ones can only match.
func TestDecide(t *testing.T) {
	x, y := sum(checksum.MD5, 0, "x"), sum(checksum.MD5, 0, "y")
	full := evidence.Claim{Kind: evidence.FullSum, Sum: x}
	weak := evidence.Claim{Kind: evidence.ETag, Sum: x, Weak: true}
	guess := evidence.Claim{Kind: evidence.PartsETag, Sum: x, Weak: true, Guess: true}
	meta := evidence.Claim{Kind: evidence.Metadata, Sum: x}
	for _, c := range []struct {
		claims []evidence.Claim
		ours   []checksum.Sum
		want   evidence.Verdict
		by     evidence.Kind
		worth  int
	}{
		{nil, nil, evidence.Unknown, "", 0},
		{[]evidence.Claim{full, weak}, []checksum.Sum{x, y}, evidence.Match, evidence.FullSum, 1},
		{[]evidence.Claim{full, weak}, []checksum.Sum{y, x}, evidence.Mismatch, evidence.FullSum, 1},
		{[]evidence.Claim{weak}, []checksum.Sum{y}, evidence.Unknown, evidence.ETag, 1},
		{[]evidence.Claim{weak, meta}, []checksum.Sum{y, x}, evidence.Match, evidence.Metadata, 2},
		{[]evidence.Claim{weak, meta}, []checksum.Sum{y, y}, evidence.Mismatch, evidence.Metadata, 2},
		{[]evidence.Claim{guess, guess}, []checksum.Sum{y, y}, evidence.Unknown, "", 2},
		{[]evidence.Claim{guess, guess}, []checksum.Sum{y, x}, evidence.Match, evidence.PartsETag, 2},
	} {
		a := evidence.Decide(c.claims, c.ours)
		if a.Verdict != c.want || a.Claim.Kind != c.by || len(evidence.Worth(c.claims)) != c.worth {
			t.Errorf("%v: %s by %q, want %s by %q; %d are worth it", c.claims, a.Verdict, a.Claim.Kind, c.want, c.by, len(evidence.Worth(c.claims)))
		}
	}
}
