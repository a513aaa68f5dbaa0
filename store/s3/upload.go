package s3

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

const (
	algorithmHeader = "X-Amz-Checksum-Algorithm"
	objectSizeName  = "X-Amz-Mp-Object-Size"
)

// Scheme returns which checksum to send with an object in one Put, as far as the server is known.
func (s *Store) Scheme(_ string, want checksum.Algorithm) checksum.Scheme {
	best := s.profile.schemes(checksum.Scheme{Algorithm: want})[0]
	if best.Algorithm == checksum.None {
		return checksum.Scheme{}
	}
	return checksum.Scheme{Algorithm: best.Algorithm, Kind: checksum.FullObject} // one body, so one sum of all of it
}

// Create opens an upload with the best checksum that the server accepts. If it ignores them, MD5 is left: Content-MD5 is
// older than all others, and supported everywhere.
func (s *Store) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	var refused []checksum.Scheme
	var last error
	for _, scheme := range s.profile.schemes(want) {
		u, err := s.create(ctx, ref, scheme, a)
		switch {
		case err == nil:
			// Only now is it certain that the checksum was at fault, and not, say, the secret key.
			for _, r := range refused {
				s.profile.refuse(r)
			}
			return u, nil
		case !errors.Is(err, store.ChecksumRefused):
			return store.Upload{}, err
		}
		refused, last = append(refused, scheme), err
	}
	return store.Upload{}, last
}

func (s *Store) create(ctx context.Context, ref store.Ref, scheme checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	c := newCall("CreateMultipartUpload", ref, a)
	header := scheme.Algorithm != checksum.None && scheme.Algorithm != checksum.MD5
	if header {
		c.sums = scheme.Algorithm
		c.header.Set(algorithmHeader, string(scheme.Algorithm))
		c.header.Set(sumType, string(scheme.Kind))
	}
	if err := c.check(objectHeaders(c.header, a)); err != nil {
		return store.Upload{}, err
	}
	out, x, err := ask(ctx, s, &c, (*awss3.Client).CreateMultipartUpload, &awss3.CreateMultipartUploadInput{Bucket: &ref.Bucket, Key: &ref.Key})
	if err != nil {
		return store.Upload{}, err
	}
	u := store.Upload{Ref: ref, Scheme: scheme, ID: aws.ToString(out.UploadId)}
	if key := keyIn(x.body); !isKey(key, ref.Key) {
		return store.Upload{}, c.wrong(foreignHint, fmt.Sprintf("an answer about the key %q came", plainText(key)))
	}
	if a != nil {
		u.StorageClass = a.StorageClass
	}
	if !header {
		return u, nil
	}
	if !strings.EqualFold(x.answer.Get(algorithmHeader), string(scheme.Algorithm)) {
		s.profile.ignore(scheme.Algorithm)
		u.Scheme = md5Composite
		return u, nil
	}
	s.profile.checks()
	if kind := checksum.Kind(x.answer.Get(sumType)); kind != "" {
		u.Scheme.Kind = kind
	}
	return u, nil
}

// Complete turns an upload into an object. The Scheme decides what is sent for the server to check the whole; a server that
// does not know the headers for it is not sent them again.
func (s *Store) Complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	o, err := s.complete(ctx, r)
	var e *store.Error
	if errors.As(err, &e) && s.learnFromComplete(e, r) {
		return s.complete(ctx, r)
	}
	return o, err
}

