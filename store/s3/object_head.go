package s3

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/store"
)

// Head returns what the server records of an object.
func (s *Store) Head(ctx context.Context, r store.GetRequest) (store.Object, error) {
	x, err := s.head(ctx, r, 0)
	if err != nil {
		if why := s.unveil(ctx, r, x, err); why != nil {
			return store.Object{}, why
		}
		if x, err = s.head(ctx, r, 0); err != nil {
			return store.Object{}, err
		}
	}
	o := objectFrom(r.Ref, x.answer)
	o.MD5ETag = s.md5ETags(x.answer)
	o.Attrs = attrsFrom(x.answer)
	if o.Size, err = contentLength(x); err != nil {
		return store.Object{}, err
	}
	if r.IfMatch != "" && o.ETag != "" && o.ETag != r.IfMatch {
		return store.Object{}, x.changed(o.ETag, r.IfMatch)
	}
	return o, nil
}

// head asks for an object, or for one part of it if part is not 0.
func (s *Store) head(ctx context.Context, r store.GetRequest, part int) (*roundTrip, error) {
	c := newCall("HeadObject", r.Ref, r.Attrs)
	set(c.header, ifMatch, quoted(r.IfMatch))
	c.pinned = r.IfMatch != ""
	if err := c.check(nil); err != nil {
		return nil, err
	}
	in := &awss3.HeadObjectInput{Bucket: &r.Bucket, Key: &r.Key, VersionId: version(r.Ref)}
	if part != 0 {
		in.PartNumber = aws.Int32(int32(part))
	}
	return s.withSums(&c, func() (*roundTrip, error) {
		_, x, err := ask(ctx, s, &c, (*awss3.Client).HeadObject, in)
		return x, err
	})
}

// unveil finds out why a HEAD was refused. Its answer has no body and so no code; that to a GET of one byte has. It returns
// nil if the GET succeeded: then it has found the bucket's region, and the HEAD is worth another try.
func (s *Store) unveil(ctx context.Context, r store.GetRequest, x *roundTrip, err error) error {
	if x == nil || x.fault == nil || x.fault.Code != "" || x.status != http.StatusForbidden && x.status != http.StatusBadRequest {
		return err
	}
	r.Range = store.Range{Length: 1}
	body, why := s.Get(ctx, r)
	switch {
	case why == nil:
		_ = body.Close() // cut off
		if s.regionFor(r.Bucket) != x.region {
			return nil
		}
		return err
	case store.KindOf(why) == store.BadRange:
		return err
	}
	return why
}

func contentLength(x *roundTrip) (int64, error) {
	n, err := strconv.ParseInt(x.answer.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return 0, x.call.wrong("a proxy that modifies responses may be the cause", "an answer without the object's size came")
	}
	return n, nil
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }

// changed returns the Error of an answer about another state than the one that was asked for: a few servers ignore the
// condition.
func (x *roundTrip) changed(etag, match string) error {
	return &store.Error{
		Kind: store.Changed, Op: x.call.op, Ref: x.call.ref, Status: x.status, Err: fmt.Errorf("its ETag is %s, not %s", etag, match),
	}
}
