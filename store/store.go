// Package store defines the terms that haul uses for any object store, such as Amazon S3 or an S3-compatible server: Ref,
// Object, Part, Range, Upload, Attrs, Limits, the kinds of Error, and the narrow interfaces that a store implements.
//
// The words are S3's. A part has a Number, counted from 1. An upload is a multipart upload: Create opens it, PutPart fills
// it, Complete turns it into an object, Abort deletes it. A store makes one request per call: it never retries, splits or
// paces requests; the engine above it does. It may verify less than requested, but then it reports that: in Upload.Scheme, in
// an empty Sum, or with an Error of kind ChecksumRefused.
//
// All methods of a store may be called from many goroutines at once.
package store

import (
	"context"
	"io"
	"iter"
	"strings"
	"time"

	"haul.example/haul/checksum"
)

// Ref names an object, or, without a Key, a bucket. Version is empty for the current version.
type Ref struct {
	Bucket  string `json:"bucket,omitempty"`
	Key     string `json:"key,omitempty"`
	Version string `json:"version,omitempty"`
}

// String returns the Ref as people write it, s3://bucket/key; the version, if any, follows in parentheses.
func (r Ref) String() string {
	s := "s3://" + r.Bucket + "/" + r.Key
	if r.Version != "" {
		s += " (version " + r.Version + ")"
	}
	return s
}

// Range is a byte range of an object: Length bytes starting at Offset, which counts from 0. The zero Range means the whole
// object, whatever its size; no other may have a Length of 0 or less.
type Range struct {
	Offset int64
	Length int64
}

// Whole reports whether r means the whole object.
func (r Range) Whole() bool { return r == Range{} }

// End returns the offset of the first byte after r.
func (r Range) End() int64 { return r.Offset + r.Length }

// Object is a stored object as a store reports it.
type Object struct {
	Ref
	// Size is that of the whole object in bytes, even if only a range was requested.
	Size int64
	// ETag has no quotes. It identifies a state of the object, and alone verifies nothing.
	ETag string
	// MD5ETag reports that the store is known to derive the ETag of this object from MD5s, if it has the form of an MD5. It
	// is false in listings.
	MD5ETag  bool `json:",omitempty"`
	Modified time.Time
	// Sums are the recorded checksums of the whole object.
	Sums []checksum.Sum
	// Encryption is the server-side encryption in S3's words ("AES256", "aws:kms", "aws:kms:dsse"), or "SSE-C"; empty if
	// the store named none. Under any but AES256 an ETag is not an MD5.
	Encryption string
	// KMSKeyID is the key's ID, if Encryption is by KMS and the store reports it.
	KMSKeyID string
	// StorageClass is empty for the store's standard class.
	StorageClass string
	// Restore is the restore state of an archived object; set by Get and Head.
	Restore Restore
	// Attrs holds the Headers and Metadata stored with the object; set by Get and Head.
	Attrs Attrs
}

// Restore is the restore state of an archived object. The zero value means not readable.
type Restore struct {
	// Ongoing reports that a restore was requested and is not finished.
	Ongoing bool
	// Until is when the readable copy expires.
	Until time.Time
}

// Sum returns the recorded checksum of that algorithm, or the zero Sum.
func (o Object) Sum(a checksum.Algorithm) checksum.Sum {
	for _, s := range o.Sums {
		if s.Algorithm == a {
			return s
		}
	}
	return checksum.Sum{}
}

// FullSum returns the recorded full-object checksum that is cheapest to compute, or the zero Sum.
func (o Object) FullSum() checksum.Sum {
	for _, a := range checksum.All() {
		if s := o.Sum(a); !s.IsZero() && s.Parts == 0 {
			return s
		}
	}
	return checksum.Sum{}
}

// MD5 returns the ETag as an MD5, or as the MD5 of the parts' MD5s, if it can be one. ETags of S3 Express are random.
func (o Object) MD5() (checksum.Sum, bool) {
	if o.Encryption != "" && o.Encryption != "AES256" || o.Express() {
		return checksum.Sum{}, false
	}
	return checksum.FromETag(o.ETag)
}

