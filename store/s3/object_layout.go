package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

const (
	// maxHeads is the number of parts up to which they are asked for one by one.
	maxHeads = 1000
	// headsAtOnce bounds the concurrent requests for them.
	headsAtOnce = 16
)

// Layout returns the parts in which an object was uploaded. Servers keep them in different detail: a list with sums (AWS,
// for uploads with checksums, and MinIO), or each part by a HEAD, or not at all, which is an Error of kind
// store.Unsupported.
func (s *Store) Layout(ctx context.Context, o store.Object, a *store.Attrs) ([]store.Part, error) {
	etag, isMD5 := checksum.FromETag(o.ETag)
	if isMD5 && etag.Parts == 0 || o.Size == 0 {
		return []store.Part{{Number: 1, Size: o.Size, ETag: o.ETag}}, nil
	}
	if s.profile.has(objectAttributes) {
		parts, err := s.attributes(ctx, o, a)
		if err == nil && parts != nil {
			return parts, nil
		}
		if store.KindOf(err) == store.Changed || ctx.Err() != nil {
			return nil, err
		}
	}
	l := layout{s: s, o: o, get: store.GetRequest{Ref: o.Ref, IfMatch: o.ETag, Attrs: a}}
	return l.find(ctx)
}

// layout finds the parts of an object by asking for them.
type layout struct {
	s   *Store
	o   store.Object
	get store.GetRequest
}

func (l layout) unsupported(text string) error {
	return &store.Error{Kind: store.Unsupported, Op: "HeadObject", Ref: l.o.Ref, Err: errors.New(text)}
}

func (l layout) find(ctx context.Context) ([]store.Part, error) {
	if !l.s.profile.has(partNumbers) {
		return nil, l.unsupported("the store does not report the parts of an object")
	}
	x, err := l.head(ctx, 1)
	if err != nil {
		return nil, err
	}
	first, err := contentLength(x)
	if err != nil {
		return nil, err
	}
	count := l.count(x)
	if x.status != 206 && x.answer.Get("Content-Range") == "" && first == l.o.Size && count != 1 {
		l.s.profile.foundMissing(partNumbers)
		return nil, l.unsupported("the store does not report the parts of an object")
	}
	if count == 0 {
		return nil, l.unsupported("the store does not report the number of parts of the object")
	}
	if parts, err := l.equal(ctx, first, count); parts != nil || err != nil {
		return parts, err
	}
	if count > maxHeads {
		return nil, l.unsupported(fmt.Sprintf("the %d parts are of different sizes, and the store reports them only one by one", count))
	}
	return l.each(ctx, count)
}

// head asks for one part. Servers that do not support the request answer in several ways: moto, by 412, as if the object
// had changed.
func (l layout) head(ctx context.Context, part int) (*roundTrip, error) {
	x, err := l.s.head(ctx, l.get, part)
	var e *store.Error
	if err == nil || !errors.As(err, &e) {
		return x, err
	}
	switch e.Status {
	case http.StatusPreconditionFailed:
		if _, err := l.s.head(ctx, l.get, 0); err != nil { // it has changed
			return nil, err
		}
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestedRangeNotSatisfiable, http.StatusNotImplemented:
	default:
		return nil, err
	}
	l.s.profile.foundMissing(partNumbers)
	return nil, l.unsupported("the store does not report the parts of an object: it answers by status " + strconv.Itoa(e.Status))
}

// count returns the number of parts, from the header or the ETag; 0 is unknown.
func (l layout) count(x *roundTrip) int {
	if n, err := strconv.Atoi(x.answer.Get("X-Amz-Mp-Parts-Count")); err == nil && n > 0 && n <= maxPart {
		return n
	}
	if e, _ := checksum.FromETag(l.o.ETag); e.Parts <= maxPart {
		return e.Parts
	}
	return 0
}

// equal returns the parts of an object that was split into equal ones, the last perhaps smaller, or nil if it was not. The
// second and the last two are asked for, which detects other layouts, such as parts that grow.
func (l layout) equal(ctx context.Context, size int64, count int) ([]store.Part, error) {
	last := l.o.Size - size*int64(count-1)
	if size <= 0 || last <= 0 || last > size {
		return nil, nil
	}
	want := func(n int) int64 {
		if n == count {
			return last
		}
		return size
	}
	looks := []int{2, count - 1, count}
	slices.Sort(looks)
	for _, n := range slices.Compact(looks) {
		if n < 2 || n > count {
			continue
		}
		got, err := l.size(ctx, n)
		if err != nil {
			return nil, err
		}
		if got != want(n) {
			return nil, nil
		}
	}
	parts := make([]store.Part, count)
	for i := range parts {
		parts[i] = store.Part{Number: i + 1, Size: want(i + 1)}
	}
	return parts, nil
}

