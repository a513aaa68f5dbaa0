package s3_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// proxy stands for the Internet: requests to names that the tests make up come here. The transport reads the environment
// once, so it is set before all tests.
var proxy struct {
	sync.Mutex
	answer http.HandlerFunc
	name   string // its address, without the login
}

func TestMain(m *testing.M) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.Lock()
		h := proxy.answer
		proxy.Unlock()
		h(w, r)
	}))
	proxy.name = srv.URL
	withLogin := strings.Replace(srv.URL, "http://", "http://me:hunter2@", 1)
	os.Setenv("HTTP_PROXY", withLogin)
	os.Setenv("HTTPS_PROXY", withLogin)
	os.Setenv("NO_PROXY", "")
	code := m.Run()
	srv.Close()
	os.Exit(code)
}

// internet lets s answer to all names.
func internet(t *testing.T, s *scripted) {
	proxy.Lock()
	proxy.answer = s.ServeHTTP
	proxy.Unlock()
}

// TestKeys sends keys with all kinds of bytes; each must reach the server as it is.
func TestKeys(t *testing.T) {
	keys := map[string]string{
		"a b":           "a%20b",
		"a+b":           "a%2Bb",
		"100%":          "100%25",
		"%2F":           "%252F",
		"ü/日本":          "%C3%BC/%E6%97%A5%E6%9C%AC",
		"/lead":         "/lead",
		"//lead":        "//lead",
		"a//b":          "a//b",
		"a/../b":        "a/../b",
		"../x":          "../x",
		"./x":           "./x",
		"x/.":           "x/.",
		"dir/":          "dir/",
		"a?b#c&d=e":     "a%3Fb%23c%26d%3De",
		"'()*!;:@$,[]~": "%27%28%29%2A%21%3B%3A%40%24%2C%5B%5D~",
		"tab\tnl\n":     "tab%09nl%0A",
		`back\slash"<>`: "back%5Cslash%22%3C%3E",
	}
	path := script(t, echoing(200, ""))
	paths := open(t, s3.Config{Endpoint: path.URL})
	host := script(t, echoing(200, ""))
	internet(t, host)
	hosts := open(t, s3.Config{Endpoint: "http://s3.eu-west-1.amazonaws.com"})
	for key, want := range keys {
		to := store.Ref{Bucket: "lab", Key: key}
		for prefix, s := range map[string]struct {
			*s3.Store
			*scripted
		}{"/lab/": {paths, path}, "http://lab.s3.eu-west-1.amazonaws.com/": {hosts, host}} {
			if _, err := s.Store.Put(context.Background(), store.PutRequest{Ref: to, Body: section([]byte("x"))}); err != nil {
				t.Fatalf("%q: %v", key, err)
			}
			got, _, _ := strings.Cut(s.last(t).path, "?")
			if got != prefix+want {
				t.Errorf("%q came as %q, want %q", key, got, prefix+want)
			}
		}
	}
}