// Express reports whether the bucket is a directory bucket of Amazon S3 Express.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html
func (r Ref) Express() bool {
	return strings.HasSuffix(r.Bucket, "--x-s3") || strings.HasSuffix(r.Bucket, "--xa-s3")
}

// Body is the response to a Get: the object, the range, and its bytes. Read returns io.ErrUnexpectedEOF, or an Error, if
// fewer bytes arrive than Range promises. The Body must be closed; closing it early drops the connection.
type Body struct {
	Object Object
	Range  Range
	io.ReadCloser
}

// Part is one part of an upload, or of an object that was uploaded in parts.
type Part struct {
	// Number counts from 1.
	Number int
	Size   int64
	ETag   string
	// Sum is the checksum that the store reports for the part's bytes; zero if it reports none.
	Sum checksum.Sum
}

// Upload is an open multipart upload.
type Upload struct {
	Ref
	ID string `json:"id,omitempty"`
	// Scheme is the checksum scheme that the store agreed to check for the parts and the whole object. With Algorithm MD5,
	// the parts are sent with Content-MD5 and the whole is checked through its ETag; with None, nothing is checked in
	// transit.
	Scheme checksum.Scheme `json:"scheme,omitzero"`
	// Started and StorageClass are set by listings.
	Started      time.Time `json:"started,omitzero"`
	StorageClass string    `json:"storage_class,omitempty"`
}

// Limits are the limits of a store. A zero field means that no limit is known.
type Limits struct {
	MaxParts  int
	MinPart   int64 // bytes; the last part may be smaller
	MaxPart   int64
	MaxPut    int64 // of an object in one Put
	MaxCopy   int64 // of an object in one Copy
	MaxObject int64
	// EqualParts: all parts but the last must have the same size (Cloudflare R2).
	EqualParts bool
	// NoDuplicateParts: sending a part twice at once may break Complete (S3 Express).
	NoDuplicateParts bool
}

// Headers are an object's own HTTP headers. Empty ones are not sent.
type Headers struct {
	ContentType        string `json:"content_type,omitempty"`
	ContentEncoding    string `json:"content_encoding,omitempty"`
	ContentDisposition string `json:"content_disposition,omitempty"`
	ContentLanguage    string `json:"content_language,omitempty"`
	CacheControl       string `json:"cache_control,omitempty"`
	Expires            string `json:"expires,omitempty"`
}

// Secret holds key material. Printed or marshaled in any way, it reads "(secret)".
type Secret string

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// MarshalText hides the secret; an empty secret stays empty.
func (s Secret) MarshalText() ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// CustomerKey is a customer-provided key (SSE-C). The zero value is none.
type CustomerKey struct {
	// Algorithm is AES256 if empty.
	Algorithm string `json:"algorithm,omitempty"`
	// Key is the raw key of 32 bytes.
	Key Secret `json:"key,omitempty"`
}

// Encryption is the requested server-side encryption. The zero value leaves it to the bucket.
type Encryption struct {
	// SSE is S3's value: AES256, aws:kms, aws:kms:dsse.
	SSE      string      `json:"sse,omitempty"`
	KMSKeyID string      `json:"kms_key_id,omitempty"`
	Customer CustomerKey `json:"customer,omitzero"`
	// CopySource decrypts the source of a copy.
	CopySource CustomerKey `json:"copy_source,omitzero"`
}

// Grants give permissions to others, each as in S3's header: a list such as id="…", uri="…".
type Grants struct {
	Read        string `json:"read,omitempty"`
	FullControl string `json:"full_control,omitempty"`
	ReadACP     string `json:"read_acp,omitempty"`
	WriteACP    string `json:"write_acp,omitempty"`
}

