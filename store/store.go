// Package store has the words in which haul speaks of any store of objects: Ref, Object, Part, Range, Upload, Attrs,
// Limits, the kinds of Error, and the narrow interfaces that a store fills.
//
// The words are S3's. A part has a Number, counted from 1. An upload is a multipart upload: Create opens it, PutPart fills
// it, Complete turns it into an object, Abort discards it. A store does one request a call: it never retries, never splits,
// never paces; the engine above it does. It may answer with less proof than it was asked for, but then says so: in
// Upload.Scheme, in an empty Sum, or by an Error of kind ChecksumRefused.
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

// Range is a run of bytes of an object. The zero Range means the whole object, unasked-for size included.
type Range struct {
	Offset int64
	Length int64
}

// Whole reports whether r means the whole object.
func (r Range) Whole() bool { return r == Range{} }

// End is the offset of the first byte after r.
func (r Range) End() int64 { return r.Offset + r.Length }

// Object is what a store tells about one stored object.
type Object struct {
	Ref
	// Size is that of the whole object in bytes, also when only a range was asked for.
	Size int64
	// ETag stands without its quotes. It names a state of the object and verifies nothing by itself.
	ETag string
	// MD5ETag: of this object the store is known to make the ETag from MD5s, where MD5 gives one. It is false in listings.
	MD5ETag  bool `json:",omitempty"`
	Modified time.Time
	// Sums are those that the store recorded, of the whole object.
	Sums []checksum.Sum
	// Encryption is the server-side encryption in S3's words ("AES256", "aws:kms", "aws:kms:dsse"), or "SSE-C"; empty if
	// the store named none. Under any but AES256 an ETag is no MD5.
	Encryption string
	// KMSKeyID is the key's, where Encryption is by KMS and the store tells.
	KMSKeyID string
	// StorageClass is empty for the store's standard class.
	StorageClass string
	// Restore is that of an archived object; told by Get and Head.
	Restore Restore
	// Attrs holds what was stored with the object (its Headers and Metadata); filled by Get and Head.
	Attrs Attrs
}

// Restore is how far an archived object is readable. The zero value is not at all.
type Restore struct {
	// Ongoing: it was asked for and is not done.
	Ongoing bool
	// Until is when the readable copy goes away.
	Until time.Time
}

// Sum returns the sum of that algorithm that the store recorded, or the zero Sum.
func (o Object) Sum(a checksum.Algorithm) checksum.Sum {
	for _, s := range o.Sums {
		if s.Algorithm == a {
			return s
		}
	}
	return checksum.Sum{}
}

// FullSum returns the sum of all bytes as one that the store recorded, the cheapest to compute first, or the zero Sum.
func (o Object) FullSum() checksum.Sum {
	for _, a := range []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32, checksum.SHA256, checksum.SHA1, checksum.MD5} {
		if s := o.Sum(a); !s.IsZero() && s.Parts == 0 {
			return s
		}
	}
	return checksum.Sum{}
}

// MD5 returns the MD5 that the ETag is, or the MD5 of the MD5s of parts, if it can be one. Those of S3 Express are random.
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

// Body is the answer to a Get: the object it belongs to, the range that its bytes are, and the bytes.
// Its Read gives io.ErrUnexpectedEOF, or an Error, when fewer bytes come than Range promises. It must be closed;
// closing it early cuts the connection.
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
	// Sum is what the store says of the part's bytes; zero where it says nothing.
	Sum checksum.Sum
}

// Upload is an open multipart upload.
type Upload struct {
	Ref
	ID string `json:"id,omitempty"`
	// Scheme is how the store agreed to check the parts and the whole. With Algorithm MD5 the parts travel with
	// Content-MD5 and the whole is known by its ETag; with None nothing is checked on the way.
	Scheme checksum.Scheme `json:"scheme,omitzero"`
	// Started and StorageClass are told by listings.
	Started      time.Time `json:"started,omitzero"`
	StorageClass string    `json:"storage_class,omitempty"`
}