// TestCopySource is about the other place for keys.
func TestCopySource(t *testing.T) {
	srv := script(t, answer(200, `<CopyObjectResult><ETag>"a"</ETag></CopyObjectResult>`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	from := store.Ref{Bucket: "other", Key: "/a b/../+ü", Version: "v+1/="}
	if _, err := s.Copy(context.Background(), store.CopyRequest{From: from, To: ref, IfMatch: "e"}); err != nil {
		t.Fatal(err)
	}
	h := srv.last(t).header
	if got, want := h.Get("X-Amz-Copy-Source"), "other//a%20b/../%2B%C3%BC?versionId=v%2B1%2F%3D"; got != want {
		t.Errorf("source is %q, want %q", got, want)
	}
	if h.Get("X-Amz-Copy-Source-If-Match") != `"e"` || h.Get("X-Amz-Metadata-Directive") != "" {
		t.Errorf("headers are %v", h)
	}
}

// TestDataRequest looks at how data travels: no SHA-256 of it, no trailer, no framing, no waiting for 100 Continue.
func TestDataRequest(t *testing.T) {
	body := []byte(strings.Repeat("ACGT", 1<<20))
	for _, sum := range []checksum.Sum{checksum.Bytes(checksum.CRC64NVME, body), checksum.Bytes(checksum.MD5, body), checksum.Bytes(checksum.SHA256, body), {}} {
		srv := script(t, echoing(200, "", `ETag: "abc"`))
		s := open(t, s3.Config{Endpoint: srv.URL})
		r := store.PutPartRequest{Upload: store.Upload{Ref: ref, ID: "u 1"}, Number: 7, Body: section(body), Sum: sum}
		r.Body.Seek(17, 0) // where another attempt left it
		if _, err := s.PutPart(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section(body), Sum: sum}); err != nil {
			t.Fatal(err)
		}
		for _, got := range srv.requests() {
			h := got.header
			if string(got.body) != string(body) {
				t.Errorf("%v: body of %d bytes came", got, len(got.body))
			}
			if h.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" || h.Get("Accept-Encoding") != "identity" {
				t.Errorf("%v: headers are %v", got, h)
			}
			for _, name := range []string{"Expect", "X-Amz-Trailer", "Content-Encoding", "Transfer-Encoding", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Decoded-Content-Length", "Amz-Sdk-Request"} {
				if h.Get(name) != "" {
					t.Errorf("%v: has %s: %s", got, name, h.Get(name))
				}
			}
			signed := h.Get("Authorization")
			if strings.Contains(signed, "accept-encoding") || strings.Contains(signed, "user-agent") {
				t.Errorf("%v: signs %s", got, signed)
			}
			sums := slices.DeleteFunc(slices.Collect(keysOf(h)), func(n string) bool {
				return !strings.HasPrefix(n, "X-Amz-Checksum-") && n != "Content-Md5"
			})
			want := map[checksum.Algorithm]string{checksum.CRC64NVME: "X-Amz-Checksum-Crc64nvme", checksum.MD5: "Content-Md5", checksum.SHA256: "X-Amz-Checksum-Sha256"}[sum.Algorithm]
			if sum.IsZero() && len(sums) != 0 || !sum.IsZero() && (!slices.Equal(sums, []string{want}) || h.Get(want) != sum.Base64()) {
				t.Errorf("%v: sums are %v %q, want %s %s", got, sums, h.Get(want), want, sum.Base64())
			}
		}
		if q := srv.requests()[0].query; q.Get("uploadId") != "u 1" || q.Get("partNumber") != "7" {
			t.Errorf("query is %v", q)
		}
	}
}

