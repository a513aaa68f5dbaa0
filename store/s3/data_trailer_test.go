package s3_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

var lateUpload = store.Upload{Ref: ref, ID: "u1", Scheme: crc64}

func lateRequest(body []byte) store.PutPartRequest {
	return store.PutPartRequest{Upload: lateUpload, Number: 1, Body: section(body), LateSum: func() checksum.Sum { return checksum.Bytes(checksum.CRC64NVME, body) }}
}

// repeating answers a part as a server does that has found its checksum in the trailer.
func repeating(sum checksum.Sum) http.HandlerFunc {
	return answer(200, "", "x-amz-checksum-crc64nvme: "+sum.Base64(), `ETag: "0123456789abcdef0123456789abcdef"`)
}

func TestLateSumOnTheWire(t *testing.T) {
	for _, size := range []int{0, 1, 100, 300 << 10} {
		body := bytes.Repeat([]byte("A"), size)
		sum := checksum.Bytes(checksum.CRC64NVME, body)
		srv := script(t, repeating(sum))
		s := open(t, s3.Config{Endpoint: srv.URL})
		p, err := s.PutPart(t.Context(), lateRequest(body))
		if err != nil || p.Sum != sum || p.Size != int64(size) {
			t.Errorf("%d bytes: %+v, %v", size, p, err)
		}
		got := srv.requests()[0]
		framed := ""
		if size > 0 {
			framed = fmt.Sprintf("%x\r\n%s\r\n", size, body)
		}
		if want := framed + "0\r\nx-amz-checksum-crc64nvme:" + sum.Base64() + "\r\n\r\n"; string(got.body) != want {
			t.Errorf("%d bytes went out as %.200q", size, got.body)
		}
		for name, want := range map[string]string{
			"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": fmt.Sprint(size), "X-Amz-Trailer": "x-amz-checksum-crc64nvme",
			"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Length": fmt.Sprint(len(got.body)),
		} {
			if got.header.Get(name) != want {
				t.Errorf("%d bytes: %s is %q, want %q", size, name, got.header.Get(name), want)
			}
		}
	}
}

// A server that gets trailing checksums wrong, in whatever way, is asked for no more of them.
func TestLateSumUnknown(t *testing.T) {
	body := []byte("ACGT")
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		want   store.Kind // of the first part
	}{
		"refused":          {fails(400, "XAmzContentSHA256Mismatch", "The provided header does not match what was computed"), store.ChecksumRefused},
		"signature":        {fails(403, "SignatureDoesNotMatch", ""), store.ChecksumRefused},
		"not implemented":  {fails(501, "NotImplemented", "A header you provided implies functionality that is not implemented"), store.ChecksumRefused},
		"no length":        {fails(411, "MissingContentLength", ""), store.ChecksumRefused},
		"taken for data":   {fails(400, "BadDigest", ""), store.Corrupt},
		"stored as it was": {answer(200, "", `ETag: "0123456789abcdef0123456789abcdef"`), store.ChecksumRefused},
	} {
		t.Run(name, func(t *testing.T) {
			srv := script(t, tt.server)
			s := open(t, s3.Config{Endpoint: srv.URL})
			if !s.TakesLateSums(lateUpload) {
				t.Fatal("it is not tried")
			}
			if _, err := s.PutPart(t.Context(), lateRequest(body)); store.KindOf(err) != tt.want {
				t.Errorf("got %v", err)
			} else if tt.want == store.ChecksumRefused && (strings.Contains(err.Error(), "arrived wrong") || !strings.Contains(err.Error(), "does not accept trailing checksums")) {
				t.Errorf("it says %v", err)
			}
			if _, err := s.PutPart(t.Context(), lateRequest(body)); store.KindOf(err) != store.ChecksumRefused || s.TakesLateSums(lateUpload) {
				t.Errorf("it is tried again: %v", err)
			}
			if n := len(srv.requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// What says nothing of trailing checksums does not end them.
func TestLateSumOtherErrors(t *testing.T) {
	body := []byte("ACGT")
	good := repeating(checksum.Bytes(checksum.CRC64NVME, body))
	for name, tt := range map[string]struct {
		first, then http.HandlerFunc // the first one shows that trailing checksums work, if it is set
		want        store.Kind
	}{
		"throttled":           {nil, fails(503, "SlowDown", ""), store.Throttled},
		"no upload":           {nil, fails(404, "NoSuchUpload", ""), store.NoUpload},
		"expired":             {nil, fails(400, "ExpiredToken", ""), store.Expired},
		"damaged once proved": {good, fails(400, "BadDigest", ""), store.Corrupt},
		"denied once proved":  {good, fails(403, "AccessDenied", ""), store.Denied},
		"broken framing once": {good, fails(400, "InvalidRequest", "chunk"), store.ChecksumRefused},
	} {
		t.Run(name, func(t *testing.T) {
			answers := []http.HandlerFunc{tt.then}
			if tt.first != nil {
				answers = []http.HandlerFunc{tt.first, tt.then}
			}
			s := open(t, s3.Config{Endpoint: script(t, answers...).URL})
			var err error
			for range answers {
				_, err = s.PutPart(t.Context(), lateRequest(body))
			}
			if store.KindOf(err) != tt.want || !s.TakesLateSums(lateUpload) {
				t.Errorf("got %v, and tries it again: %v", err, s.TakesLateSums(lateUpload))
			}
		})
	}
}

func TestLateSumNeedsAScheme(t *testing.T) {
	for name, tt := range map[string]struct {
		config s3.Config
		scheme checksum.Scheme
	}{
		"none":      {s3.Config{Endpoint: "http://127.0.0.1:1"}, checksum.Scheme{}},
		"MD5":       {s3.Config{Endpoint: "http://127.0.0.1:1"}, md5s},
		"anonymous": {s3.Config{Endpoint: "http://127.0.0.1:1", NoSignRequest: true}, crc64},
	} {
		if open(t, tt.config).TakesLateSums(store.Upload{Ref: ref, Scheme: tt.scheme}) {
			t.Error(name)
		}
	}
}