// Attrs are the optional attributes of an object or a request. The engine passes them on unchanged; only a store reads them.
// The zero value sets none.
type Attrs struct {
	Headers Headers `json:"headers,omitzero"`
	// Metadata and Tags of a copy: nil keeps the source's, and empty maps set none.
	Metadata     map[string]string `json:"metadata,omitzero"`
	Tags         map[string]string `json:"tags,omitzero"`
	StorageClass string            `json:"storage_class,omitempty"`
	// ACL is a canned ACL, such as bucket-owner-full-control.
	ACL    string `json:"acl,omitempty"`
	Grants Grants `json:"grants,omitzero"`
	// Redirect is the address to which a bucket that is a website redirects requests for the object.
	Redirect   string     `json:"redirect,omitempty"`
	Encryption Encryption `json:"encryption,omitzero"`
	// RequestPayer is "requester" if the caller agrees to pay.
	RequestPayer string `json:"request_payer,omitempty"`
	// PageSize is the maximum number of entries per page of a listing; 0 leaves it to the store.
	PageSize int `json:"page_size,omitempty"`
}

// GetRequest asks for an object or a range of it.
type GetRequest struct {
	Ref
	Range Range
	// IfMatch pins the answer to an ETag; another state of the object is an Error of kind Changed.
	IfMatch string
	Attrs   *Attrs
}

// PutRequest stores an object in one request.
type PutRequest struct {
	Ref
	Body *io.SectionReader
	// Sum is the checksum of Body, of an algorithm that Scheme returned; the store rejects a Body that does not match it
	// (kind Corrupt).
	Sum checksum.Sum
	// NoClobber makes an existing object an Error of kind Exists.
	NoClobber bool
	Attrs     *Attrs
	// Buffer is memory that the call may use for the body; nil lets it allocate its own.
	Buffer []byte
	// Wire, if not nil, is set up to watch the connection.
	Wire *Wire
}

// PutPartRequest sends one part.
type PutPartRequest struct {
	Upload Upload
	Number int
	Body   *io.SectionReader
	// Sum is the checksum of Body, of Upload.Scheme.Algorithm; the store rejects a Body that does not match it (kind
	// Corrupt).
	Sum checksum.Sum
	// LateSum returns the Sum once the last byte of Body has been read, if Sum is zero and the store TakesLateSums, so that
	// Body need be read only once. An Error of kind ChecksumRefused means that this part must be sent with its Sum.
	LateSum func() checksum.Sum
	Attrs   *Attrs
	// Buffer is memory that the call may use for the body; nil lets it allocate its own.
	Buffer []byte
	// Wire, if not nil, is set up to watch the connection.
	Wire *Wire
}

// CompleteRequest turns an upload into an object.
type CompleteRequest struct {
	Upload Upload
	Parts  []Part // in order of Number
	Size   int64
	// From is the object that the parts were copied from; zero for an upload.
	From Ref
	// Sum is the checksum of the whole object according to Upload.Scheme; the store rejects any other (kind Corrupt). Zero if
	// it is not known.
	Sum       checksum.Sum
	NoClobber bool
	Attrs     *Attrs
}

// CopyRequest copies an object on the server, in one request.
type CopyRequest struct {
	From Ref
	// IfMatch pins the source.
	IfMatch   string
	To        Ref
	NoClobber bool
	// Sum is the algorithm of the checksum that the store should compute for the copy. A store that cannot do so copies
	// without a checksum.
	Sum checksum.Algorithm
	// Annotations are for a store that is an Annotator; others ignore it.
	Annotations Annotations
	Attrs       *Attrs
}

// CopyPartRequest fills a part from a range of a stored object, on the server.
type CopyPartRequest struct {
	From    Ref
	IfMatch string
	Range   Range
	Upload  Upload
	Number  int
	Attrs   *Attrs
}

