package s3server

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// xml writes an answer.
func (q *request) xml(status int, v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		panic("s3server: internal error: " + err.Error())
	}
	b = append([]byte(xml.Header), b...)
	q.w.Header().Set("Content-Type", "application/xml")
	q.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	q.w.WriteHeader(status)
	_, _ = q.w.Write(b) // the client may be gone
}

// getRequest returns what a GET or HEAD asks for, except the range.
func (q *request) getRequest() store.GetRequest {
	return store.GetRequest{Ref: q.call.On.Ref, IfMatch: unquoted(q.r.Header.Get("If-Match")), Attrs: q.attrs()}
}

func (q *request) get() error {
	g := q.getRequest()
	count := 0
	if q.query.Has("partNumber") {
		o, p, n, err := q.partRange()
		if err != nil {
			return err
		}
		g.IfMatch, g.Range, count = o.ETag, p, n
	} else if err := q.setRange(&g); err != nil {
		return err
	}
	b, err := q.s.memory.Get(q.r.Context(), g)
	if err != nil {
		return q.unsatisfied(err)
	}
	defer b.Close()
	q.describe(b.Object)
	q.w.Header().Set("Content-Length", strconv.FormatInt(b.Range.Length, 10))
	status := http.StatusOK
	if !g.Range.Whole() {
		status = http.StatusPartialContent
		q.contentRange(b.Range, b.Object.Size)
	}
	if count > 0 {
		q.w.Header().Set("x-amz-mp-parts-count", strconv.Itoa(count))
	}
	q.w.WriteHeader(status)
	q.begun = true
	return q.send(b)
}

