package s3server

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

type annotationsXML struct {
	XMLName     xml.Name `xml:"ListObjectAnnotationsResult"`
	Bucket, Key string
	Annotations struct {
		AnnotationEntry []annotationXML
	}
	AnnotationCount       int
	NextContinuationToken string `xml:",omitempty"`
}

type annotationXML struct {
	AnnotationName, LastModified string
	Size                         int
}

// annotations lists an object's annotations, one page after the other.
func (q *request) annotations() error {
	ref := q.call.On.Ref
	names, err := q.s.memory.Annotations(q.r.Context(), ref, q.attrs())
	if err != nil {
		return err
	}
	from, _ := strconv.Atoi(q.query.Get("continuation-token"))
	end := min(len(names), from+q.s.page)
	out := annotationsXML{Bucket: ref.Bucket, Key: ref.Key, AnnotationCount: end - from}
	for _, name := range names[from:end] {
		out.Annotations.AnnotationEntry = append(out.Annotations.AnnotationEntry, annotationXML{AnnotationName: name, LastModified: "2026-06-01T00:00:00Z", Size: 1})
	}
	if end < len(names) {
		out.NextContinuationToken = strconv.Itoa(end)
	}
	q.xml(http.StatusOK, out)
	return nil
}

func (q *request) annotation() error {
	payload, err := q.s.memory.Annotation(q.r.Context(), q.call.On.Ref, q.query.Get("annotationName"), q.attrs())
	if err != nil {
		return err
	}
	q.w.Header().Set(checksumHeader(checksum.CRC64NVME), checksum.Bytes(checksum.CRC64NVME, payload).Base64())
	q.w.Header().Set("Content-Length", strconv.Itoa(len(payload)))
	q.w.WriteHeader(http.StatusOK)
	_, err = q.w.Write(payload)
	return err
}

func (q *request) annotate() error {
	in, err := q.whole()
	if err != nil {
		return err
	}
	var payload bytes.Buffer
	if _, err := io.Copy(&payload, in.body); err != nil {
		return q.call.Failed(err)
	}
	if in.sum.IsZero() || checksum.Bytes(in.sum.Algorithm, payload.Bytes()) != in.sum {
		return q.invalid("BadDigest", "The annotation came without its checksum.")
	}
	n := store.Annotation{Name: q.query.Get("annotationName"), Payload: payload.Bytes()}
	if err := q.s.memory.Annotate(q.r.Context(), q.call.On.Ref, unquoted(q.r.Header.Get("x-amz-object-if-match")), n, q.attrs()); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}
