package s3_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// wires are stores at one address: one that goes to it directly, and one that goes through the SDK.
func wires(t *testing.T, url string) map[string]*s3.Store {
	t.Helper()
	proxy.Lock()
	proxy.answer = passOn
	proxy.Unlock()
	return map[string]*s3.Store{
		"direct": open(t, s3.Config{Endpoint: url}),
		"SDK":    open(t, s3.Config{Endpoint: "http://" + strings.TrimPrefix(url, "http://127.0.0.1:") + ".lies.example.org"}),
	}
}

// TestWrongAnswers sends every operation what is not an answer to it.
func TestWrongAnswers(t *testing.T) {
	fine := map[string][]string{ // operations to which it is an answer
		"nothing": {"AbortMultipartUpload", "CreateBucket"},
	}
	for name, h := range map[string]http.HandlerFunc{
		"nothing":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) },
		"a login page":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><title>Login</title></html>") },
		"a declaration":  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `<?xml version="1.0"?>`) },
		"a feed":         func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `<rss></rss>`) },
		"an empty Error": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `<Error></Error>`) },
		"zeros":          func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1000)) },
		"text":           func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK\n") },
		"much space":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat(" ", 1<<20)) },
	} {
		for wire, s := range wires(t, script(t, h).URL) {
			for op, do := range operations {
				want := store.BadAnswer
				for _, o := range fine[name] {
					if o == op {
						want = ""
					}
				}
				err := do(context.Background(), s, nil)
				if store.KindOf(err) != want {
					t.Errorf("%s answered by %s (%s): %v", op, name, wire, err)
				} else if want != "" && (!store.Retryable(err) || storeError(t, err).Hint == "") {
					t.Errorf("%s answered by %s (%s): %+v", op, name, wire, err)
				}
			}
		}
	}
}

// TestWrongAnswerSaysWhat: the error names what came, and what to look at.
func TestWrongAnswerSaysWhat(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, "<!DOCTYPE html>\n<html><head><title>\n Sign in </title></head></html>")).URL})
	_, err := listAll(s.List(context.Background(), "lab", "runs/", "", nil))
	e := storeError(t, err)
	want := `ListObjectsV2 s3://lab/runs/: not the answer that was asked for (HTTP status 200): an HTML page with the title "Sign in" came`
	if err.Error() != want || !strings.Contains(e.Hint, "--endpoint-url") || !strings.Contains(e.Hint, "login page") {
		t.Errorf("%v; %s", err, e.Hint)
	}
}

// TestEndlessAnswers: what never ends is cut off, soon and with an error.
func TestEndlessAnswers(t *testing.T) {
	for name, piece := range map[string][2]string{
		"head":        {"HTTP/1.1 200 OK\r\n", "X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
		"header line": {"HTTP/1.1 200 OK\r\nX-Padding: ", strings.Repeat("a", 1000)},
		"status line": {"HTTP/1.1 200 ", strings.Repeat("O", 1000)},
		"1xx":         {"", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"},
		"spaces":      {"HTTP/1.1 200 OK\r\nETag: \"a\"\r\n\r\n", strings.Repeat(" ", 1000)},
		"page":        {"HTTP/1.1 200 OK\r\n\r\n<ListBucketResult><IsTruncated>false</IsTruncated>", "<Contents><Key>runs/a</Key><Size>1</Size></Contents>"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
						return
					}
					io.WriteString(c, piece[0])
					for err == nil {
						_, err = io.WriteString(c, piece[1])
					}
				}()
			}
		}()
		for wire, s := range wires(t, "http://"+l.Addr().String()) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			_, err := listAll(s.List(ctx, "lab", "runs/", "", nil))
			if !store.Retryable(err) || name == "page" && !strings.Contains(err.Error(), "more than 16 MiB") {
				t.Errorf("list, %s, %s: %v", name, wire, err)
			}
			_, err = s.Put(ctx, store.PutRequest{Ref: ref, Body: section([]byte("ACGT"))})
			if !store.Retryable(err) {
				t.Errorf("put, %s, %s: %v", name, wire, err)
			}
			cancel()
		}
		l.Close()
	}
}

