package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

var _ store.Annotator = (*Store)(nil)

// maxAnnotation is the size of the largest annotation, in bytes.
const maxAnnotation = 1 << 20

// Annotations returns the names of an object's annotations. A server that does not know them treats the request as GetObject.
func (s *Store) Annotations(ctx context.Context, ref store.Ref, a *store.Attrs) ([]string, error) {
	c := newPlainCall("ListObjectAnnotations", ref, a)
	if err := c.check(nil); err != nil {
		return nil, err
	}
	var names []string
	in := &awss3.ListObjectAnnotationsInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref)}
	for t := newTurns(); ; {
		out, _, err := ask(ctx, s, &c, (*awss3.Client).ListObjectAnnotations, in)
		if e := (*store.Error)(nil); errors.As(err, &e) && e.Kind == store.Unsupported && e.Code == "" {
			return nil, &store.Error{Kind: e.Kind, Op: e.Op, Ref: ref, Status: e.Status, RequestID: e.RequestID,
				Hint: "copy without them: leave out --copy-props all", Err: errors.New("the store has no annotations")}
		}
		if err != nil {
			return nil, err
		}
		first := ""
		for _, e := range out.Annotations {
			if aws.ToString(e.AnnotationName) == "" {
				return nil, c.wrong(foreignHint, "an annotation without a name came")
			}
			if first == "" {
				first = *e.AnnotationName
			}
			names = append(names, *e.AnnotationName)
		}
		if what := t.page(first, aws.ToString(out.NextContinuationToken)); what != "" {
			return nil, c.wrong(foreignHint, what)
		}
		if in.ContinuationToken = out.NextContinuationToken; aws.ToString(in.ContinuationToken) == "" {
			return names, nil
		}
	}
}

// Annotation returns one annotation, verified by the checksum that the server recorded for it, if it did.
func (s *Store) Annotation(ctx context.Context, ref store.Ref, name string, a *store.Attrs) ([]byte, error) {
	c := newPlainCall("GetObjectAnnotation", ref, a)
	c.header.Set(sumMode, "ENABLED")
	if err := c.check(nil); err != nil {
		return nil, err
	}
	var payload []byte
	x, err := s.do(ctx, &c, func(ctx context.Context, client *awss3.Client) error {
		out, err := client.GetObjectAnnotation(ctx, &awss3.GetObjectAnnotationInput{
			Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref), AnnotationName: &name,
		})
		if err != nil {
			return err
		}
		defer out.AnnotationPayload.Close()
		payload, err = io.ReadAll(io.LimitReader(out.AnnotationPayload, maxAnnotation+1))
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(payload) > maxAnnotation {
		return nil, c.wrong(foreignHint, "an annotation of more than 1 MiB came")
	}
	if want := headerSum(x.answer); !want.IsZero() && checksum.Bytes(want.Algorithm, payload) != want {
		return nil, &store.Error{Kind: store.Corrupt, Op: c.op, Ref: ref, Err: fmt.Errorf("the annotation %q is not the one that was stored: its %s differs", name, want.Algorithm)}
	}
	return payload, nil
}

// Annotate puts an annotation beside an object, with a checksum.
func (s *Store) Annotate(ctx context.Context, ref store.Ref, ifMatch string, n store.Annotation, a *store.Attrs) error {
	c := newPlainCall("PutObjectAnnotation", ref, a)
	c.pinned = ifMatch != ""
	if err := c.check(nil); err != nil {
		return err
	}
	in := &awss3.PutObjectAnnotationInput{
		Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref), AnnotationName: &n.Name, AnnotationPayload: bytes.NewReader(n.Payload),
		ChecksumCRC64NVME: aws.String(checksum.Bytes(checksum.CRC64NVME, n.Payload).Base64()),
	}
	if ifMatch != "" {
		in.ObjectIfMatch = aws.String(quoted(ifMatch))
	}
	_, _, err := ask(ctx, s, &c, (*awss3.Client).PutObjectAnnotation, in)
	return err
}
