package s3

import (
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

	"haul/checksum"
	"haul/store"
)

// Uploads lists open uploads of keys that begin with prefix. MinIO lists them only where prefix is the whole key.
func (s *Store) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return func(yield func(store.Upload, error) bool) {
		in := &awss3.ListMultipartUploadsInput{Bucket: &bucket, EncodingType: types.EncodingTypeUrl}
		if prefix != "" {
			in.Prefix = &prefix
		}
		for {
			out, err := s.uploadsPage(ctx, in)
			if err != nil {
				yield(store.Upload{}, err)
				return
			}
			decode := decoder(string(out.EncodingType))
			for _, u := range out.Uploads {
				key := decode(aws.ToString(u.Key))
				if strings.HasPrefix(key, prefix) && !yield(uploadFrom(bucket, key, u), nil) {
					return
				}
			}
			key, id := decode(aws.ToString(out.NextKeyMarker)), aws.ToString(out.NextUploadIdMarker)
			same := key == aws.ToString(in.KeyMarker) && id == aws.ToString(in.UploadIdMarker)
			if !aws.ToBool(out.IsTruncated) || key == "" || same {
				return
			}
			in.KeyMarker, in.UploadIdMarker = &key, nil
			if id != "" {
				in.UploadIdMarker = &id
			}
		}
	}
}

func (s *Store) uploadsPage(ctx context.Context, in *awss3.ListMultipartUploadsInput) (out *awss3.ListMultipartUploadsOutput, err error) {
	c := &call{op: "ListMultipartUploads", ref: store.Ref{Bucket: *in.Bucket}, header: http.Header{}}
	_, err = s.do(ctx, c, func(ctx context.Context, client *awss3.Client) (err error) {
		out, err = client.ListMultipartUploads(ctx, in)
		return err
	})
	return out, err
}

func uploadFrom(bucket, key string, u types.MultipartUpload) store.Upload {
	up := store.Upload{
		Ref: store.Ref{Bucket: bucket, Key: key}, ID: aws.ToString(u.UploadId),
		Started: timeOf(u.Initiated), StorageClass: string(u.StorageClass),
	}
	if a, err := checksum.Parse(string(u.ChecksumAlgorithm)); err == nil && a != checksum.None {
		up.Scheme = schemeTold(a, string(u.ChecksumType))
	}
	return up
}

// List lists objects, page by page. Some stores give pages without objects before the last one; a page after which the next
// would be the same again is an Error.
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
			page = slices.DeleteFunc(page, func(e store.Entry) bool {
				name := e.Name()
				return !strings.HasPrefix(name, ref.Key) || name <= after
			})
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
	last  string // entry of the page before
}

func (s *Store) newListing(ref store.Ref, delimiter, after string, a *store.Attrs) (*listing, error) {
	l := &listing{s: s, ref: ref, attrs: a}
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
		l.in.StartAfter = &after
	}
	return l, nil
}

// next gives the next page.
func (l *listing) next(ctx context.Context) (page []store.Entry, more bool, err error) {
	var out *awss3.ListObjectsV2Output
	c := newPlainCall("ListObjectsV2", l.ref, l.attrs)
	_, err = l.s.do(ctx, &c, func(ctx context.Context, client *awss3.Client) (err error) {
		out, err = client.ListObjectsV2(ctx, &l.in)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	decode := decoder(string(out.EncodingType))
	page = make([]store.Entry, 0, len(out.CommonPrefixes)+len(out.Contents))
	for _, p := range out.CommonPrefixes {
		page = append(page, store.Entry{Prefix: decode(aws.ToString(p.Prefix))})
	}
	for i := range out.Contents {
		page = append(page, store.Entry{Object: listed(l.ref.Bucket, decode(aws.ToString(out.Contents[i].Key)), &out.Contents[i])})
	}
	if !aws.ToBool(out.IsTruncated) {
		return page, false, nil
	}
	return page, true, l.turn(aws.ToString(out.NextContinuationToken), page)
}

// turn makes the request for the page after this one.
func (l *listing) turn(token string, page []store.Entry) error {
	last := l.last
	if n := len(page); n > 0 {
		last = page[n-1].Name()
	}
	switch {
	case token == "" || token == aws.ToString(l.in.ContinuationToken):
		return l.fail(store.Unknown, fmt.Errorf("the server says that the listing goes on after %q, but not how", last))
	case len(page) > 0 && last == l.last:
		return l.fail(store.Unknown, fmt.Errorf("the server gives the page that ends with %q again and again", last))
	}
	l.in.ContinuationToken, l.last = &token, last
	return nil
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

// decoder undoes the encoding of names in a listing. Servers that do not know the encoding do not name it either.
func decoder(encoding string) func(string) string {
	if encoding != string(types.EncodingTypeUrl) {
		return func(s string) string { return s }
	}
	return func(s string) string {
		if plain, err := url.QueryUnescape(s); err == nil {
			return plain
		}
		return s
	}
}
