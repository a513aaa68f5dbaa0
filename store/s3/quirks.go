package s3

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// How servers differ from S3 is here, as far as it can be: what is known of a provider before any request (providers), and
// below it how odd answers are read, by operation. What a Store learns of its server while it runs is in quirks_learned.go.
//
//	any, with a checksum         refused by 501, 400, or a signature that does not match: refusesSum
//	GetObject, HeadObject        x-amz-checksum-mode breaks old servers: chokes, withSums
//	GetObject                    206 for an empty object: emptyRange
//	HeadObject of a part         moto answers 412: layout.head
//	PutObject, UploadPart        accepted, and the checksum not looked at: learnFromPut
//	UploadPart                   trailing checksums are taken for data: judgeTrailer (Ceph 16)
//	ListParts                    a part that was sent twice is listed twice: newest (SeaweedFS)
//	ListParts, UploadPart,       an upload that is gone is reported as a missing key: goneUpload (Ceph)
//	Complete and Abort
//	CompleteMultipartUpload      unknown headers are refused: learnFromComplete
//	ListMultipartUploads         encoded keys that the answer does not call encoded: getUploads (Ceph)
//	ListObjects                  version 2 is unknown: listing.next
//	GetObjectTagging             nothing at all about an object without tags: cephID (Ceph)
//	DeleteObject                 404 for what is not there: Delete
//	DeleteObjects                unknown, so objects are deleted one by one: DeleteMany (Google)
//	CopyObject, with a key       encrypted, and not said: encrypted (MinIO)
//	all with XML                 other root elements: form.accepts (gofakes3)

// quirks are what is known of a provider before any request.
type quirks struct {
	host string // the end of its host names
	// aws: it implements S3 to the letter, so errors mean what they say.
	aws bool
	// ladder are the schemes to try, best first; nil is the common one.
	ladder []checksum.Scheme
	// virtual: buckets are addressed by host name.
	virtual    bool
	equalParts bool
	// gzip: to it, "Accept-Encoding: identity" means to decompress what is stored with Content-Encoding gzip.
	gzip bool
	// without lists the features that it does not have.
	without   []feature
	maxObject int64 // bytes; 0 is S3's
}

// feature names something that a server may not have. That is learned once and not asked for again.
type feature string

const (
	checksumMode     feature = "x-amz-checksum-mode"
	objectSize       feature = "x-amz-mp-object-size"
	wholeSum         feature = "checksum of the whole at Complete"
	objectAttributes feature = "GetObjectAttributes"
	partNumbers      feature = "partNumber"
	trailers         feature = "x-amz-trailer"
	deleteObjects    feature = "DeleteObjects"
	encodedUploads   feature = "encoding-type of ListMultipartUploads"
	listObjectsV2    feature = "ListObjectsV2"
)

var (
	crc64Full       = checksum.Scheme{Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject}
	crc32cComposite = checksum.Scheme{Algorithm: checksum.CRC32C, Kind: checksum.Composite}
	md5Composite    = checksum.Scheme{Algorithm: checksum.MD5, Kind: checksum.Composite}
)

// providers are those that need other treatment than an unknown server.
var providers = []quirks{
	{host: "r2.cloudflarestorage.com", equalParts: true, maxObject: 5 * tib,
		ladder:  []checksum.Scheme{crc64Full, md5Composite},
		without: []feature{objectSize, objectAttributes, trailers}},
	{host: "storage.googleapis.com", maxObject: 5 * tib, gzip: true,
		ladder:  []checksum.Scheme{md5Composite},
		without: []feature{checksumMode, objectAttributes, partNumbers}},
	{host: "backblazeb2.com",
		ladder:  []checksum.Scheme{md5Composite},
		without: []feature{checksumMode, objectAttributes}},
}

var ladder = []checksum.Scheme{crc64Full, crc32cComposite, md5Composite}

// md5Servers are the Server headers of servers that make the ETag of an object in one piece from its MD5, unless they name
// an encryption that forbids it. That does not hold for objects in parts: MinIO returns random ones at times.
var md5Servers = []string{"MinIO", "VERSITYGW"}

// md5ETags reports whether the server that answered is known to make this ETag from MD5s.
func (s *Store) md5ETags(h http.Header) bool {
	return s.profile.aws || slices.Contains(md5Servers, h.Get("Server")) && !strings.Contains(h.Get("ETag"), "-")
}