// Limits are what a store allows. A zero field means no limit is known.
type Limits struct {
	MaxParts  int
	MinPart   int64 // bytes; the last part may be smaller
	MaxPart   int64
	MaxPut    int64 // of an object in one Put
	MaxCopy   int64 // of an object in one Copy
	MaxObject int64
	// EqualParts: all parts but the last must have the same size (Cloudflare R2).
	EqualParts bool
	// NoDuplicateParts: sending a part twice at once may spoil Complete (S3 Express).
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

// Secret holds key material. Printed or marshalled in any way, it gives "(secret)".
type Secret string

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// MarshalText hides the secret; no secret stays none.
func (s Secret) MarshalText() ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// CustomerKey is a key of the customer's own (SSE-C). The zero value is none.
type CustomerKey struct {
	// Algorithm is AES256 where empty.
	Algorithm string `json:"algorithm,omitempty"`
	// Key is the raw key of 32 bytes.
	Key Secret `json:"key,omitempty"`
}

// Encryption is the server-side encryption asked for. The zero value leaves it to the bucket.
type Encryption struct {
	// SSE is S3's word: AES256, aws:kms, aws:kms:dsse.
	SSE      string      `json:"sse,omitempty"`
	KMSKeyID string      `json:"kms_key_id,omitempty"`
	Customer CustomerKey `json:"customer,omitzero"`
	// CopySource opens the source of a copy.
	CopySource CustomerKey `json:"copy_source,omitzero"`
}

// Grants give rights to others, each as S3's header has it: a list such as id="…", uri="…".
type Grants struct {
	Read        string `json:"read,omitempty"`
	FullControl string `json:"full_control,omitempty"`
	ReadACP     string `json:"read_acp,omitempty"`
	WriteACP    string `json:"write_acp,omitempty"`
}

// Attrs are the optional things that travel with an object or a request. The engine passes them on untouched; only a store
// reads them. The zero value asks for nothing.
type Attrs struct {
	Headers Headers `json:"headers,omitzero"`
	// Metadata and Tags of a copy: nil leaves the source's, and empty maps leave none.
	Metadata     map[string]string `json:"metadata,omitzero"`
	Tags         map[string]string `json:"tags,omitzero"`
	StorageClass string            `json:"storage_class,omitempty"`
	// ACL is a canned ACL, such as bucket-owner-full-control.
	ACL    string `json:"acl,omitempty"`
	Grants Grants `json:"grants,omitzero"`
	// Redirect is where a bucket that is a web site sends those who ask for the object.
	Redirect   string     `json:"redirect,omitempty"`
	Encryption Encryption `json:"encryption,omitzero"`
	// RequestPayer is "requester" if the caller agrees to pay.
	RequestPayer string `json:"request_payer,omitempty"`
	// PageSize is how many entries a page of a listing has at most; 0 leaves it to the store.
	PageSize int `json:"page_size,omitempty"`
}

// GetRequest asks for bytes.
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
	// Sum is that of all bytes of Body, of an algorithm that Scheme named; the store refuses other bytes (kind Corrupt).
	Sum checksum.Sum
	// NoClobber makes an existing object an Error of kind Exists.
	NoClobber bool
	Attrs     *Attrs
	// Buffer is memory that the call may carry the body in; nil lets it take its own.
	Buffer []byte
	// Wire, if it is not nil, is to watch the connection.
	Wire *Wire
}

// PutPartRequest sends one part.
type PutPartRequest struct {
	Upload Upload
	Number int
	Body   *io.SectionReader
	// Sum is that of the bytes of Body by Upload.Scheme.Algorithm; the store refuses other bytes (kind Corrupt).
	Sum checksum.Sum
	// LateSum gives the Sum when the last byte of Body has been read, where Sum is zero and the store TakesLateSums: so Body
	// need be read only once. Kind ChecksumRefused says that this part must be sent with its Sum.
	LateSum func() checksum.Sum
	Attrs   *Attrs
	// Buffer is memory that the call may carry the body in; nil lets it take its own.
	Buffer []byte
	// Wire, if it is not nil, is to watch the connection.
	Wire *Wire
}

// CompleteRequest turns an upload into an object.
type CompleteRequest struct {
	Upload Upload
	Parts  []Part // in order of Number
	Size   int64
	// From is the object that the parts were copied from; zero for an upload.
	From Ref
	// Sum is the whole's by Upload.Scheme; the store refuses another (kind Corrupt). Zero if it is not known.
	Sum       checksum.Sum
	NoClobber bool
	Attrs     *Attrs
}

// CopyRequest copies on the server, an object in one request or a range of it into a part.
type CopyRequest struct {
	From Ref
	// IfMatch pins the source.
	IfMatch   string
	To        Ref
	NoClobber bool
	// Sum asks the store to compute a checksum of the copy by that algorithm. One that does not know how makes the copy without.
	Sum   checksum.Algorithm
	Attrs *Attrs
}

