package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"haul.example/haul/store"
)

// Delete deletes an object, or one version of it.
func (s *Store) Delete(ctx context.Context, ref store.Ref, a *store.Attrs) error {
	c := newPlainCall("DeleteObject", ref, a)
	if err := c.check(nil); err != nil {
		return err
	}
	in := &awss3.DeleteObjectInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref)}
	_, _, err := ask(ctx, s, &c, (*awss3.Client).DeleteObject, in)
	if errors.Is(err, store.NotFound) { // some servers say so
		return nil
	}
	return err
}

// deleteTime is how long a store may take for each object of DeleteMany, in bytes of answerRate: a fifth of a second.
const deleteTime = answerRate / 5

// DeleteMany deletes objects by one request. Keys that XML cannot hold, and those that the answer does not mention, are an
// Error of kind Unsupported each: the request asks for an answer that names every object, since one that is quiet about
// success looks like many wrong ones.
func (s *Store) DeleteMany(ctx context.Context, refs []store.Ref, a *store.Attrs) ([]error, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	c := newPlainCall("DeleteObjects", store.Ref{Bucket: refs[0].Bucket}, a)
	c.size = int64(len(refs)) * deleteTime
	each, named, err := c.naming(refs)
	if err != nil {
		return nil, err
	}
	if !s.profile.has(deleteObjects) {
		return nil, c.unsupported()
	}
	if len(named) == 0 {
		return each, nil
	}
	var out *awss3.DeleteObjectsOutput
	_, err = s.do(ctx, &c, func(ctx context.Context, client *awss3.Client) (err error) {
		in := &awss3.DeleteObjectsInput{Bucket: &refs[0].Bucket, Delete: &types.Delete{Objects: named, Quiet: aws.Bool(false)}}
		out, err = client.DeleteObjects(ctx, in, sumByMD5)
		return err
	})
	switch {
	case errors.Is(err, store.Unsupported):
		s.profile.foundMissing(deleteObjects)
	case errors.Is(err, store.Invalid) && !s.profile.aws: // Google's answer, too; one by one, each gets its own
		return nil, c.unsupported()
	}
	if err != nil {
		return nil, err
	}
	return each, s.fates(&c, refs, each, out)
}

func (c *call) unsupported() error {
	return &store.Error{Kind: store.Unsupported, Op: c.op, Ref: c.ref, Err: errors.New("this store deletes objects one by one")}
}

// naming lists what is to be deleted and XML can name; the others have an error.
func (c *call) naming(refs []store.Ref) (each []error, named []types.ObjectIdentifier, err error) {
	if len(refs) > store.MaxDelete {
		return nil, nil, c.invalid("delete at most 1000 objects at once", fmt.Errorf("%d objects are too many", len(refs)))
	}
	each = make([]error, len(refs))
	for i, ref := range refs {
		switch {
		case ref.Key == "" || ref.Bucket != c.ref.Bucket:
			return nil, nil, c.invalid("name objects of one bucket", fmt.Errorf("%s is not an object of the bucket", ref))
		case !inXML(ref.Key):
			each[i] = &store.Error{Kind: store.Unsupported, Op: c.op, Ref: ref, Err: errors.New("XML cannot hold the key")}
		default:
			named = append(named, types.ObjectIdentifier{Key: &ref.Key, VersionId: version(ref)})
		}
	}
	return each, named, nil
}

// inXML reports whether XML 1.0 can hold a key (section 2.2, Char).
func inXML(key string) bool {
	return utf8.ValidString(key) && !strings.ContainsFunc(key, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff'
	})
}

// fates assigns what an answer says to the objects that it is about.
func (s *Store) fates(c *call, refs []store.Ref, each []error, out *awss3.DeleteObjectsOutput) error {
	index := make(map[store.Ref]int, len(refs))
	said := make([]bool, len(refs))
	for i, ref := range refs {
		index[ref] = i
		said[i] = each[i] != nil
	}
	find := func(key, version *string) (int, bool) {
		ref := store.Ref{Bucket: c.ref.Bucket, Key: plainText(aws.ToString(key)), Version: aws.ToString(version)}
		i, ok := index[ref]
		if !ok {
			ref.Version = "" // some servers name the version that they found
			i, ok = index[ref]
		}
		return i, ok
	}
	for _, d := range out.Deleted {
		if i, ok := find(d.Key, d.VersionId); ok {
			said[i] = true
		}
	}
	for _, t := range out.Errors {
		i, ok := find(t.Key, t.VersionId)
		one := *c
		one.ref.Key = plainText(aws.ToString(t.Key))
		e := &store.Error{Op: c.op, Ref: one.ref}
		s.explainFault(e, &roundTrip{call: &one, fault: &fault{Code: aws.ToString(t.Code), Message: aws.ToString(t.Message), header: http.Header{}}})
		if !ok {
			return e
		}
		if said[i] = true; e.Kind != store.NotFound {
			each[i] = e
		}
	}
	for i, ref := range refs {
		if !said[i] {
			each[i] = &store.Error{Kind: store.Unsupported, Op: c.op, Ref: ref, Err: errors.New("the response does not say whether it was deleted")}
		}
	}
	return nil
}

// sumByMD5 makes a request carry Content-MD5, which every server supports, in place of the checksum that the SDK chose.
func sumByMD5(o *awss3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("haul:ContentMD5", setMD5), "Signing", middleware.Before)
	})
}

func setMD5(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok || req.GetStream() == nil || !req.IsStreamSeekable() {
		return next.HandleFinalize(ctx, in)
	}
	h := md5.New()
	if _, err := io.Copy(h, req.GetStream()); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	if err := req.RewindStream(); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	for name := range req.Header {
		if strings.HasPrefix(name, sumPrefix) || name == "X-Amz-Sdk-Checksum-Algorithm" {
			req.Header.Del(name)
		}
	}
	req.Header.Set(contentMD5, base64.StdEncoding.EncodeToString(h.Sum(nil)))
	return next.HandleFinalize(ctx, in)
}