// refusesSum reports whether the server refuses the checksum that the request came with. Old servers do so in their own
// ways: by 501, by a 400 that names it, or, since they leave the unknown header out of what they sign, by a signature that
// does not match.
func (s *Store) refusesSum(f *fault, c *call) bool {
	if c.sums == checksum.None || kinds[f.Code] == store.Corrupt {
		return false
	}
	text := strings.ToLower(f.Code + " " + f.Message + " " + f.text)
	named := strings.Contains(text, "checksum") || c.sums == checksum.MD5 && strings.Contains(text, "content-md5")
	switch {
	case f.status == http.StatusNotImplemented:
		return named || !s.profile.checked() && !strings.Contains(text, "none-match")
	case f.status == http.StatusBadRequest:
		return named || f.Code == "" && f.text == "" && !s.profile.checked()
	case f.Code == "SignatureDoesNotMatch":
		return c.sums != checksum.MD5 && !s.profile.checked()
	}
	return false
}

// goneUpload reports whether an answer that something is not there is about the upload: whatever the code, nothing else can
// be missing for these operations (Ceph answers NoSuchKey). If a part is copied, its source may be missing, which has that
// code too.
func (c *call) goneUpload(f *fault) bool {
	switch c.op {
	case "ListParts", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload":
		return f.text == "" // else the page is a proxy's
	case "UploadPartCopy":
		return f.text == "" && f.Code != "NoSuchKey" && f.Code != "NoSuchVersion"
	}
	return false
}

// chokes reports errors that an unknown header may cause.
func chokes(f *fault) bool {
	switch f.status {
	case http.StatusNotImplemented:
		return true
	case http.StatusBadRequest:
		return f.Code == "" || strings.Contains(strings.ToLower(f.Message), "checksum")
	case http.StatusForbidden:
		return f.Code == "" || f.Code == "SignatureDoesNotMatch"
	}
	return false
}

// emptyRange reports the range of an empty object, for which S3 has the status 416, and some servers 206 and "bytes 0-0/0".
func emptyRange(s string) bool {
	bounds, found := strings.CutSuffix(s, "/0")
	return found && slices.Contains([]string{"bytes 0-0", "bytes 0--1", "bytes */0", "bytes *"}, bounds)
}

// newest sorts parts, and leaves out those that were sent again since: SeaweedFS lists both, with times in seconds. If it
// keeps the wrong one, its ETag shows it.
func newest(listed []listedPart) (parts []store.Part) {
	slices.SortStableFunc(listed, func(a, b listedPart) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), a.modified.Compare(b.modified))
	})
	for i, p := range listed {
		if i+1 < len(listed) && listed[i+1].Number == p.Number && !p.modified.IsZero() {
			continue
		}
		parts = append(parts, p.Part)
	}
	return parts
}

// cephID is a request ID of Ceph: a number, a time and a zone (transaction_id in rgw_common.h).
var cephID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^tx[0-9a-f]{16,}-") })

// accepts reports whether a document with this root can be the answer. Some servers name it as the API reference names the
// type, gofakes3 leaves out Result or calls versions those of a bucket, and some answer to UploadPartCopy as to CopyObject.
func (f form) accepts(op, root string) bool {
	names := []string{f.root, strings.TrimSuffix(f.root, "Result"), op + "Result", op + "Output", op + "Response"}
	switch op {
	case "UploadPartCopy":
		names = append(names, "CopyObjectResult")
	case "ListObjectVersions":
		names = append(names, "ListBucketVersionsResult")
	}
	return root != "" && slices.ContainsFunc(names, func(s string) bool { return strings.EqualFold(s, root) })
}

// learnFromComplete reports whether the server refused a header, which is left out from now on.
func (s *Store) learnFromComplete(e *store.Error, r store.CompleteRequest) bool {
	if s.profile.aws {
		return false
	}
	text := strings.ToLower(e.Message)
	switch {
	case e.Status == 501 && strings.Contains(text, "mp-object-size") && s.profile.has(objectSize):
		s.profile.foundMissing(objectSize)
		return true
	case e.Kind == store.ChecksumRefused && !r.Sum.IsZero() && s.profile.has(wholeSum):
		s.profile.foundMissing(wholeSum)
		return true
	}
	return false
}