// TestEndlessPages: pages without entries end, however new their tokens are.
func TestEndlessPages(t *testing.T) {
	n := 0
	srv := script(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		root, next := "ListBucketResult", fmt.Sprintf("<NextContinuationToken>%d</NextContinuationToken>", n)
		if r.URL.Query().Has("uploads") {
			root, next = "ListMultipartUploadsResult", fmt.Sprintf("<NextKeyMarker>%d</NextKeyMarker>", n)
		}
		if r.URL.Query().Has("uploadId") {
			root, next = "ListPartsResult", fmt.Sprintf("<NextPartNumberMarker>%d</NextPartNumberMarker>", 7-n%2)
		}
		fmt.Fprintf(w, "<%s><IsTruncated>true</IsTruncated>%s</%s>", root, next, root)
	})
	s := open(t, s3.Config{Endpoint: srv.URL})
	for _, op := range []string{"ListParts", "ListMultipartUploads"} {
		if err := operations[op](context.Background(), s, nil); store.KindOf(err) != store.BadAnswer {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := listAll(s.List(context.Background(), "lab", "", "", nil)); store.KindOf(err) != store.BadAnswer {
		t.Error(err)
	}
}

// TestImpossibleParts: impossible lists of parts are refused.
func TestImpossibleParts(t *testing.T) {
	part := func(n string, size string) string {
		return "<Part><PartNumber>" + n + "</PartNumber><ETag>e</ETag><Size>" + size + "</Size></Part>"
	}
	for _, parts := range []string{
		part("0", "1"), part("-1", "1"), part("10001", "1"), part("2147483648", "1"), part("9223372036854775808", "1"), part("one", "1"),
		part("1", "-1"), part("1", "1") + part("2", "1") + part("1", "1"), part("", "1"),
	} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "<ListPartsResult><IsTruncated>false</IsTruncated>"+parts+"</ListPartsResult>")).URL})
		if err := operations["ListParts"](context.Background(), s, nil); store.KindOf(err) != store.BadAnswer {
			t.Errorf("%s: %v", parts, err)
		}
	}
}

// TestPartSentAgain: SeaweedFS lists a part each time that it was sent.
func TestPartSentAgain(t *testing.T) {
	part := func(etag, modified string) string {
		return "<Part><PartNumber>1</PartNumber><ETag>" + etag + "</ETag><Size>1</Size><LastModified>" + modified + "</LastModified></Part>"
	}
	first, second := part("a", "2026-01-02T03:04:05.100Z"), part("b", "2026-01-02T03:04:05.200Z")
	for _, parts := range []string{first + second, second + first, part("a", "2026-01-02T03:04:05Z") + part("b", "2026-01-02T03:04:05Z")} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "<ListPartsResult><IsTruncated>false</IsTruncated>"+parts+"</ListPartsResult>")).URL})
		_, got, err := s.Parts(context.Background(), store.Upload{Ref: ref, ID: "u1"}, nil)
		if err != nil || len(got) != 1 || got[0].ETag != "b" {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestOtherPages: a page that says that it is not the one that was asked for is not taken for it.
func TestOtherPages(t *testing.T) {
	for name, says := range map[string]string{
		"another prefix":    "<Prefix>other/</Prefix>",
		"a delimiter":       "<Delimiter>/</Delimiter>",
		"a later page":      "<ContinuationToken>t</ContinuationToken>",
		"another start":     "<StartAfter>runs/x</StartAfter>",
		"a key elsewhere":   "<Contents><Key>other/a</Key><Size>1</Size></Contents>",
		"a key without one": "<Contents><Size>1</Size></Contents>",
		"no size":           "<Contents><Key>runs/a</Key></Contents>",
		"a size below 0":    "<Contents><Key>runs/a</Key><Size>-1</Size></Contents>",
		"fewer keys":        "<KeyCount>2</KeyCount><Contents><Key>runs/a</Key><Size>1</Size></Contents>",
		"truncated how":     "<IsTruncated>maybe</IsTruncated>",
		"half a page":       "<Contents><Key>runs/a</Key>",
	} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "<ListBucketResult><IsTruncated>false</IsTruncated>"+says+"</ListBucketResult>")).URL})
		if got, err := listAll(s.List(context.Background(), "lab", "runs/", "", nil)); store.KindOf(err) != store.BadAnswer || len(got) > 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestKeysThatXMLCannotHold: S3 and others write them as they are, or by reference.
