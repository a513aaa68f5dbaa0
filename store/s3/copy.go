package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Copy copies an object on the server. Headers, metadata and tags are copied, unless Attrs has some: then those of Attrs
// replace all of the source's. A map that is empty but not nil replaces the source's with none.
func (s *Store) Copy(ctx context.Context, r store.CopyRequest) (store.Object, error) {
	c := newCall("CopyObject", r.To, r.Attrs)
	c.slow = true
	source := copyFrom(&c, r.From, r.IfMatch)
	if r.NoClobber {
		c.header.Set(ifNoneMatch, "*")
		c.pinned = false
	}
	if a := r.Attrs; a != nil {
		if a.Headers != (store.Headers{}) || a.Metadata != nil {
			c.header.Set("X-Amz-Metadata-Directive", "REPLACE")
		}
		if a.Tags != nil {
			c.header.Set("X-Amz-Tagging-Directive", "REPLACE")
		}
	}
	if err := c.check(objectHeaders(c.header, r.Attrs)); err != nil {
		return store.Object{}, err
	}
	set(c.header, "X-Amz-Object-Annotation-Directive", string(r.Annotations))
	if r.Sum != checksum.None {
		c.sums = r.Sum
		c.header.Set(algorithmHeader, string(r.Sum))
	}
	in := &awss3.CopyObjectInput{Bucket: &r.To.Bucket, Key: &r.To.Key, CopySource: &source}
	_, x, err := ask(ctx, s, &c, (*awss3.Client).CopyObject, in)
	if errors.Is(err, store.ChecksumRefused) {
		c.sums = checksum.None
		c.header.Del(algorithmHeader)
		_, x, err = ask(ctx, s, &c, (*awss3.Client).CopyObject, in)
	}
	if err != nil {
		return store.Object{}, err
	}
	var doc copyResult
	_ = xml.Unmarshal(x.body, &doc)
	o := objectFrom(r.To, x.answer)
	o.ETag = etag(doc.ETag)
	if err := s.encrypted(ctx, x, o, ownSource(r.From, r.To)); err != nil {
		return store.Object{}, err
	}
	if t, err := parseTime(doc.LastModified); err == nil {
		o.Modified = t
	}
	for _, a := range algorithms {
		if s := wholeSumOf(a, doc.value(a), doc.Type, o.ETag); !s.IsZero() && o.Sum(a).IsZero() {
			o.Sums = append(o.Sums, s)
		}
	}
	return o, nil
}

type copyResult struct {
	ETag         string
	LastModified string
	sumElements
}

// copyFrom sets the headers of the source, and returns its name as the CopySource of the SDK.
func copyFrom(c *call, from store.Ref, match string) string {
	copyHeaders(c.header, c.attrs)
	set(c.header, "X-Amz-Copy-Source-If-Match", quoted(match))
	c.pinned = match != ""
	source := escaped(from.Bucket + "/" + from.Key)
	if from.Version != "" {
		source += "?versionId=" + url.QueryEscape(from.Version)
	}
	return source
}

// CopyPart fills a part from a range of a stored object.
func (s *Store) CopyPart(ctx context.Context, r store.CopyPartRequest) (store.Part, error) {
	u := r.Upload
	c := newCall("UploadPartCopy", u.Ref, r.Attrs)
	c.slow, c.part = true, r.Number
	source := copyFrom(&c, r.From, r.IfMatch)
	if !r.Range.Whole() {
		c.header.Set("X-Amz-Copy-Source-Range", rangeHeader(r.Range))
	}
	if err := c.check(nil); err != nil {
		return store.Part{}, err
	}
	_, x, err := ask(ctx, s, &c, (*awss3.Client).UploadPartCopy, &awss3.UploadPartCopyInput{
		Bucket: &u.Bucket, Key: &u.Key, CopySource: &source, UploadId: &u.ID, PartNumber: aws.Int32(int32(r.Number)),
	})
	if err != nil {
		return store.Part{}, err
	}
	var doc copyResult
	if err := xml.Unmarshal(x.body, &doc); err != nil {
		return store.Part{}, c.wrong(foreignHint, "it cannot be read: "+err.Error())
	}
	return store.Part{Number: r.Number, Size: r.Range.Length, ETag: etag(doc.ETag), Sum: partSum(doc.value)}, nil
}

// Tags returns an object's tags.
func (s *Store) Tags(ctx context.Context, ref store.Ref, a *store.Attrs) (map[string]string, error) {
	c := newPlainCall("GetObjectTagging", ref, a)
	if err := c.check(nil); err != nil {
		return nil, err
	}
	in := &awss3.GetObjectTaggingInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref)}
	out, _, err := ask(ctx, s, &c, (*awss3.Client).GetObjectTagging, in)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.TagSet {
		if aws.ToString(t.Key) == "" {
			return nil, c.wrong(foreignHint, "a tag without a key came")
		}
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// ownSource reports whether a copy may be its own source: some stores treat a//b and a/b as one key, or fold case, and an
// access point is another name of its bucket.
func ownSource(from, to store.Ref) bool {
	return strings.EqualFold(path.Clean("/"+from.Key), path.Clean("/"+to.Key))
}
