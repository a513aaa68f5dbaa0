package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Uploads lists open uploads of keys that begin with prefix. MinIO lists them only if prefix is the whole key.
func (s *Store) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return func(yield func(store.Upload, error) bool) {
		in := &awss3.ListMultipartUploadsInput{Bucket: &bucket, EncodingType: types.EncodingTypeUrl}
		if prefix != "" {
			in.Prefix = &prefix
		}
		for t := newTurns(); ; {
			page, next, err := s.uploadsPage(ctx, in, t)
			if err != nil {
				yield(store.Upload{}, err)
				return
			}
			for _, u := range page {
				if strings.HasPrefix(u.Key, prefix) && !yield(u, nil) {
					return
				}
			}
			if next.KeyMarker == nil {
				return
			}
			in.KeyMarker, in.UploadIdMarker = next.KeyMarker, next.UploadIdMarker
		}
	}
}

// uploadsPage returns a page, and what asks for the page after it: no KeyMarker after the last.
func (s *Store) uploadsPage(ctx context.Context, in *awss3.ListMultipartUploadsInput, t *turns) (page []store.Upload, next awss3.ListMultipartUploadsInput, err error) {
	c := &call{op: "ListMultipartUploads", ref: store.Ref{Bucket: *in.Bucket}, header: http.Header{}}
	out, err := s.getUploads(ctx, c, in)
	if err != nil {
		return nil, next, err
	}
	decode := decoder(string(out.EncodingType))
	if !repeats(out.Prefix, in.Prefix, decode) || !repeats(out.KeyMarker, in.KeyMarker, decode) || !repeats(out.UploadIdMarker, in.UploadIdMarker, plainText) {
		return nil, next, c.wrong(foreignHint, "the answer to another request came")
	}
	first, after := "", ""
	for _, u := range out.Uploads {
		up := uploadFrom(*in.Bucket, decode(aws.ToString(u.Key)), u)
		if up.Key == "" || up.ID == "" {
			return nil, next, c.wrong(foreignHint, "an upload without a key or an ID came")
		}
		page = append(page, up)
	}
	if len(page) > 0 {
		first = page[0].Key + "\x00" + page[0].ID
	}
	if aws.ToBool(out.IsTruncated) {
		key, id := decode(aws.ToString(out.NextKeyMarker)), plainText(aws.ToString(out.NextUploadIdMarker))
		if key == "" {
			return nil, next, c.wrong(foreignHint, "the response does not say where the next page starts")
		}
		after = key + "\x00" + id
		if next.KeyMarker = &key; id != "" {
			next.UploadIdMarker = &id
		}
	}
	if what := t.page(first, after); what != "" {
		return nil, next, c.wrong(foreignHint, what)
	}
	return page, next, nil
}

// getUploads asks for a page. Keys come encoded if the answer says so; Ceph encodes them and does not say so, which shows
// in a "%" that may as well be the key's own: such a page is asked for again, with keys as they are.
func (s *Store) getUploads(ctx context.Context, c *call, in *awss3.ListMultipartUploadsInput) (*awss3.ListMultipartUploadsOutput, error) {
	if !s.profile.has(encodedUploads) {
		in.EncodingType = ""
	}
	out, _, err := ask(ctx, s, c, (*awss3.Client).ListMultipartUploads, in)
	unclear := func(u types.MultipartUpload) bool { return strings.Contains(aws.ToString(u.Key), "%") }
	if err != nil || in.EncodingType == "" || out.EncodingType != "" || !slices.ContainsFunc(out.Uploads, unclear) {
		return out, err
	}
	s.profile.foundMissing(encodedUploads)
	return s.getUploads(ctx, c, in)
}

func uploadFrom(bucket, key string, u types.MultipartUpload) store.Upload {
	up := store.Upload{
		Ref: store.Ref{Bucket: bucket, Key: key}, ID: aws.ToString(u.UploadId),
		Started: timeOf(u.Initiated), StorageClass: string(u.StorageClass),
	}
	if a, err := checksum.Parse(string(u.ChecksumAlgorithm)); err == nil && a != checksum.None {
		up.Scheme = storedScheme(a, string(u.ChecksumType))
	}
	return up
}

