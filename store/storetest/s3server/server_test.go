package s3server_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

var small = storetest.Limits(store.Limits{MaxParts: 10, MinPart: 4, MaxPart: 100, MaxPut: 100, MaxCopy: 100, MaxObject: 1000})

var ref = store.Ref{Bucket: storetest.Bucket, Key: "runs/x.bam"}

// client sends plain HTTP requests to a server.
type client struct {
	t *testing.T
	http.Client
	url string
}

func newClient(t *testing.T, s *s3server.Server) *client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &client{t: t, Client: http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}, url: s.URL}
}

type answer struct {
	*http.Response
	body string
	err  error // of the body
}

// do sends one request; headers are given as "Name: value".
func (c *client) try(method, path, body string, headers ...string) (answer, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 whatever")
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	resp, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b), err}, nil
}

func (c *client) do(status int, method, path, body string, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.StatusCode != status {
		c.t.Errorf("%s %s: status %d, want %d: %s", method, path, a.StatusCode, status, a.body)
	}
	return a
}

func serve(t *testing.T, opts ...s3server.Option) (*storetest.Memory, *s3server.Server, *client) {
	m := storetest.New(storetest.For(t), small)
	s := s3server.Serve(t, m, opts...)
	return m, s, newClient(t, s)
}

func crc(text string) string {
	return checksum.Bytes(checksum.CRC64NVME, []byte(text)).Base64()
}

// element returns the text of the first XML element of that name.
func element(t *testing.T, text, name string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		tok, err := d.Token()
		if err != nil {
			t.Fatalf("no <%s> in %s", name, text)
		}
		if start, ok := tok.(xml.StartElement); ok && start.Name.Local == name {
			var s string
			if err := d.DecodeElement(&s, &start); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
}

func TestServePutAndGet(t *testing.T) {
	m, s, c := serve(t)
	c.do(403, "GET", "/bucket/x", "", "Authorization: ")
	c.do(200, "PUT", "/bucket/a/b%20c+%C3%BC//x", "0123456789", "x-amz-checksum-crc64nvme: "+crc("0123456789"),
		"x-amz-meta-sample: NA12878", "Content-Type: text/plain", "x-amz-tagging: k=v%201", "If-None-Match: *")
	if keys := m.Keys("bucket", ""); len(keys) != 1 || keys[0] != "a/b c+ü//x" {
		t.Errorf("keys: %q", keys)
	}
	c.do(412, "PUT", "/bucket/a/b%20c+%C3%BC//x", "0123456789", "If-None-Match: *")
	if a := c.do(400, "PUT", "/bucket/x", "0123456789", "x-amz-checksum-crc64nvme: "+crc("other")); element(t, a.body, "Code") != "BadDigest" {
		t.Error(a.body)
	}
	a := c.do(200, "GET", "/bucket/a/b%20c+%C3%BC//x", "", "x-amz-checksum-mode: ENABLED")
	if a.body != "0123456789" || a.Header.Get("x-amz-checksum-crc64nvme") != crc("0123456789") ||
		a.Header.Get("x-amz-meta-sample") != "NA12878" || a.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%q %v", a.body, a.Header)
	}
	for rng, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=8-100": "89"} {
		if a := c.do(206, "GET", "/bucket/a/b%20c+%C3%BC//x", "", "Range: "+rng); a.body != want {
			t.Errorf("%s: %q %v", rng, a.body, a.Header)
		}
	}
	if a := c.do(416, "GET", "/bucket/a/b%20c+%C3%BC//x", "", "Range: bytes=10-11"); a.Header.Get("Content-Range") != "bytes */10" {
		t.Error(a.Header)
	}
	if a := c.do(200, "GET", "/bucket/a/b%20c+%C3%BC//x?tagging", ""); element(t, a.body, "Value") != "v 1" {
		t.Error(a.body)
	}
	c.do(412, "GET", "/bucket/a/b%20c+%C3%BC//x", "", `If-Match: "other"`)
	c.do(404, "GET", "/bucket/none", "")
	c.do(404, "HEAD", "/nobucket/x", "")
	c.do(200, "HEAD", "/bucket", "")
	c.do(501, "POST", "/bucket/x?select", "")
	c.do(200, "PUT", "/fresh", "")
	c.do(409, "PUT", "/fresh", "")
	if a := c.do(200, "PUT", "/fresh/y", "", "x-amz-copy-source: /bucket/a/b%20c%2B%C3%BC//x"); element(t, a.body, "ETag") == "" {
		t.Error(a.body)
	}
	c.do(204, "DELETE", "/fresh/y", "")
	if c := s.Counts(); c[storetest.Put].Calls != 3 || c[storetest.Put].In != 30 || c[storetest.Get].Out != 10+3+3+2+2 {
		t.Errorf("counts: %+v", c)
	}
}