func keysOf(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// TestAttrs: what a caller asks for reaches every request that it belongs to.
func TestAttrs(t *testing.T) {
	key := store.CustomerKey{Key: "0123456789abcdefghijklmnopqrstuv"}
	a := &store.Attrs{
		Headers:      store.Headers{ContentType: "application/gzip", CacheControl: "no-cache", Expires: "2030-01-31T12:00:00Z"},
		Metadata:     map[string]string{"Sample": "NA12878", "ort": "Köln"},
		Tags:         map[string]string{"project": "a b&c"},
		StorageClass: "ODD_CLASS", ACL: "bucket-owner-full-control", RequestPayer: "requester",
		Grants: store.Grants{Read: "id=1", FullControl: "id=2", ReadACP: "id=3", WriteACP: "id=4"}, Redirect: "/elsewhere",
		Encryption: store.Encryption{SSE: "aws:kms", KMSKeyID: "key1", Customer: key, CopySource: key},
	}
	stored := []string{"PutObject", "CreateMultipartUpload", "CopyObject"}
	keyed := []string{"PutObject", "CreateMultipartUpload", "CopyObject", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "ListParts", "GetObject", "HeadObject"}
	payed := append([]string{"AbortMultipartUpload", "GetObjectTagging"}, keyed...)
	source := []string{"CopyObject", "UploadPartCopy"}
	for op, do := range operations {
		srv := script(t, fails(500, "InternalError", ""))
		_ = do(context.Background(), open(t, s3.Config{Endpoint: srv.URL}), a)
		h := srv.requests()[0].header
		for _, want := range []struct {
			name, value string
			ops         []string
		}{
			{"Content-Type", "application/gzip", stored},
			{"Cache-Control", "no-cache", stored},
			{"Expires", "Thu, 31 Jan 2030 12:00:00 GMT", stored},
			{"X-Amz-Meta-Sample", "NA12878", stored},
			{"X-Amz-Meta-Ort", "=?UTF-8?b?S8O2bG4=?=", stored},
			{"X-Amz-Tagging", "project=a%20b%26c", stored},
			{"X-Amz-Storage-Class", "ODD_CLASS", stored},
			{"X-Amz-Acl", "bucket-owner-full-control", stored},
			{"X-Amz-Grant-Read", "id=1", stored},
			{"X-Amz-Grant-Full-Control", "id=2", stored},
			{"X-Amz-Grant-Read-Acp", "id=3", stored},
			{"X-Amz-Grant-Write-Acp", "id=4", stored},
			{"X-Amz-Website-Redirect-Location", "/elsewhere", stored},
			{"X-Amz-Server-Side-Encryption", "aws:kms", stored},
			{"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "key1", stored},
			{"X-Amz-Metadata-Directive", "REPLACE", []string{"CopyObject"}},
			{"X-Amz-Tagging-Directive", "REPLACE", []string{"CopyObject"}},
			{"X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256", keyed},
			{"X-Amz-Server-Side-Encryption-Customer-Key", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=", keyed},
			{"X-Amz-Server-Side-Encryption-Customer-Key-Md5", "qkvGcbTBx6OOKYAPUO9jRg==", keyed},
			{"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=", source},
			{"X-Amz-Request-Payer", "requester", payed},
		} {
			got := h.Get(want.name)
			if slices.Contains(want.ops, op) != (got == want.value) {
				t.Errorf("%s: %s is %q", op, want.name, got)
			}
		}
	}
}

// TestCustomerKeyIgnored: a server that does not know SSE-C stores the bytes in the clear, and does not say so.
func TestCustomerKeyIgnored(t *testing.T) {
	a := &store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: "0123456789abcdefghijklmnopqrstuv"}}}
	took := "x-amz-server-side-encryption-customer-algorithm: AES256"
	for _, op := range []string{"PutObject", "UploadPart", "CopyObject"} {
		body := ""
		if op == "CopyObject" {
			body = `<CopyObjectResult><ETag>"abc"</ETag></CopyObjectResult>`
		}
		s := open(t, s3.Config{Endpoint: script(t, answer(200, body)).URL})
		if err := operations[op](context.Background(), s, a); store.KindOf(err) != store.Unsupported {
			t.Errorf("%s, ignored: %v", op, err)
		}
		s = open(t, s3.Config{Endpoint: script(t, answer(200, body, took)).URL})
		if err := operations[op](context.Background(), s, a); err != nil {
			t.Errorf("%s, taken: %v", op, err)
		}
	}
}

func TestBadAttrs(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, "")).URL})
	remote := openAsIs(t, s3.Config{Endpoint: "http://s3.example.org"})
	for name, tt := range map[string]struct {
		s *s3.Store
		a store.Attrs
	}{
		"metadata name":     {s, store.Attrs{Metadata: map[string]string{"ü": "x"}}},
		"metadata value":    {s, store.Attrs{Metadata: map[string]string{"x": "a\r\nX-Evil: 1"}}},
		"expires":           {s, store.Attrs{Headers: store.Headers{Expires: "tomorrow"}}},
		"short key":         {s, store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: "short"}}}},
		"key in the clear":  {remote, store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: "0123456789abcdefghijklmnopqrstuv"}}}},
		"header with a gap": {s, store.Attrs{Metadata: map[string]string{"a b": "x"}}},
	} {
		err := operations["PutObject"](context.Background(), tt.s, &tt.a)
		if e := storeError(t, err); e.Kind != store.Invalid || e.Hint == "" || e.Op != "PutObject" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for name, r := range map[string]store.Ref{"no key": {Bucket: "lab"}, "no bucket": {Key: "k"}} {
		_, err := s.Head(context.Background(), store.GetRequest{Ref: r})
		if e := storeError(t, err); e.Kind != store.Invalid {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
