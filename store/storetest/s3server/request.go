package s3server

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// request is one HTTP request in progress.
type request struct {
	call  *storetest.Call
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	query url.Values
	body  io.Reader // what the client sends, as the faults let it through
	begun bool      // the head of the answer has been sent
	cut   bool      // the connection is gone
}

// parse finds out what is asked for.
func (s *Server) parse(w http.ResponseWriter, r *http.Request) *request {
	q := &request{s: s, w: w, r: r, query: r.URL.Query(), body: r.Body}
	q.query.Del("x-id") // the SDKs name the operation for people to read
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	on := storetest.Target{Ref: store.Ref{Bucket: bucket, Key: key, Version: q.query.Get("versionId")}}
	on.Part, _ = strconv.Atoi(q.query.Get("partNumber"))
	op := q.name(on.Ref)
	switch op {
	case storetest.Get:
		on.Range.Offset, _, _ = offsets(r.Header.Get("Range"))
	case storetest.CopyPart:
		on.Range.Offset, _, _ = offsets(r.Header.Get("x-amz-copy-source-range"))
	case storetest.Uploads:
		on.Ref.Key = q.query.Get("prefix")
	}
	q.call = s.script.Call(r.Context(), s.count, op, on)
	return q
}

// name returns the operation; empty if the server does not support it.
func (q *request) name(ref store.Ref) storetest.Op {
	switch {
	case ref.Bucket == "" && q.r.Method == "GET":
		return storetest.ListBuckets
	case ref.Bucket == "":
		return ""
	case ref.Key == "":
		return q.bucketOp()
	}
	copies := q.r.Header.Get("x-amz-copy-source") != ""
	switch method, has := q.r.Method, q.query.Has; {
	case method == "HEAD":
		return storetest.Head
	case method == "GET" && has("uploadId"):
		return storetest.Parts
	case method == "GET" && has("attributes"):
		return storetest.Layout
	case method == "GET" && has("tagging"):
		return storetest.Tags
	case method == "GET" && has("annotationName"):
		return storetest.GetAnnotation
	case method == "GET" && has("annotation"):
		return storetest.ListAnnotations
	case method == "PUT" && has("annotation"):
		return storetest.PutAnnotation
	case method == "GET" && !has("acl"):
		return storetest.Get
	case method == "PUT" && has("uploadId") && copies:
		return storetest.CopyPart
	case method == "PUT" && has("uploadId"):
		return storetest.PutPart
	case method == "PUT" && copies:
		return storetest.Copy
	case method == "PUT" && !has("tagging") && !has("acl"):
		return storetest.Put
	case method == "POST" && has("uploads"):
		return storetest.Create
	case method == "POST" && has("uploadId"):
		return storetest.Complete
	case method == "DELETE" && has("uploadId"):
		return storetest.Abort
	case method == "DELETE":
		return storetest.Delete
	}
	return ""
}

func (q *request) bucketOp() storetest.Op {
	switch method, has := q.r.Method, q.query.Has; {
	case method == "HEAD":
		return storetest.HeadBucket
	case method == "PUT" && len(q.query) == 0:
		return storetest.CreateBucket
	case method == "PUT" && has("website"):
		return storetest.SetWebsite
	case method == "DELETE" && len(q.query) == 0:
		return storetest.DeleteBucket
	case method == "POST" && has("delete"):
		return storetest.DeleteMany
	case method == "GET" && has("uploads"):
		return storetest.Uploads
	case method == "GET" && has("location"):
		return storetest.Location
	case method == "GET" && (len(q.query) == 0 || has("list-type") || has("prefix") || has("delimiter") || has("max-keys")):
		return storetest.List
	}
	return ""
}

// answer does what is asked for and writes the answer, or returns the error to report.
func (q *request) answer() error {
	if q.call.LosesAnswer() {
		// The answer is made but discarded.
		late := *q
		late.w = &nowhere{header: http.Header{}}
		if err := late.answerNow(); err != nil {
			return err
		}
		return q.call.LoseAnswer()
	}
	return q.answerNow()
}

func (q *request) answerNow() error {
	handle := map[storetest.Op]func(*request) error{
		storetest.Get: (*request).get, storetest.Head: (*request).head, storetest.Layout: (*request).layout, storetest.Tags: (*request).tags,
		storetest.ListAnnotations: (*request).annotations, storetest.GetAnnotation: (*request).annotation, storetest.PutAnnotation: (*request).annotate,
		storetest.Put: (*request).put, storetest.Copy: (*request).copy, storetest.Delete: (*request).remove, storetest.DeleteMany: (*request).removeMany,
		storetest.Create: (*request).create, storetest.PutPart: (*request).putPart, storetest.CopyPart: (*request).copyPart, storetest.Parts: (*request).parts,
		storetest.Complete: (*request).complete, storetest.Abort: (*request).abort, storetest.Uploads: (*request).uploads,
		storetest.List: (*request).list, storetest.HeadBucket: (*request).headBucket, storetest.CreateBucket: (*request).createBucket,
		storetest.DeleteBucket: (*request).deleteBucket, storetest.SetWebsite: (*request).setWebsite, storetest.Location: (*request).location, storetest.ListBuckets: (*request).listBuckets,
	}[q.call.Op]
	if handle == nil {
		return storetest.Refuse(q.call.Op, q.call.On.Ref, store.Unsupported, "A header or query you provided implies functionality that is not implemented")
	}
	return handle(q)
}