func TestServeMultipart(t *testing.T) {
	m, _, c := serve(t, s3server.Page(1))
	a := c.do(200, "POST", "/bucket/x?uploads", "", "x-amz-checksum-algorithm: CRC64NVME", "x-amz-checksum-type: FULL_OBJECT")
	id := url.QueryEscape(element(t, a.body, "UploadId"))
	var list strings.Builder
	for n, text := range map[int]string{2: "efgh", 1: "abcd"} {
		a := c.do(200, "PUT", fmt.Sprintf("/bucket/x?partNumber=%d&uploadId=%s", n, id), text, "x-amz-checksum-crc64nvme: "+crc(text))
		if a.Header.Get("x-amz-checksum-crc64nvme") != crc(text) {
			t.Error(a.Header)
		}
	}
	c.do(404, "PUT", "/bucket/x?partNumber=1&uploadId=none", "abcd")
	for marker := 0; marker < 2; marker++ {
		a := c.do(200, "GET", fmt.Sprintf("/bucket/x?uploadId=%s&part-number-marker=%d", id, marker), "")
		if more := element(t, a.body, "IsTruncated"); more != fmt.Sprint(marker == 0) {
			t.Errorf("page %d: %s", marker, a.body)
		}
		fmt.Fprintf(&list, "<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>", element(t, a.body, "PartNumber"), element(t, a.body, "ETag"))
	}
	if a := c.do(200, "GET", "/bucket?uploads&prefix=x", ""); element(t, a.body, "UploadId") != id {
		t.Error(a.body)
	}
	whole := "<CompleteMultipartUpload>" + list.String() + "</CompleteMultipartUpload>"
	c.do(400, "POST", "/bucket/x?uploadId="+id, whole, "x-amz-checksum-crc64nvme: "+crc("other"))
	c.do(400, "POST", "/bucket/x?uploadId="+id, whole, "x-amz-mp-object-size: 9")
	a = c.do(200, "POST", "/bucket/x?uploadId="+id, whole, "x-amz-checksum-crc64nvme: "+crc("abcdefgh"), "x-amz-mp-object-size: 8")
	if element(t, a.body, "ChecksumCRC64NVME") != crc("abcdefgh") || element(t, a.body, "ChecksumType") != "FULL_OBJECT" {
		t.Error(a.body)
	}
	if got := m.Bytes(store.Ref{Bucket: "bucket", Key: "x"}); string(got) != "abcdefgh" {
		t.Errorf("%q", got)
	}
	c.do(404, "POST", "/bucket/x?uploadId="+id, whole)
	c.do(404, "DELETE", "/bucket/x?uploadId="+id, "")
	a = c.do(206, "GET", "/bucket/x?partNumber=2", "")
	if a.body != "efgh" || a.Header.Get("x-amz-mp-parts-count") != "2" || a.Header.Get("Content-Range") != "bytes 4-7/8" {
		t.Errorf("%q %v", a.body, a.Header)
	}
	a = c.do(200, "GET", "/bucket/x?attributes", "", "x-amz-object-attributes: ObjectParts,ObjectSize,Checksum", "x-amz-max-parts: 100")
	if element(t, a.body, "PartsCount") != "2" || element(t, a.body, "ObjectSize") != "8" || element(t, a.body, "IsTruncated") != "true" {
		t.Error(a.body)
	}
}

