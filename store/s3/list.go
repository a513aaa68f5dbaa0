package s3

import (
	"context"
	"iter"
	"net/http"
	"net/url"
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
	c := &call{op: "ListMultipartUploads", ref: store.Ref{Bucket: *in.Bucket}, root: "ListMultipartUploadsResult", header: http.Header{}}
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
