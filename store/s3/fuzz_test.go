package s3_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// answered has a call for each kind of answer: heads alone, bytes, and documents. Each returns what it understood.
var answered = []func(context.Context, *s3.Store) ([]string, error){
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		o, err := s.Head(ctx, store.GetRequest{Ref: ref})
		return []string{o.ETag}, err
	},
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		b, err := s.Get(ctx, store.GetRequest{Ref: ref, Range: store.Range{Offset: 10, Length: 5}})
		if err != nil {
			return nil, err
		}
		defer b.Close()
		got, err := io.ReadAll(b)
		return []string{string(got)}, err
	},
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		o, err := s.Put(ctx, store.PutRequest{Ref: ref, Body: section([]byte("body")), Sum: checksum.Bytes(checksum.MD5, []byte("body"))})
		return []string{o.ETag}, err
	},
	func(ctx context.Context, s *s3.Store) (names []string, err error) {
		objects, err := listAll(s.List(ctx, "lab", "runs/", "", nil))
		for _, o := range objects {
			names = append(names, o.Key)
		}
		return names, err
	},
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		_, parts, err := s.Parts(ctx, store.Upload{Ref: ref, ID: "u"}, nil)
		var tags []string
		for _, p := range parts {
			tags = append(tags, p.ETag)
		}
		return tags, err
	},
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		o, err := s.Complete(ctx, store.CompleteRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Parts: []store.Part{{Number: 1, Size: 4, ETag: "e"}}, Size: 4})
		return []string{o.ETag}, err
	},
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		o, err := s.Copy(ctx, store.CopyRequest{From: store.Ref{Bucket: "lab", Key: "a"}, To: ref})
		return []string{o.ETag}, err
	},
	func(ctx context.Context, s *s3.Store) ([]string, error) {
		each, err := s.DeleteMany(ctx, []store.Ref{ref}, nil)
		return nil, errors.Join(append(each, err)...)
	},
}

// FuzzAnswer: whatever bytes come as an answer, the call ends soon, and what it understood stands in them.
func FuzzAnswer(f *testing.F) {
	const date = "Date: Mon, 30 Nov 2026 00:00:00 GMT\r\n"
	document := func(body string) string {
		return "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n" + date + "x-amz-request-id: 1\r\n\r\n" + body
	}
	for op, text := range []string{
		"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 20\r\nLast-Modified: Mon, 30 Nov 2026 00:00:00 GMT\r\n\r\n",
		"HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nContent-Length: 5\r\nContent-Range: bytes 10-14/20\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nETag: \"841a2d689ad86bd1611447453c22c6fc\"\r\nContent-Length: 0\r\n\r\n",
		document("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>runs/a</Key><Size>1</Size></Contents></ListBucketResult>"),
		document("<ListPartsResult><UploadId>u</UploadId><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag><Size>4</Size></Part></ListPartsResult>"),
		document("<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag></CompleteMultipartUploadResult>"),
		document("<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>"),
		document("<DeleteResult><Deleted><Key>runs/x.bam</Key></Deleted></DeleteResult>"),
	} {
		f.Add(op, []byte(text))
		f.Add(op, []byte("HTTP/1.1 404 Not Found\r\n\r\n<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>&#x1;</Message></Error>"))
		f.Add(op, []byte("HTTP/1.1 100 Continue\r\n\r\n"+text))
		f.Add(op, []byte(strings.Replace(text, "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1)))
	}
	var raw atomic.Pointer[[]byte]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = c.Write(*raw.Load())
				}
			}()
		}
	}()
	f.Fuzz(func(t *testing.T, op int, text []byte) {
		if op < 0 || len(text) > 1<<16 {
			return
		}
		raw.Store(&text)
		s := open(t, s3.Config{Endpoint: "http://" + l.Addr().String()})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		got, err := answered[op%len(answered)](ctx, s)
		if ctx.Err() != nil {
			t.Fatalf("the call did not end: %v", err)
		}
		for _, word := range got {
			if err == nil && word == "" {
				t.Error("an empty answer was believed")
			}
			if err == nil && len(word) > len(text) {
				t.Errorf("%q is more than came", word)
			}
		}
	})
}