func TestServeList(t *testing.T) {
	m, _, c := serve(t)
	for _, k := range []string{"a b", "dir/1", "dir/2", "dir2/x", "z"} {
		m.PutBytes(store.Ref{Bucket: "bucket", Key: k}, []byte(k))
	}
	var got []string
	token := ""
	for {
		a := c.do(200, "GET", "/bucket?list-type=2&delimiter=/&max-keys=2&encoding-type=url&continuation-token="+url.QueryEscape(token), "")
		var page struct {
			NextContinuationToken string
			Contents              []struct{ Key string }
			CommonPrefixes        []struct{ Prefix string }
		}
		if err := xml.Unmarshal([]byte(a.body), &page); err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			got = append(got, o.Key)
		}
		for _, p := range page.CommonPrefixes {
			got = append(got, p.Prefix)
		}
		if token = page.NextContinuationToken; token == "" {
			break
		}
	}
	if want := []string{"a+b", "dir/", "z", "dir2/"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServeTakesChunkedBodies(t *testing.T) {
	m, _, c := serve(t)
	sum := checksum.Bytes(checksum.CRC32, []byte("0123456789")).Base64()
	body := "4\r\n0123\r\n6;chunk-signature=00\r\n456789\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n"
	h := []string{"x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length: 10",
		"Content-Encoding: aws-chunked", "x-amz-trailer: x-amz-checksum-crc32"}
	c.do(200, "PUT", "/bucket/x", body, h...)
	o := m.Object(store.Ref{Bucket: "bucket", Key: "x"})
	if o.Sum(checksum.CRC32).Base64() != sum || o.Size != 10 || o.Attrs.Headers.ContentEncoding != "" {
		t.Errorf("%+v", o)
	}
	c.do(400, "PUT", "/bucket/x", strings.Replace(body, "456789", "45678X", 1), h...)
	c.do(400, "PUT", "/bucket/x", "0123456789", "x-amz-content-sha256: "+strings.Repeat("00", 32))
}

func TestBodyThatEndsEarlyIsNoPart(t *testing.T) {
	m, _, c := serve(t)
	u, err := m.Create(t.Context(), ref, checksum.Scheme{Algorithm: checksum.CRC64NVME}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "PUT", c.url+"/bucket/"+ref.Key+"?partNumber=1&uploadId="+u.ID,
		io.MultiReader(strings.NewReader("abcd"), broken{}))
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 8
	r.Header.Set("Authorization", "x")
	if _, err := c.Do(r); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
	if open := m.OpenUploads(); len(open) != 1 || len(open[0].Parts) != 0 {
		t.Errorf("%+v", open)
	}
}

var errBroken = errors.New("source is broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func TestWireFaults(t *testing.T) {
	m, s, c := serve(t, s3server.Region("eu-central-1"))
	m.PutBytes(ref, []byte("0123456789"))
	x := "/bucket/" + ref.Key
	c.do(200, "HEAD", x, "", "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-central-1/s3/aws4_request, …")
	a := c.do(301, "HEAD", x, "", "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/s3/aws4_request, …")
	if a.Header.Get("x-amz-bucket-region") != "eu-central-1" {
		t.Error(a.Header)
	}
	s.Wire(storetest.Get).After(4).Error(store.Network)
	if a, err := c.try("GET", x, ""); err != nil || a.ContentLength != 10 || !errors.Is(a.err, syscall.ECONNRESET) {
		t.Errorf("reset: %v %v %v", a.body, a.err, err)
	}
	s.Wire(storetest.Get).Truncate(4)
	if a, err := c.try("GET", x, ""); err != nil || a.body != "0123" || !errors.Is(a.err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated: %v %v %v", a.body, a.err, err)
	}
	s.Wire(storetest.Get).After(9).CorruptByte()
	if a := c.do(200, "GET", x, ""); a.body != "012345678\x19" {
		t.Errorf("corrupt: %q", a.body)
	}
	s.Wire(storetest.Put).After(1).CorruptByte()
	c.do(400, "PUT", x, "abcd", "Content-MD5: "+base64.StdEncoding.EncodeToString([]byte(checksum.Bytes(checksum.MD5, []byte("abcd")).Value)))
	s.Wire(storetest.Any).Throttle(1500 * time.Millisecond).Times(2)
	for range 2 {
		if a := c.do(503, "HEAD", x, ""); a.Header.Get("Retry-After") != "2" {
			t.Error(a.Header)
		}
	}
	for k, status := range map[store.Kind]int{store.Expired: 400, store.ClockSkew: 403, store.Denied: 403, store.WrongRegion: 301} {
		s.Wire(storetest.Get).Error(k)
		a := c.do(status, "GET", x, "")
		if k == store.WrongRegion && a.Header.Get("x-amz-bucket-region") != "eu-central-1" {
			t.Error(a.Header)
		}
	}
	s.Wire(storetest.Complete).Error(store.Unavailable).In200()
	if a := c.do(200, "POST", x+"?uploadId=1", ""); element(t, a.body, "Code") != "InternalError" {
		t.Error(a.body)
	}
	s.Wire(storetest.Put).LoseAnswer()
	if _, err := c.try("PUT", "/bucket/lost", "found"); err == nil {
		t.Error("an answer came")
	}
	if got := m.Bytes(store.Ref{Bucket: "bucket", Key: "lost"}); string(got) != "found" {
		t.Errorf("%q", got)
	}
}

func TestStalledBodyGoesOnWhenReleased(t *testing.T) {
	m, s, c := serve(t)
	m.PutBytes(ref, []byte("0123456789"))
	at := make(chan struct{})
	f := s.Wire(storetest.Get).After(5).Hook(func() { close(at) }).Stall()
	go func() {
		<-at
		f.Release()
	}()
	if a := c.do(200, "GET", "/bucket/"+ref.Key, ""); a.body != "0123456789" || a.err != nil {
		t.Errorf("%q %v", a.body, a.err)
	}
}

func TestCloseEndsStalls(t *testing.T) {
	m, s, c := serve(t)
	m.PutBytes(ref, []byte("0123456789"))
	at := make(chan struct{})
	s.Wire(storetest.Get).Hook(func() { close(at) }).Stall()
	go func() {
		<-at
		s.Close()
	}()
	if _, err := c.try("GET", "/bucket/"+ref.Key, ""); err == nil {
		t.Error("an answer came")
	}
}

func TestServeTLSAndRate(t *testing.T) {
	m, s, c := serve(t, s3server.TLS(), s3server.Anonymous(), s3server.Rate(1<<20), s3server.Delay(time.Millisecond))
	m.PutBytes(ref, bytes.Repeat([]byte("x"), 100<<10))
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.CA()) {
		t.Fatal("no certificate")
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer tr.CloseIdleConnections()
	c.Transport = tr
	began := time.Now()
	if a := c.do(200, "GET", "/bucket/"+ref.Key, "", "Authorization: "); len(a.body) != 100<<10 {
		t.Error(len(a.body), a.err)
	}
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("took %v", took)
	}
	if in, out := s.Bytes(); in == 0 || out < 100<<10 {
		t.Errorf("%d bytes in, %d out", in, out)
	}
}
