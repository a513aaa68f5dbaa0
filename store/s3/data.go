package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

// objectTransport moves the data: all bytes of objects, and no other requests, go through it. Each call is one request. Its
// headers are ready; the objectTransport addresses, signs and sends it.
type objectTransport interface {
	// send stores the body as an object, or as a part of an upload if the request names one.
	send(context.Context, dataRequest) (*roundTrip, error)
	// fetch opens an object or a range of it. The body must be closed.
	fetch(context.Context, dataRequest) (*roundTrip, io.ReadCloser, error)
}

// dataRequest is one request for an objectTransport.
type dataRequest struct {
	call
	body     *io.SectionReader // of send
	buffer   []byte            // to carry it in; nil allocates one
	wire     *store.Wire       // to watch the connection; may be nil
	uploadID string
	trailing *trailingSum // nil if the checksum is in the header
	signed   bool         // the SDK must sign the body, too
}

// version returns the version to ask for, or nil.
func version(r store.Ref) *string {
	if r.Version == "" {
		return nil
	}
	return &r.Version
}

// Put stores an object in one request. A checksum that the server refuses is an Error of kind store.ChecksumRefused, and
// Scheme returns another one afterwards; one that it ignores is remembered, and the Object comes without Sums.
func (s *Store) Put(ctx context.Context, r store.PutRequest) (store.Object, error) {
	return s.PutIfMatch(ctx, r, "")
}

// PutIfMatch is Put, if the object that it replaces has that ETag; an empty one is any.
func (s *Store) PutIfMatch(ctx context.Context, r store.PutRequest, etag string) (store.Object, error) {
	m := dataRequest{call: newCall("PutObject", r.Ref, r.Attrs), body: r.Body, buffer: r.Buffer, wire: r.Wire}
	m.size, m.sums = r.Body.Size(), r.Sum.Algorithm
	setSum(m.header, r.Sum)
	set(m.header, ifMatch, quoted(etag))
	m.pinned = etag != ""
	if r.NoClobber {
		m.header.Set(ifNoneMatch, "*")
	}
	if err := m.check(objectHeaders(m.header, r.Attrs)); err != nil {
		return store.Object{}, err
	}
	x, err := s.transport.send(ctx, m)
	if err != nil {
		if errors.Is(err, store.ChecksumRefused) {
			s.profile.refuse(checksum.Scheme{Algorithm: r.Sum.Algorithm})
		}
		return store.Object{}, err
	}
	o := objectFrom(r.Ref, x.answer)
	if err := s.encrypted(ctx, x, o, false); err != nil {
		return store.Object{}, err
	}
	if got := o.Sum(r.Sum.Algorithm); !got.IsZero() && got.Value != r.Sum.Value {
		return store.Object{}, m.wrong(foreignHint, fmt.Sprintf("the response contains other bytes: %v instead of %v", got, r.Sum))
	}
	o.Size = r.Body.Size()
	s.learnFromPut(&o, r.Sum)
	if r.Attrs != nil {
		o.Attrs = store.Attrs{Headers: r.Attrs.Headers, Metadata: r.Attrs.Metadata}
		o.StorageClass = r.Attrs.StorageClass
	}
	return o, nil
}

// learnFromPut records whether the server echoed the checksum that it was sent.
func (s *Store) learnFromPut(o *store.Object, sent checksum.Sum) {
	switch {
	case sent.IsZero():
	case sent.Algorithm == checksum.MD5:
		// Content-MD5 is checked and not echoed; if the ETag is the MD5, it is.
		if m, ok := checksum.FromETag(o.ETag); ok && m == sent {
			o.Sums = append(o.Sums, m)
		}
	case o.Sum(sent.Algorithm).IsZero():
		if slices.Contains(recent, sent.Algorithm) || !s.profile.checked() {
			s.profile.ignore(sent.Algorithm)
		}
	default:
		s.profile.checks()
	}
}