// size returns the size of one part.
func (l layout) size(ctx context.Context, part int) (int64, error) {
	x, err := l.head(ctx, part)
	if err != nil {
		return 0, err
	}
	return contentLength(x)
}

// each asks for all parts, several at once.
func (l layout) each(ctx context.Context, count int) ([]store.Part, error) {
	parts := make([]store.Part, count)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(headsAtOnce)
	for i := range parts {
		g.Go(func() error {
			n, err := l.size(gctx, i+1)
			parts[i] = store.Part{Number: i + 1, Size: n}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return l.s.whole(l.o, parts)
}

// whole checks that parts make up the object.
func (s *Store) whole(o store.Object, parts []store.Part) ([]store.Part, error) {
	var sum int64
	for i, p := range parts {
		sum += p.Size
		if p.Number != i+1 {
			sum = -1
			break
		}
	}
	if sum != o.Size {
		s.profile.foundMissing(partNumbers)
		return nil, &store.Error{Kind: store.Unsupported, Op: "Layout", Ref: o.Ref, Err: errors.New("the parts that the store reports do not add up to the object")}
	}
	return parts, nil
}

// attributes asks for the list of parts. It returns nil if the server has none for this object, or does not know the
// request: old servers answer it with the object itself, which is noticed before it is read (see readXML).
func (s *Store) attributes(ctx context.Context, o store.Object, a *store.Attrs) ([]store.Part, error) {
	c := newCall("GetObjectAttributes", o.Ref, a)
	in := &awss3.GetObjectAttributesInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: version(o.Ref), MaxParts: aws.Int32(1000),
		ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesEtag, types.ObjectAttributesChecksum, types.ObjectAttributesObjectParts}}
	var listed []listedPart
	for marker := 0; ; {
		_, x, err := ask(ctx, s, &c, (*awss3.Client).GetObjectAttributes, in)
		if err != nil {
			if k := store.KindOf(err); k == store.Unsupported {
				s.profile.foundMissing(objectAttributes)
			}
			return nil, err
		}
		page, err := attributesPage(x, o)
		if err != nil || len(page.parts) == 0 {
			return nil, err
		}
		listed = append(listed, page.parts...)
		if !page.more || page.next <= marker {
			break
		}
		marker = page.next
		in.PartNumberMarker = aws.String(strconv.Itoa(marker))
	}
	parts := newest(listed)
	if impossible(parts) != "" {
		return nil, nil
	}
	return s.listed(o, parts), nil
}

// listed returns the parts if they make up the object, else nil.
func (s *Store) listed(o store.Object, parts []store.Part) []store.Part {
	var sum int64
	for i := range parts {
		parts[i].Number = i + 1 // numbers may have had gaps when the parts were sent; the object has none
		sum += parts[i].Size
	}
	if sum != o.Size {
		return nil
	}
	return parts
}

func attributesPage(x *roundTrip, o store.Object) (page, error) {
	var doc struct {
		ETag        string
		ObjectParts struct {
			IsTruncated          bool
			NextPartNumberMarker int
			Part                 []struct {
				PartNumber int
				Size       int64
				sumElements
			}
		}
	}
	if err := xml.Unmarshal(x.body, &doc); err != nil {
		return page{}, x.unsupported("", err)
	}
	if t := etag(doc.ETag); t != "" && t != o.ETag {
		return page{}, &store.Error{Kind: store.Changed, Op: x.call.op, Ref: o.Ref, Err: fmt.Errorf("ETag is %s now, was %s", t, o.ETag)}
	}
	out := page{more: doc.ObjectParts.IsTruncated, next: doc.ObjectParts.NextPartNumberMarker}
	for _, d := range doc.ObjectParts.Part {
		out.parts = append(out.parts, listedPart{Part: store.Part{Number: d.PartNumber, Size: d.Size, Sum: partSum(d.value)}})
	}
	return out, nil
}