func (s *Store) complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	u := r.Upload
	c := newCall("CompleteMultipartUpload", u.Ref, r.Attrs)
	c.slow, c.part = true, len(r.Parts)
	if r.NoClobber {
		c.header.Set(ifNoneMatch, "*")
	}
	full := u.Scheme.Kind == checksum.FullObject && u.Scheme.Algorithm != checksum.MD5
	if full && s.profile.has(objectSize) {
		c.header.Set(objectSizeName, strconv.FormatInt(r.Size, 10))
	}
	if full && r.Sum.Algorithm == u.Scheme.Algorithm && r.Sum.Parts == 0 && s.profile.has(wholeSum) {
		c.sums = r.Sum.Algorithm
		setSum(c.header, r.Sum)
		c.header.Set(sumType, string(checksum.FullObject))
	}
	if err := c.check(nil); err != nil {
		return store.Object{}, err
	}
	parts := make([]types.CompletedPart, len(r.Parts))
	for i, p := range r.Parts {
		parts[i] = completedPart(p, u.Scheme)
	}
	_, x, err := ask(ctx, s, &c, (*awss3.Client).CompleteMultipartUpload, &awss3.CompleteMultipartUploadInput{
		Bucket: &u.Bucket, Key: &u.Key, UploadId: &u.ID, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return store.Object{}, err
	}
	if key := keyIn(x.body); !isKey(key, u.Key) {
		return store.Object{}, c.wrong(foreignHint, fmt.Sprintf("an answer about the key %q came", plainText(key)))
	}
	o := completed(x, r)
	if s.profile.aws { // it echoes the key when the upload is opened
		return o, nil
	}
	return o, s.encrypted(ctx, x, o, ownSource(r.From, u.Ref))
}

// keyIn returns the key that an answer names, as escapeXML leaves it, or "".
func keyIn(body []byte) string {
	var doc struct{ Key string }
	_ = xml.Unmarshal(body, &doc) // the SDK has read it already; some servers send nothing
	return doc.Key
}

// completed reads the object out of the answer.
func completed(x *roundTrip, r store.CompleteRequest) store.Object {
	var doc struct {
		ETag string
		sumElements
	}
	_ = xml.Unmarshal(x.body, &doc) // the SDK has read it already; some servers send nothing
	o := objectFrom(r.Upload.Ref, x.answer)
	o.Size, o.StorageClass = r.Size, r.Upload.StorageClass
	if doc.ETag != "" {
		o.ETag = etag(doc.ETag)
	}
	kind := cmp.Or(doc.Type, x.answer.Get(sumType), string(r.Upload.Scheme.Kind))
	for _, a := range algorithms {
		if s := wholeSumOf(a, doc.value(a), kind, o.ETag); !s.IsZero() && o.Sum(a).IsZero() {
			o.Sums = append(o.Sums, s)
		}
	}
	return o
}

// completedPart names a part to Complete, with its sum if the upload has sums.
func completedPart(p store.Part, scheme checksum.Scheme) types.CompletedPart {
	c := types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: aws.String(quoted(p.ETag))}
	if p.Sum.IsZero() || p.Sum.Algorithm != scheme.Algorithm {
		return c
	}
	v := aws.String(p.Sum.Base64())
	switch p.Sum.Algorithm {
	case checksum.CRC64NVME:
		c.ChecksumCRC64NVME = v
	case checksum.CRC32C:
		c.ChecksumCRC32C = v
	case checksum.CRC32:
		c.ChecksumCRC32 = v
	case checksum.SHA256:
		c.ChecksumSHA256 = v
	case checksum.SHA1:
		c.ChecksumSHA1 = v
	case checksum.SHA512:
		c.ChecksumSHA512 = v
	case checksum.XXHASH3:
		c.ChecksumXXHASH3 = v
	case checksum.XXHASH128:
		c.ChecksumXXHASH128 = v
	case checksum.XXHASH64:
		c.ChecksumXXHASH64 = v
	}
	return c
}

// Abort aborts an upload. It is not an error if it is already gone.
func (s *Store) Abort(ctx context.Context, u store.Upload, a *store.Attrs) error {
	c := newPlainCall("AbortMultipartUpload", u.Ref, a)
	if err := c.check(nil); err != nil {
		return err
	}
	in := &awss3.AbortMultipartUploadInput{Bucket: &u.Bucket, Key: &u.Key, UploadId: &u.ID}
	_, _, err := ask(ctx, s, &c, (*awss3.Client).AbortMultipartUpload, in)
	if errors.Is(err, store.NoUpload) {
		return nil
	}
	return err
}