// PutPart sends one part. The Part's Sum is the one that the server reports, if it does.
func (s *Store) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	u := r.Upload
	m := dataRequest{call: newCall("UploadPart", u.Ref, r.Attrs), body: r.Body, buffer: r.Buffer, wire: r.Wire, uploadID: u.ID}
	m.part, m.size, m.sums = r.Number, r.Body.Size(), r.Sum.Algorithm
	setSum(m.header, r.Sum)
	if r.Sum.IsZero() && r.LateSum != nil {
		if !s.TakesLateSums(u) {
			return store.Part{}, refuseTrailer(u.Ref, nil)
		}
		m.trailing = &trailingSum{algorithm: u.Scheme.Algorithm, sum: r.LateSum, size: r.Body.Size()}
		m.sums = u.Scheme.Algorithm
	}
	if err := m.check(nil); err != nil {
		return store.Part{}, err
	}
	p, err := s.putPart(ctx, r, m)
	if m.trailing != nil {
		err = s.refusesTrailers(u.Ref, p, err)
	}
	return p, err
}

func (s *Store) putPart(ctx context.Context, r store.PutPartRequest, m dataRequest) (store.Part, error) {
	x, err := s.transport.send(ctx, m)
	if err != nil {
		return store.Part{}, err
	}
	if err := x.keptKey(); err != nil { // not every server echoes it when the upload is opened
		return store.Part{}, err
	}
	p := store.Part{Number: r.Number, Size: r.Body.Size(), ETag: etag(x.answer.Get("ETag")), Sum: headerSum(x.answer)}
	if m, ok := checksum.FromETag(p.ETag); ok && p.Sum.IsZero() && m == r.Sum {
		p.Sum = m
	}
	return p, nil
}

// Get opens an object or a range of it.
func (s *Store) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	m := dataRequest{call: newCall("GetObject", r.Ref, r.Attrs)}
	set(m.header, ifMatch, quoted(r.IfMatch))
	m.pinned = r.IfMatch != ""
	if !r.Range.Whole() {
		if r.Range.Offset < 0 || r.Range.Length <= 0 {
			return nil, m.invalid("", fmt.Errorf("range of %d bytes at %d", r.Range.Length, r.Range.Offset))
		}
		m.header.Set("Range", rangeHeader(r.Range))
	}
	if err := m.check(nil); err != nil {
		return nil, err
	}
	var stream io.ReadCloser
	x, err := s.withSums(&m.call, func() (x *roundTrip, err error) {
		x, stream, err = s.transport.fetch(ctx, m)
		return x, err
	})
	if err != nil {
		return nil, err
	}
	body, err := s.open(x, r, stream)
	if err != nil {
		x.watchdog.Stop()
		return nil, errors.Join(err, ignoreClose(stream))
	}
	return body, nil
}

// ignoreClose closes a body that is not needed; cutting it off is not an error.
func ignoreClose(c io.Closer) error {
	_ = c.Close()
	return nil
}