// List lists objects, page by page. Some stores return pages without objects before the last one; a page after which the
// next would be the same again is an Error, as is one with keys that were not asked for.
func (s *Store) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Object, error] {
	return func(yield func([]store.Object, error) bool) {
		for page, err := range s.list(ctx, store.Ref{Bucket: bucket, Key: prefix}, "", after, a) {
			objects := make([]store.Object, len(page))
			for i := range page {
				objects[i] = page[i].Object
			}
			if !yield(objects, err) {
				return
			}
		}
	}
}

// Level lists one level, as List does.
func (s *Store) Level(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Entry, error] {
	return s.list(ctx, store.Ref{Bucket: bucket, Key: prefix}, "/", after, a)
}

// list lists what begins with the Key of ref.
func (s *Store) list(ctx context.Context, ref store.Ref, delimiter, after string, a *store.Attrs) iter.Seq2[[]store.Entry, error] {
	return func(yield func([]store.Entry, error) bool) {
		l, err := s.newListing(ref, delimiter, after, a)
		for more := err == nil; more; {
			var page []store.Entry
			if page, more, err = l.next(ctx); err != nil {
				break
			}
			page = slices.DeleteFunc(page, func(e store.Entry) bool { return e.Name() <= after })
			if !yield(page, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// listing is a List or Level under way.
type listing struct {
	s     *Store
	ref   store.Ref // its Key is the prefix
	attrs *store.Attrs
	in    awss3.ListObjectsV2Input
	turns *turns
	// marker is the name after which the next page begins, for servers that support only version 1 of the operation.
	marker string
}

func (s *Store) newListing(ref store.Ref, delimiter, after string, a *store.Attrs) (*listing, error) {
	l := &listing{s: s, ref: ref, attrs: a, turns: newTurns()}
	l.in = awss3.ListObjectsV2Input{Bucket: &ref.Bucket, EncodingType: types.EncodingTypeUrl}
	if ref.Key != "" {
		l.in.Prefix = &ref.Key
	}
	if delimiter != "" {
		l.in.Delimiter = &delimiter
	}
	if a != nil && a.PageSize > 0 {
		l.in.MaxKeys = aws.Int32(int32(min(a.PageSize, math.MaxInt32)))
	}
	if after != "" {
		if directoryBucket(ref.Bucket) {
			return l, l.fail(store.Unsupported, errors.New("S3 Express lists in no order, so that nothing comes after a key"))
		}
		l.in.StartAfter, l.marker = &after, after
	}
	return l, nil
}

// next returns the next page.
func (l *listing) next(ctx context.Context) (page []store.Entry, more bool, err error) {
	if !l.s.profile.has(listObjectsV2) {
		return l.nextV1(ctx)
	}
	c := newPlainCall("ListObjectsV2", l.ref, l.attrs)
	out, _, err := ask(ctx, l.s, &c, (*awss3.Client).ListObjectsV2, &l.in)
	if err != nil {
		return nil, false, err
	}
	page, err = l.entries(&c, out)
	if err != nil {
		return nil, false, err
	}
	first, token := "", ""
	if len(page) > 0 {
		first = page[0].Name()
	}
	if more = aws.ToBool(out.IsTruncated); more {
		token = plainText(aws.ToString(out.NextContinuationToken))
		if v1 := token == "" && l.in.ContinuationToken == nil && out.KeyCount == nil; v1 {
			l.s.profile.foundMissing(listObjectsV2)
			return l.nextV1(ctx)
		}
		if token == "" {
			return nil, false, c.wrong(foreignHint, "the response does not say where the next page starts")
		}
	}
	if what := l.turns.page(first, token); what != "" {
		return nil, false, c.wrong(foreignHint, what)
	}
	l.in.ContinuationToken = &token
	return page, more, nil
}

// nextV1 is next for servers that treat ListObjectsV2 as version 1: there, a page begins after a name.
func (l *listing) nextV1(ctx context.Context) (page []store.Entry, more bool, err error) {
	in := awss3.ListObjectsInput{Bucket: l.in.Bucket, Prefix: l.in.Prefix, Delimiter: l.in.Delimiter, EncodingType: l.in.EncodingType, MaxKeys: l.in.MaxKeys}
	if l.marker != "" {
		in.Marker = &l.marker
	}
	c := newPlainCall("ListObjects", l.ref, l.attrs)
	out, _, err := ask(ctx, l.s, &c, (*awss3.Client).ListObjects, &in)
	if err != nil {
		return nil, false, err
	}
	decode := decoder(string(out.EncodingType))
	if in.Marker != nil && out.Marker == nil || !repeats(out.Marker, in.Marker, decode) {
		return nil, false, c.wrong(foreignHint, "the answer to another request came")
	}
	page, err = l.entries(&c, &awss3.ListObjectsV2Output{
		Contents: out.Contents, CommonPrefixes: out.CommonPrefixes, Prefix: out.Prefix, Delimiter: out.Delimiter, EncodingType: out.EncodingType,
	})
	if err != nil {
		return nil, false, err
	}
	first, next := "", decode(aws.ToString(out.NextMarker))
	for _, e := range page {
		if first = cmp.Or(first, e.Name()); out.NextMarker == nil {
			next = max(next, e.Name())
		}
	}
	if more = aws.ToBool(out.IsTruncated); !more {
		next = ""
	} else if next <= l.marker {
		return nil, false, c.wrong(foreignHint, "the response does not say where the next page starts")
	}
	if what := l.turns.page(first, next); what != "" {
		return nil, false, c.wrong(foreignHint, what)
	}
	l.marker = next
	return page, more, nil
}

// entries reads a page, which must be the one that was asked for as far as it says.
func (l *listing) entries(c *call, out *awss3.ListObjectsV2Output) ([]store.Entry, error) {
	decode := decoder(string(out.EncodingType))
	same := repeats(out.Prefix, l.in.Prefix, decode) && repeats(out.Delimiter, l.in.Delimiter, decode) &&
		repeats(out.StartAfter, l.in.StartAfter, decode) && (repeats(out.ContinuationToken, l.in.ContinuationToken, decode) ||
		l.in.ContinuationToken == nil && repeats(out.ContinuationToken, l.in.StartAfter, decode)) // as versitygw has it
	if !same {
		return nil, c.wrong(foreignHint, "the answer to another request came")
	}
	page := make([]store.Entry, 0, len(out.CommonPrefixes)+len(out.Contents))
	for _, p := range out.CommonPrefixes {
		page = append(page, store.Entry{Prefix: decode(aws.ToString(p.Prefix))})
	}
	for i := range out.Contents {
		o := &out.Contents[i]
		if aws.ToInt64(o.Size) < 0 || o.Size == nil {
			return nil, c.wrong(foreignHint, fmt.Sprintf("the object %q without a size came", aws.ToString(o.Key)))
		}
		page = append(page, store.Entry{Object: listed(l.ref.Bucket, decode(aws.ToString(o.Key)), o)})
	}
	for _, e := range page {
		if e.Name() == "" || !strings.HasPrefix(e.Name(), l.ref.Key) {
			return nil, c.wrong(foreignHint, fmt.Sprintf("the key %q came, which does not begin with %q", e.Name(), l.ref.Key))
		}
	}
	if n := int(aws.ToInt32(out.KeyCount)); n > len(page) && l.in.Delimiter == nil {
		return nil, c.wrong(foreignHint, fmt.Sprintf("%d of %d keys came", len(page), n))
	}
	return page, nil
}

func (l *listing) fail(kind store.Kind, err error) error {
	return &store.Error{Kind: kind, Op: "ListObjectsV2", Ref: l.ref, Err: err}
}

func listed(bucket, key string, o *types.Object) store.Object {
	out := store.Object{
		Ref: store.Ref{Bucket: bucket, Key: key}, Size: aws.ToInt64(o.Size), ETag: etag(aws.ToString(o.ETag)), Modified: timeOf(o.LastModified),
	}
	if o.StorageClass != types.ObjectStorageClassStandard {
		out.StorageClass = string(o.StorageClass)
	}
	return out
}

// decoder returns a func that undoes the encoding of names in a listing. Servers that do not support the encoding do not
// name it either.
func decoder(encoding string) func(string) string {
	if encoding != string(types.EncodingTypeUrl) {
		return plainText
	}
	return func(s string) string {
		s = plainText(s)
		if plain, err := url.QueryUnescape(s); err == nil {
			return plain
		}
		return s
	}
}