// send writes the payload, as the faults let it through.
func (q *request) send(b *store.Body) error {
	out := q.call.Payload(b, b.Range.Length, false)
	buf := make([]byte, 64<<10)
	for {
		n, err := out.Read(buf)
		if n > 0 {
			if _, werr := q.w.Write(buf[:n]); werr != nil {
				q.cut = true
				return nil // the client is gone
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return q.truncate()
		case err != nil:
			q.flush()
			return err
		}
	}
}

func (q *request) flush() { _ = http.NewResponseController(q.w).Flush() } // nowhere has nothing to flush

// truncate closes the connection properly, though not all was sent.
func (q *request) truncate() error {
	q.flush()
	q.drop(false)
	return nil
}

func (q *request) contentRange(r store.Range, size int64) {
	q.w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", r.Offset, r.End()-1, size))
}

// setRange parses the Range header, which may count from the end.
func (q *request) setRange(g *store.GetRequest) error {
	first, length, err := offsets(q.r.Header.Get("Range"))
	switch {
	case err != nil:
		return storetest.Refuse(storetest.Get, g.Ref, store.BadRange, err.Error())
	case first < 0:
		o, err := q.s.memory.Peek(g.Ref)
		if err != nil {
			return err
		}
		first = max(0, o.Size+first)
		length = max(1, o.Size-first) // of an empty object, it is past the end
	}
	g.Range = store.Range{Offset: first, Length: length}
	return nil
}

// unsatisfied adds the object's size to an error about a range.
func (q *request) unsatisfied(err error) error {
	if errors.Is(err, store.BadRange) {
		if o, err := q.s.memory.Peek(q.call.On.Ref); err == nil {
			q.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
		}
	}
	return err
}

// partRange returns the range of the part that is asked for, and how many there are (0: not stored in parts).
func (q *request) partRange() (o store.Object, r store.Range, count int, err error) {
	o, err = q.s.memory.Peek(q.call.On.Ref)
	if err != nil {
		return o, r, 0, err
	}
	parts := q.s.memory.PartsOf(o)
	number := max(1, len(parts))
	if q.call.On.Part < 1 || q.call.On.Part > number {
		return o, r, 0, &store.Error{Kind: store.BadRange, Status: 416, Code: "InvalidPartNumber"}
	}
	if len(parts) == 0 {
		return o, store.Range{}, 0, nil
	}
	for _, p := range parts[:q.call.On.Part-1] {
		r.Offset += p.Size
	}
	r.Length = parts[q.call.On.Part-1].Size
	return o, r, len(parts), nil
}

func (q *request) head() error {
	g := q.getRequest()
	o, err := q.s.memory.Head(q.r.Context(), g)
	if err != nil {
		return err
	}
	length, status := o.Size, http.StatusOK
	if q.query.Has("partNumber") {
		_, r, count, err := q.partRange()
		if err != nil {
			return err
		}
		if count > 0 {
			q.w.Header().Set("x-amz-mp-parts-count", strconv.Itoa(count))
			q.contentRange(r, o.Size)
			length, status = r.Length, http.StatusPartialContent
		}
	}
	q.describe(o)
	q.w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	q.w.WriteHeader(status)
	return nil
}

func (q *request) put() error {
	if err := q.conditional(); err != nil {
		return err
	}
	in, err := q.whole()
	if err != nil {
		return err
	}
	o, err := q.s.memory.Put(q.r.Context(), store.PutRequest{
		Ref: q.call.On.Ref, Body: in.body, Sum: in.sum, NoClobber: q.r.Header.Get("If-None-Match") == "*", Attrs: q.attrs(),
	})
	if err != nil {
		return err
	}
	q.stateHeaders(o)
	q.sumHeaders(o.Sum)
	for _, s := range o.Sums {
		q.w.Header().Set("x-amz-checksum-type", string(kindOf(s)))
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// conditional refuses the conditions of writes that a Memory does not support.
func (q *request) conditional() error {
	if q.r.Header.Get("If-Match") == "" {
		return nil
	}
	return q.unheard("If-Match", store.Unsupported)
}

// unheard refuses a header, in S3's words.
func (q *request) unheard(header string, k store.Kind) error {
	return storetest.Refuse(q.call.Op, q.call.On.Ref, k, "A header you provided implies functionality that is not implemented: "+header)
}

// copySource parses what is to be copied.
func (q *request) copySource() (store.Ref, error) {
	path, query, _ := strings.Cut(q.r.Header.Get("x-amz-copy-source"), "?")
	path, err := url.PathUnescape(path)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok {
		return store.Ref{}, q.invalid("InvalidArgument", "Copy Source must mention the source bucket and key")
	}
	vs, err := url.ParseQuery(query)
	if err != nil {
		return store.Ref{}, q.invalid("InvalidArgument", "Copy Source has a query that is none")
	}
	return store.Ref{Bucket: bucket, Key: key, Version: vs.Get("versionId")}, nil
}

func (q *request) copy() error {
	from, err := q.copySource()
	if err != nil {
		return err
	}
	h := q.r.Header
	a := q.attrs()
	switch replace := h.Get("x-amz-metadata-directive") == "REPLACE"; {
	case !replace:
		a.Headers, a.Metadata = store.Headers{}, nil
	case a.Metadata == nil:
		a.Metadata = map[string]string{}
	}
	switch replace := h.Get("x-amz-tagging-directive") == "REPLACE"; {
	case !replace:
		a.Tags = nil
	case a.Tags == nil:
		a.Tags = map[string]string{}
	}
	sum, err := checksum.Parse(h.Get("x-amz-checksum-algorithm"))
	if err != nil {
		return q.invalid("InvalidRequest", err.Error())
	}
	o, err := q.s.memory.Copy(q.r.Context(), store.CopyRequest{
		From: from, IfMatch: unquoted(h.Get("x-amz-copy-source-if-match")), To: q.call.On.Ref, NoClobber: h.Get("If-None-Match") == "*", Sum: sum, Attrs: a,
		Annotations: store.Annotations(h.Get("x-amz-object-annotation-directive")),
	})
	if err != nil {
		return err
	}
	out := copyXML{XMLName: xml.Name{Local: "CopyObjectResult"}, LastModified: stamp(time.Now().Truncate(time.Second)), ETag: quoted(o.ETag)}
	for _, s := range o.Sums {
		out.checksumXML, out.ChecksumType = sumXML(s), kindOf(s)
	}
	q.stateHeaders(o)
	q.w.Header().Del("ETag")
	q.xml(http.StatusOK, out)
	return nil
}

func (q *request) tags() error {
	tags, err := q.s.memory.Tags(q.r.Context(), q.call.On.Ref, q.attrs())
	if err != nil {
		return err
	}
	var out taggingXML
	for k, v := range tags {
		out.TagSet.Tag = append(out.TagSet.Tag, tagXML{k, v})
	}
	slices.SortFunc(out.TagSet.Tag, func(a, b tagXML) int { return strings.Compare(a.Key, b.Key) })
	q.xml(http.StatusOK, out)
	return nil
}

func (q *request) layout() error {
	o, err := q.s.memory.Head(q.r.Context(), q.getRequest())
	if err != nil {
		return err
	}
	parts, err := q.s.memory.Layout(q.r.Context(), o, q.attrs())
	if err != nil {
		return err
	}
	out := attributesXML{}
	for word := range strings.SplitSeq(strings.Join(q.r.Header.Values("x-amz-object-attributes"), ","), ",") {
		switch strings.TrimSpace(word) {
		case "ETag":
			out.ETag = o.ETag
		case "StorageClass":
			out.StorageClass = classXML(o.StorageClass)
		case "ObjectSize":
			out.ObjectSize = &o.Size
		case "Checksum":
			for _, s := range o.Sums {
				out.Checksum = &attributesChecksumXML{checksumXML: sumXML(s), ChecksumType: kindOf(s)}
			}
		case "ObjectParts":
			out.ObjectParts = q.objectParts(o, parts)
		}
	}
	q.w.Header().Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	q.xml(http.StatusOK, out)
	return nil
}

// objectParts returns a page of an object's parts; they are named only if each has a checksum.
func (q *request) objectParts(o store.Object, parts []store.Part) *objectPartsXML {
	if len(q.s.memory.PartsOf(o)) == 0 {
		return nil
	}
	h := q.r.Header
	out := &objectPartsXML{PartsCount: len(parts), MaxParts: q.limit(h.Get("x-amz-max-parts"))}
	if parts[0].Sum.Algorithm == checksum.None {
		return out
	}
	out.PartNumberMarker, _ = strconv.Atoi(h.Get("x-amz-part-number-marker"))
	parts, out.IsTruncated = pageOf(parts, out.PartNumberMarker, out.MaxParts)
	for _, p := range parts {
		out.Part = append(out.Part, partXML{PartNumber: p.Number, Size: p.Size, checksumXML: sumXML(p.Sum)})
		out.NextPartNumberMarker = p.Number
	}
	return out
}

// limit parses the page size.
func (q *request) limit(text string) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return min(n, q.s.page)
	}
	return q.s.page
}