// open reads from the head of an answer what its body is.
func (s *Store) open(x *roundTrip, r store.GetRequest, stream io.ReadCloser) (*store.Body, error) {
	length, err := strconv.ParseInt(x.answer.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	b := &store.Body{Object: objectFrom(r.Ref, x.answer)}
	if r.IfMatch != "" && b.Object.ETag != "" && b.Object.ETag != r.IfMatch {
		return nil, x.changed(b.Object.ETag, r.IfMatch)
	}
	b.Object.MD5ETag = s.md5ETags(x.answer)
	b.Object.Attrs = attrsFrom(x.answer)
	size := length
	if x.status == http.StatusPartialContent || x.answer.Get("Content-Range") != "" { // gofakes3 and rclone send a range with status 200
		b.Range, size, err = contentRange(x.answer.Get("Content-Range"))
		if emptyRange(x.answer.Get("Content-Range")) && length <= 0 {
			return nil, &store.Error{Kind: store.BadRange, Op: x.call.op, Ref: x.call.ref, Status: x.status}
		}
		if err == nil && (b.Range.Offset != r.Range.Offset || b.Range.Length != min(r.Range.Length, size-r.Range.Offset) || length >= 0 && length != b.Range.Length) {
			err = fmt.Errorf("another range came: %s", x.answer.Get("Content-Range"))
		}
		if err != nil {
			return nil, x.call.wrong("the server does not handle ranges as S3 does; haul cannot read from it in parts", err.Error())
		}
		if b.Range.Length != size {
			b.Object.Sums = nil // of what, is not certain
		}
	} else {
		switch {
		case size < 0:
			return nil, x.call.wrong("a proxy that modifies responses may be the cause", "an answer without a length came")
		case r.Range.Offset > 0:
			return nil, x.call.wrong("the server does not support ranges; haul cannot read from it in parts", "the server returned the whole object instead of a range")
		case r.Range.Whole():
			b.Range = store.Range{Length: size}
		default:
			b.Range = store.Range{Length: min(r.Range.Length, size)}
		}
	}
	b.Object.Size = size
	b.ReadCloser = &bodyReader{store: s, x: x, stream: stream, left: b.Range.Length}
	return b, nil
}

func (x *roundTrip) unsupported(hint string, err error) error {
	return &store.Error{Kind: store.Unsupported, Op: x.call.op, Ref: x.call.ref, Status: x.status, Hint: hint, Err: err}
}

// bodyReader returns the bytes of an answer, and errors of package store.
type bodyReader struct {
	store  *Store
	x      *roundTrip
	stream io.ReadCloser
	left   int64
	err    error
}

// Read returns io.EOF only after all bytes that were promised.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	b.x.watchdog.Resume()
	n, err := b.stream.Read(p)
	b.x.watchdog.Pause()
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, nil // what comes later, if anything, was not asked for
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		b.err = b.explain(err)
	}
	return n, b.err
}

func (b *bodyReader) explain(err error) error {
	x := b.x
	e := &store.Error{Op: x.call.op, Ref: x.call.ref, RequestID: x.answer.Get("X-Amz-Request-Id")}
	switch cause := x.watchdog.Cause(); cause {
	case nil:
		explainNet(e, err, b.store.secrets(x.call)...)
	case rawhttp.ErrStalled:
		b.store.explainStall(e, x)
	default:
		return fmt.Errorf("%s %s: %w", x.call.op, x.call.ref, cause)
	}
	return e
}

// Close returns the connection to the pool, or closes it if bytes are left on it.
func (b *bodyReader) Close() error {
	if b.err == nil {
		b.err = errClosed
	}
	err := b.stream.Close()
	b.x.watchdog.Stop()
	return err
}

var errClosed = errors.New("read after Close")

func rangeHeader(r store.Range) string {
	return "bytes=" + strconv.FormatInt(r.Offset, 10) + "-" + strconv.FormatInt(r.End()-1, 10)
}

func quoted(etag string) string {
	if etag == "" {
		return ""
	}
	return `"` + etag + `"`
}

// contentRange reads "bytes 0-99/1234".
func contentRange(s string) (r store.Range, size int64, err error) {
	text, _ := strings.CutPrefix(s, "bytes ")
	bounds, total, _ := strings.Cut(text, "/")
	from, to, _ := strings.Cut(bounds, "-")
	first, errFirst := strconv.ParseInt(from, 10, 64)
	last, errLast := strconv.ParseInt(to, 10, 64)
	size, errSize := strconv.ParseInt(total, 10, 64)
	if errFirst != nil || errLast != nil || errSize != nil || first < 0 || last < first || size <= last {
		return r, 0, fmt.Errorf("Content-Range is %q", s)
	}
	return store.Range{Offset: first, Length: last - first + 1}, size, nil
}
