package s3

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

// trailingSum is the framing of a body whose checksum follows it: aws-chunked, with all of the body as one chunk and the
// checksum as a trailing header. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
//
// Half of the servers get it wrong. So it is only used with those that settled on a checksum when the upload was opened, it
// counts as working when the answer to a part repeats the sum, and if the first part fails it is not used again.
type trailingSum struct {
	algorithm checksum.Algorithm
	sum       func() checksum.Sum // when all of the body has been read
	size      int64               // of the body
}

const streamingTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

// frame puts the framing around the body of a request, and announces it.
func (l *trailingSum) frame(r *rawhttp.Request) {
	h := r.HTTP.Header
	h.Set("Content-Encoding", "aws-chunked")
	h.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(l.size, 10))
	h.Set("X-Amz-Trailer", l.name())
	if l.size > 0 { // an empty body is framed by its trailer alone
		r.Lead = append(strconv.AppendInt(make([]byte, 0, 18), l.size, 16), "\r\n"...)
	}
	r.Trail = func(b *bytes.Buffer) { l.trail(b, l.sum()) }
	var b bytes.Buffer
	l.trail(&b, checksum.Sum{Algorithm: l.algorithm, Value: string(make([]byte, l.algorithm.Size()))})
	r.HTTP.ContentLength = int64(len(r.Lead)) + l.size + int64(b.Len())
}

// name returns the name of the trailing header.
func (l *trailingSum) name() string { return strings.ToLower(sumHeaders[l.algorithm]) }

// trail writes what follows the body.
func (l *trailingSum) trail(b *bytes.Buffer, sum checksum.Sum) {
	if l.size > 0 {
		b.WriteString("\r\n")
	}
	b.WriteString("0\r\n")
	b.WriteString(l.name())
	b.WriteByte(':')
	b.WriteString(sum.Base64())
	b.WriteString("\r\n\r\n")
}

// TakesLateSums reports whether the server settled on a checksum for the upload that can follow a part.
func (s *Store) TakesLateSums(u store.Upload) bool {
	a := u.Scheme.Algorithm
	return a != checksum.None && a != checksum.MD5 && !s.anonymous && !s.signPayload && s.profile.has(trailers)
}

// errNoTrailer says that a request cannot be sent with a trailing checksum.
var errNoTrailer = errors.New("no checksum can follow a body here")

// refusesTrailers decides what the outcome of a part with a trailing checksum says about the server.
func (s *Store) refusesTrailers(ref store.Ref, p store.Part, err error) error {
	if err == nil && !p.Sum.IsZero() {
		s.profile.foundSupported(trailers)
		return nil
	}
	var e *store.Error
	if err != nil && !errors.Is(err, errNoTrailer) && (!errors.As(err, &e) || !doubtful(e, s.profile.seen(trailers))) {
		return err
	}
	if !s.profile.seen(trailers) {
		s.profile.foundMissing(trailers)
	}
	if errors.Is(err, store.Corrupt) && e.Code != "XAmzContentSHA256Mismatch" { // it may be true
		return err
	}
	return refuseTrailer(ref, err)
}

// refuseTrailer refuses a trailing checksum, because of err. The text of a refusal is left out: an old server that takes the
// framing for data says that the bytes are wrong (Ceph 16, XAmzContentSHA256Mismatch).
func refuseTrailer(ref store.Ref, err error) error {
	refused := &store.Error{Kind: store.ChecksumRefused, Op: "UploadPart", Ref: ref, Err: errors.New("the store does not accept trailing checksums")}
	if e := (*store.Error)(nil); errors.As(err, &e) {
		refused.Status, refused.RequestID = e.Status, e.RequestID
	}
	return refused
}

// doubtful reports whether an error can come from the framing, rather than from what any other request would meet as well.
func doubtful(e *store.Error, supported bool) bool {
	switch e.Kind {
	case store.NoUpload, store.NoBucket, store.NotFound, store.Throttled, store.Expired, store.ClockSkew, store.WrongRegion:
		return false
	case store.Corrupt, store.Denied:
		return !supported
	}
	return e.Status == 501 || e.Status >= 400 && e.Status < 500 && e.Kind != store.Network
}