// nowhere discards lost answers.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// sleep waits, unless the request ends before.
func (q *request) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-q.r.Context().Done():
		return context.Cause(q.r.Context())
	}
}

// finish reports the error, if there is one, and ends the call.
func (q *request) finish(err error) {
	defer q.call.End()
	if err == nil || q.cut {
		return
	}
	var e *store.Error
	if !errors.As(err, &e) {
		e = &store.Error{Kind: store.KindOf(err), Message: err.Error()}
	}
	switch {
	case e.Kind == store.Network || e.Kind == store.Stalled || q.r.Context().Err() != nil || q.begun:
		q.reset()
	default:
		q.refuse(e)
	}
}

// refuse reports an error in S3's words.
func (q *request) refuse(e *store.Error) {
	status, code := e.Status, e.Code
	if status == 0 {
		status, code = storetest.Words(e.Kind)
	}
	if status == 0 {
		status, code = 500, "InternalError"
	}
	h := q.w.Header()
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if e.Kind == store.WrongRegion {
		h.Set("x-amz-bucket-region", q.s.region)
	}
	if q.call.In200() {
		status = 200
	}
	q.drain()
	if q.r.Method == "HEAD" {
		q.w.WriteHeader(status)
		return
	}
	id := h.Get("x-amz-request-id")
	q.xml(status, errorXML{Code: code, Message: e.Message, Resource: q.r.URL.Path, RequestID: id, Region: q.wrongRegion(e)})
}

// maxBody is how much is read of the body of a request that is not an object, in bytes.
const maxBody = 64 << 20

// drain reads what is left of the request, so that the client gets to read the answer; unless the client waits for
// 100-continue.
func (q *request) drain() {
	if q.r.Header.Get("Expect") != "" {
		return
	}
	if _, err := io.CopyN(io.Discard, q.r.Body, maxBody); err != io.EOF {
		q.w.Header().Set("Connection", "close")
	}
}

func (q *request) wrongRegion(e *store.Error) string {
	if e.Kind == store.WrongRegion {
		return q.s.region
	}
	return ""
}

// reset cuts the connection so that the client sees a reset.
func (q *request) reset() { q.drop(true) }

func (q *request) drop(hard bool) {
	q.cut = true
	hijacker, ok := q.w.(http.Hijacker)
	if !ok {
		return // a lost answer
	}
	c, _, err := hijacker.Hijack()
	if err != nil {
		panic("s3server: internal error: " + err.Error())
	}
	if hard {
		linger(c)
	}
	c.Close()
}

// linger makes the Close of a connection reset it.
func linger(c net.Conn) {
	for {
		switch x := c.(type) {
		case interface{ NetConn() net.Conn }:
			c = x.NetConn()
		case *conn:
			c = x.Conn
		case *net.TCPConn:
			_ = x.SetLinger(0) // without it the connection just closes
			return
		default:
			return
		}
	}
}

// payload returns what the client sends, for a store to read. If it is framed as aws-chunked, it also returns the decoder:
// it knows what comes after the payload.
func (q *request) payload() (*io.SectionReader, *framed, error) {
	size := q.r.ContentLength
	if size < 0 {
		return nil, nil, &store.Error{Kind: store.Invalid, Status: 411, Code: "MissingContentLength"}
	}
	hash := q.r.Header.Get("x-amz-content-sha256")
	if strings.HasPrefix(hash, "STREAMING-") {
		size, err := strconv.ParseInt(q.r.Header.Get("x-amz-decoded-content-length"), 10, 64)
		if err != nil || size < 0 {
			return nil, nil, &store.Error{Kind: store.Invalid, Status: 411, Code: "MissingContentLength"}
		}
		f := &framed{r: bufio.NewReaderSize(q.body, 256<<10)}
		in := &stream{r: q.call.Payload(f, size, true), size: size}
		return io.NewSectionReader(in, 0, size), f, nil
	}
	in := &stream{r: q.call.Payload(q.body, size, true), size: size}
	if want, err := hex.DecodeString(hash); err == nil && len(want) == sha256.Size {
		sum := sha256.New()
		in.r = io.TeeReader(in.r, sum)
		in.check = func() error {
			if string(sum.Sum(nil)) == string(want) {
				return nil
			}
			e := storetest.Refuse(q.call.Op, q.call.On.Ref, store.Corrupt, "The provided 'x-amz-content-sha256' header does not match what was computed.")
			e.Code = "XAmzContentSHA256Mismatch"
			return e
		}
	}
	if size == 0 && in.check != nil {
		return io.NewSectionReader(in, 0, 0), nil, in.check()
	}
	return io.NewSectionReader(in, 0, size), nil, nil
}

// stream makes a reader look like the file that a store reads front to back.
type stream struct {
	r     io.Reader
	size  int64
	off   int64
	check func() error // of all bytes, after they have come
}

// ReadAt reads the next bytes.
func (s *stream) ReadAt(p []byte, off int64) (int, error) {
	if off != s.off {
		return 0, errors.New("s3server: internal error: a payload is read twice")
	}
	n, err := s.r.Read(p)
	s.off += int64(n)
	if s.off == s.size && s.check != nil && (err == nil || err == io.EOF) {
		if wrong := s.check(); wrong != nil {
			return n, wrong
		}
	}
	return n, err
}

// invalid refuses a request with a code of its own.
func (q *request) invalid(code, message string) *store.Error {
	e := storetest.Refuse(q.call.Op, q.call.On.Ref, store.Invalid, message)
	e.Code = code
	return e
}