// CopyPartRequest fills a part from a range of a stored object.
type CopyPartRequest struct {
	From    Ref
	IfMatch string
	Range   Range
	Upload  Upload
	Number  int
	Attrs   *Attrs
}

// Reader is the part of a store that gives bytes.
type Reader interface {
	// Get opens an object or a range of it. A Get of the whole also brings the Sums that the store recorded; one of a range
	// mostly does not. A range wholly past the end of the object, and any range of an empty one, is an Error of kind
	// BadRange.
	Get(context.Context, GetRequest) (*Body, error)
	// Head tells about an object, Sums included. Only Ref, IfMatch and Attrs of the request count.
	Head(context.Context, GetRequest) (Object, error)
	// Layout reports how the object was cut into parts when it was uploaded: number and size of each, and the sum if the
	// store keeps it. An object that was not uploaded in parts has one. Kind Unsupported: it can't be had.
	Layout(context.Context, Object, *Attrs) ([]Part, error)
}

// Writer is the part of a store that takes bytes.
type Writer interface {
	// Limits are those that hold for the bucket.
	Limits(bucket string) Limits
	// Scheme answers which checksum to send with an object in one Put, when want is wished for: want itself, or the best that
	// the store is known to check. It asks nobody.
	Scheme(bucket string, want checksum.Algorithm) checksum.Scheme
	Put(context.Context, PutRequest) (Object, error)
	// Create opens an upload; the store settles the Scheme, as near to want as it can. A wished Kind may be empty.
	Create(ctx context.Context, ref Ref, want checksum.Scheme, a *Attrs) (Upload, error)
	PutPart(context.Context, PutPartRequest) (Part, error)
	// TakesLateSums reports whether parts of the upload may come with a LateSum. It asks nobody.
	TakesLateSums(Upload) bool
	// Parts lists what the store holds of an upload, in order of Number; and, in the Upload, the Scheme that it holds the upload by.
	Parts(context.Context, Upload, *Attrs) (Upload, []Part, error)
	// Complete is done when it returns no error, and may be done when the error is of no known kind: then look.
	Complete(context.Context, CompleteRequest) (Object, error)
	// Abort discards an upload. One that is already gone is not an error.
	Abort(context.Context, Upload, *Attrs) error
	// Uploads lists open uploads of keys that begin with prefix.
	Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[Upload, error]
}

// Copier is the part of a store that copies without moving bytes here.
type Copier interface {
	Copy(context.Context, CopyRequest) (Object, error)
	CopyPart(context.Context, CopyPartRequest) (Part, error)
	// Tags gives an object's tags.
	Tags(context.Context, Ref, *Attrs) (map[string]string, error)
}

// Lister is the part of a store that tells what is there.
type Lister interface {
	// List gives the objects of a bucket whose keys begin with prefix and come after the key after, in the store's order:
	// that of the bytes of the keys, but for S3 Express, which has none. It gives page by page, some of which may be empty; each
	// is one request, made when it is needed. An Object has what a listing tells: Bucket, Key, Size, ETag, Modified,
	// StorageClass. After an error the listing is over, and nothing may be concluded about what it did not tell. Where the
	// store cannot begin after a key, that is an Error of kind Unsupported.
	List(ctx context.Context, bucket, prefix, after string, a *Attrs) iter.Seq2[[]Object, error]
	// Level gives one level of a bucket, as if slashes made folders of it: of the keys that List would give, each that has
	// no slash behind prefix, and in place of the others what they begin with up to the first such slash, once each. All
	// entries of a page come after those of the page before; within a page, prefixes come first. What comes after the entry
	// after is given; else it is as with List.
	Level(ctx context.Context, bucket, prefix, after string, a *Attrs) iter.Seq2[[]Entry, error]
}

// Entry is one thing that a listing of one level tells: an object, or, where Prefix is not empty, that there are keys which
// begin with Prefix. It ends in a slash.
type Entry struct {
	Prefix string
	Object Object
}

// Name is the key of the object, or the Prefix.
func (e Entry) Name() string {
	if e.Prefix != "" {
		return e.Prefix
	}
	return e.Object.Key
}

// Store is all of it.
type Store interface {
	Reader
	Writer
	Copier
	Lister
	Deleter
	Buckets
}