// Reader is the part of a store that reads objects.
type Reader interface {
	// Get opens an object or a range of it. A Get of the whole object also returns the recorded Sums; a Get of a range
	// usually does not. A range entirely past the end of the object, or any range of an empty object, is an Error of kind
	// BadRange.
	Get(context.Context, GetRequest) (*Body, error)
	// Head returns an object's properties, including its recorded Sums. Of the request, only Ref, IfMatch and Attrs are used.
	Head(context.Context, GetRequest) (Object, error)
	// Layout returns the parts in which the object was uploaded: number and size of each, and the checksum if the store keeps
	// it. An object that was not uploaded in parts has one part. The error is of kind Unsupported if the store does not
	// report them.
	Layout(context.Context, Object, *Attrs) ([]Part, error)
}

// Writer is the part of a store that writes objects.
type Writer interface {
	// Limits returns the limits that hold for the bucket.
	Limits(bucket string) Limits
	// Scheme returns the checksum to send with an object in one Put if want is requested: want itself, or the best that the
	// store is known to check. It makes no request.
	Scheme(bucket string, want checksum.Algorithm) checksum.Scheme
	Put(context.Context, PutRequest) (Object, error)
	// Create opens an upload; the store chooses the Scheme, as close to want as it can. The Kind of want may be empty.
	Create(ctx context.Context, ref Ref, want checksum.Scheme, a *Attrs) (Upload, error)
	PutPart(context.Context, PutPartRequest) (Part, error)
	// TakesLateSums reports whether parts of the upload may come with a LateSum. It makes no request.
	TakesLateSums(Upload) bool
	// Parts lists the stored parts of an upload, in order of Number, and returns an Upload with the Scheme that the store
	// recorded for it.
	Parts(context.Context, Upload, *Attrs) (Upload, []Part, error)
	// Complete may have succeeded even if it returns an error of unknown kind; the caller must then check.
	Complete(context.Context, CompleteRequest) (Object, error)
	// Abort aborts an upload. Aborting an upload that no longer exists is not an error.
	Abort(context.Context, Upload, *Attrs) error
	// Uploads lists open uploads of keys that begin with prefix.
	Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[Upload, error]
}

// Copier is the part of a store that copies on the server, without downloading.
type Copier interface {
	Copy(context.Context, CopyRequest) (Object, error)
	CopyPart(context.Context, CopyPartRequest) (Part, error)
	// Tags returns an object's tags.
	Tags(context.Context, Ref, *Attrs) (map[string]string, error)
}

// Lister is the part of a store that lists objects.
type Lister interface {
	// List yields the objects of a bucket whose keys begin with prefix and come after the key after, in the store's order:
	// that of the bytes of the keys, except in S3 Express, which has none. It yields pages, some of which may be empty; each
	// is one request, made when it is needed. An Object has the fields that a listing reports: Bucket, Key, Size, ETag,
	// Modified, StorageClass. An error ends the listing; keys that it has not returned may still exist. If the store cannot
	// start after a key, the Error is of kind Unsupported.
	List(ctx context.Context, bucket, prefix, after string, a *Attrs) iter.Seq2[[]Object, error]
	// Level yields one level of a bucket, treating slashes as directory separators: of the keys that List would yield, each
	// that has no slash after prefix, and in place of the others their common prefixes up to the first such slash, once
	// each. All entries of a page come after those of the page before; within a page, prefixes come first. It begins after
	// the entry after; all else is as with List.
	Level(ctx context.Context, bucket, prefix, after string, a *Attrs) iter.Seq2[[]Entry, error]
}

// Identity returns the name of a store, without secrets, for the records of transfers with it. It is empty for a store that
// has no method Identity() string.
func Identity(s Store) string {
	if named, ok := s.(interface{ Identity() string }); ok {
		return named.Identity()
	}
	return ""
}

// Entry is one entry of a one-level listing: an object, or, if Prefix is not empty, a common prefix of existing keys. A
// Prefix ends in a slash.
type Entry struct {
	Prefix string
	Object Object
}

// Name returns the key of the object, or the Prefix.
func (e Entry) Name() string {
	if e.Prefix != "" {
		return e.Prefix
	}
	return e.Object.Key
}

// Store is the whole interface.
type Store interface {
	Reader
	Writer
	Copier
	Lister
	Deleter
	Buckets
}