func TestKeysThatXMLCannotHold(t *testing.T) {
	keys := []string{"runs/a\x08b", "runs/\x01\x1f\x7f", "runs/\xff\xfe", "runs/ü\xc3", "runs/\ufffe", "runs/\U0010fd00\U0010fc08", "runs/<&>\t", "runs/plain"}
	raw := func(key string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(key) }
	reference := func(key string) string {
		var b strings.Builder
		for _, r := range raw(key) {
			if r < ' ' || r == '\ufffe' || r > 0xffff {
				fmt.Fprintf(&b, "&#x%X;", r)
			} else {
				b.WriteRune(r)
			}
		}
		return b.String()
	}
	for _, key := range keys {
		ways := []func(string) string{raw}
		if strings.ToValidUTF8(key, "") == key {
			ways = append(ways, reference)
		}
		for _, way := range ways {
			written := way(key)
			pages := []http.HandlerFunc{answer(200, "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>"+written+"</Key><Size>1</Size></Contents><Contents><Key>runs/zz</Key><Size>2</Size></Contents></ListBucketResult>")}
			makes := []http.HandlerFunc{
				answer(200, "<InitiateMultipartUploadResult><Key>"+written+"</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>"),
				answer(200, "<ListPartsResult><Key>"+written+"</Key><UploadId>u1</UploadId><IsTruncated>false</IsTruncated></ListPartsResult>"),
				answer(200, "<CompleteMultipartUploadResult><Key>"+written+"</Key><ETag>e</ETag></CompleteMultipartUploadResult>")}
			if utf8.ValidString(key) { // others are refused before they are sent
				pages = append(pages, makes...)
			}
			pages = append(pages, answer(200, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>"+written+"</Key><UploadId>u1</UploadId></Upload></ListMultipartUploadsResult>"))
			srv := script(t, pages...)
			s := open(t, s3.Config{Endpoint: srv.URL})
			ctx, to := context.Background(), store.Ref{Bucket: "lab", Key: key}
			if got, err := listAll(s.List(ctx, "lab", "runs/", "", nil)); err != nil || len(got) != 2 || got[0].Key != key || got[1].Key != "runs/zz" {
				t.Errorf("%q written as %q: listed %+v, %v", key, written, got, err)
			}
			if utf8.ValidString(key) {
				u, err := s.Create(ctx, to, checksum.Scheme{Algorithm: checksum.MD5}, nil)
				if err != nil {
					t.Errorf("%q written as %q: %v", key, written, err)
				}
				if _, _, err := s.Parts(ctx, u, nil); err != nil {
					t.Errorf("%q written as %q: %v", key, written, err)
				}
				if _, err := s.Complete(ctx, store.CompleteRequest{Upload: u, Parts: []store.Part{{Number: 1, ETag: "a"}}}); err != nil {
					t.Errorf("%q written as %q: %v", key, written, err)
				}
			}
			for u, err := range s.Uploads(ctx, "lab", "runs/") {
				if err != nil || u.Key != key {
					t.Errorf("%q written as %q: open is %q, %v", key, written, u.Key, err)
				}
			}
		}
	}
}

// TestAnotherKeysAnswer: Create and Complete say what they are about.
func TestAnotherKeysAnswer(t *testing.T) {
	about := func(key string) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{
			"CreateMultipartUpload":   answer(200, "<InitiateMultipartUploadResult><Key>"+key+"</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>"),
			"CompleteMultipartUpload": answer(200, "<CompleteMultipartUploadResult><Key>"+key+"</Key><ETag>e</ETag></CompleteMultipartUploadResult>"),
		}
	}
	for key, want := range map[string]store.Kind{"runs/x.bam": "", "runs%2Fx.bam": "", "": "", "runs/y.bam": store.BadAnswer} {
		for op, h := range about(key) {
			if err := operations[op](context.Background(), open(t, s3.Config{Endpoint: script(t, h).URL}), nil); store.KindOf(err) != want {
				t.Errorf("%s about %q: %v", op, key, err)
			}
		}
	}
}

// TestHeadWithoutLength: no size is no size, and not 0.
func TestHeadWithoutLength(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, err = http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\n\r\n")
			}
			c.Close()
		}
	}()
	o, err := open(t, s3.Config{Endpoint: "http://" + l.Addr().String()}).Head(context.Background(), store.GetRequest{Ref: ref})
	if store.KindOf(err) != store.BadAnswer || !errors.As(err, new(*store.Error)) {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestVersionNull: buckets without versions are asked for none.
func TestVersionNull(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, "", "x-amz-version-id: null")).URL})
	if o, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section([]byte("ACGT"))}); err != nil || o.Version != "" {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestPutAboutOtherBytes: a server that answers to a checksum answers to the one that was sent.
func TestPutAboutOtherBytes(t *testing.T) {
	other := checksum.Bytes(checksum.CRC64NVME, []byte("others"))
	s := open(t, s3.Config{Endpoint: script(t, answer(200, "", "x-amz-checksum-crc64nvme: "+other.Base64())).URL})
	if err := operations["PutObject"](context.Background(), s, nil); store.KindOf(err) != store.BadAnswer {
		t.Error(err)
	}
}

// TestNoTags: only Ceph, which its request IDs show, sends nothing about an object without tags.
func TestNoTags(t *testing.T) {
	for id, ok := range map[string]bool{
		"tx000000000000000000017-0065f1a2b3-4b2a-default": true, "tx00000a8c9d1f2e3b45678-00654321ab-1019-zone-a": true,
		"": false, "1": false, "0123456789ABCDEF": false, "17A2B3C4D5E6F708": false, "tx17": false,
	} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "", "X-Amz-Request-Id: "+id)).URL})
		if tags, err := s.Tags(context.Background(), ref, nil); (err == nil) != ok || len(tags) > 0 {
			t.Errorf("%q: %v, %v", id, tags, err)
		}
	}
}
