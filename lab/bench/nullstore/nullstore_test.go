package nullstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/nullstore"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

const mib = 1 << 20

// start starts a server with a small pattern; it ends with the test.
func start(t *testing.T, c nullstore.Config) *nullstore.Server {
	t.Helper()
	c.Dir, c.PatternSize = t.TempDir(), 4*mib
	s, err := nullstore.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func declared(t *testing.T, text string) []nullstore.Declared {
	t.Helper()
	all, err := nullstore.ParseDeclared(text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// client gives an HTTP client that trusts the server and keeps no connection beyond the test.
func client(t *testing.T, s *nullstore.Server) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// send sends a request and gives the answer and its body.
func send(t *testing.T, c *http.Client, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(a.Body)
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, string(text)
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// wholeOf reads all of an object's content.
func wholeOf(t *testing.T, c nullstore.Content) string {
	t.Helper()
	b, err := io.ReadAll(c.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRanges(t *testing.T) {
	const size = 9*mib + 3 // more than twice the pattern
	s := start(t, nullstore.Config{Objects: declared(t, "b/dir/a key=9437187")})
	all := wholeOf(t, s.Content("b", "dir/a key", size))
	for _, base := range []string{s.HTTP, s.HTTPS} {
		c := client(t, s)
		for _, r := range []struct {
			header    string
			from, end int
		}{{"", 0, size}, {"bytes=0-0", 0, 1}, {"bytes=5-9", 5, 10}, {"bytes=4194000-4195000", 4194000, 4195001}, {"bytes=-7", size - 7, size},
			{"bytes=9437000-", 9437000, size}, {"bytes=9437000-99999999", 9437000, size}} {
			var header []string
			status := 200
			if r.header != "" {
				header, status = []string{"Range", r.header}, 206
			}
			a, body := send(t, c, "GET", base+"/b/dir/a%20key", "", header...)
			want(t, r.header+": status", a.StatusCode, status)
			if body != all[r.from:r.end] {
				t.Errorf("%s %q: other bytes", base, r.header)
			}
			if status == 206 {
				want(t, "Content-Range", a.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", r.from, r.end-1, size))
			}
		}
	}
}

func TestHead(t *testing.T) {
	s := start(t, nullstore.Config{Objects: declared(t, "b/k=100")})
	sum := s.Content("b", "k", 100).Sum(checksum.CRC64NVME).Base64()
	a, _ := send(t, client(t, s), "HEAD", s.HTTP+"/b/k", "", "x-amz-checksum-mode", "ENABLED")
	want(t, "length", a.ContentLength, int64(100))
	want(t, "sum", a.Header.Get("x-amz-checksum-crc64nvme"), sum)
	want(t, "type", a.Header.Get("x-amz-checksum-type"), "FULL_OBJECT")
	etag := a.Header.Get("ETag")

	for _, x := range []struct {
		header, value string
		status        int
	}{{"If-Match", etag, 200}, {"If-Match", `"other"`, 412}, {"Range", "bytes=100-", 416}} {
		a, _ := send(t, client(t, s), "GET", s.HTTP+"/b/k", "", x.header, x.value)
		want(t, x.header+" "+x.value, a.StatusCode, x.status)
	}
	a, body := send(t, client(t, s), "GET", s.HTTP+"/b/none", "")
	want(t, "missing", a.StatusCode, 404)
	want(t, "code", strings.Contains(body, "<Code>NoSuchKey</Code>"), true)
	a, _ = send(t, client(t, s), "GET", s.HTTP+"/b/k?attributes", "")
	want(t, "attributes", a.StatusCode, 501)
}

func TestList(t *testing.T) {
	s := start(t, nullstore.Config{Objects: append(declared(t, "b/many/=25x10"), declared(t, "b/top=1")...)})
	c := client(t, s)
	send(t, c, "PUT", s.HTTP+"/b/zoo/put+plus%26and", "abc")
	type page struct {
		IsTruncated           bool
		NextContinuationToken string
		Contents              []struct {
			Key  string
			Size int
		}
		CommonPrefixes []struct{ Prefix string }
	}
	list := func(query string) (keys, prefixes []string) {
		token := ""
		for range 30 {
			var p page
			_, body := send(t, c, "GET", s.HTTP+"/b?list-type=2&"+query+token, "")
			if err := xml.Unmarshal([]byte(body), &p); err != nil {
				t.Fatal(err)
			}
			for _, x := range p.Contents {
				keys = append(keys, x.Key)
			}
			for _, x := range p.CommonPrefixes {
				prefixes = append(prefixes, x.Prefix)
			}
			if !p.IsTruncated {
				return keys, prefixes
			}
			token = "&continuation-token=" + p.NextContinuationToken
		}
		t.Fatal("the list does not end")
		return nil, nil
	}
	for _, x := range []struct {
		query          string
		keys, prefixes int
	}{{"", 27, 0}, {"max-keys=4", 27, 0}, {"prefix=many/&max-keys=7", 25, 0}, {"prefix=many/0001", 10, 0}, {"delimiter=/", 1, 2},
		{"delimiter=/&max-keys=1", 1, 2}, {"prefix=none", 0, 0}, {"start-after=many/00009", 17, 0}} {
		keys, prefixes := list(x.query)
		if len(keys) != x.keys || len(prefixes) != x.prefixes {
			t.Errorf("%q: %d keys and %d prefixes, want %d and %d", x.query, len(keys), len(prefixes), x.keys, x.prefixes)
		}
	}
	_, body := send(t, c, "GET", s.HTTP+"/b?list-type=2&prefix=zoo/&encoding-type=url", "")
	want(t, "encoded", strings.Contains(body, "<Key>zoo/put%2Bplus%26and</Key>"), true)
	_, body = send(t, c, "GET", s.HTTP+"/?x-id=ListBuckets", "")
	want(t, "buckets", strings.Contains(body, "<Name>b</Name>"), true)
}

// open opens the server as haul does.
func open(t *testing.T, s *nullstore.Server, url string) store.Store {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	endpoint.Endpoint{URL: url, CA: ca, AccessKey: "key", SecretKey: "secret"}.Setenv(t)
	st, err := s3.Open(t.Context(), s3.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestHaul(t *testing.T) {
	const size = 37*mib + 11
	for _, check := range []bool{false, true} {
		s := start(t, nullstore.Config{Objects: declared(t, "b/k=38797323"), Check: check})
		for _, url := range []string{s.HTTP, s.HTTPS} {
			c := haul.New(open(t, s, url), haul.Options{StateDir: t.TempDir()})
			path := filepath.Join(t.TempDir(), "file")
			ref := store.Ref{Bucket: "b", Key: "k"}
			if err := s.Reset(); err != nil {
				t.Fatal(err)
			}
			down, err := c.Download(t.Context(), ref, path, haul.DownloadOptions{PartSize: 5 * mib})
			if err != nil || !down.Proof.Verified {
				t.Fatalf("download: %v; %+v", err, down.Proof)
			}
			up, err := c.Upload(t.Context(), path, store.Ref{Bucket: "b", Key: "up"}, haul.UploadOptions{PartSize: 5 * mib})
			if err != nil || !up.Proof.Verified {
				t.Fatalf("upload: %v; %+v", err, up.Proof)
			}
			want(t, "one sum", up.Proof.Sum, down.Proof.Sum)
			want(t, "its sum", down.Proof.Sum, s.Content("b", "k", size).Sum(checksum.CRC64NVME))
			objects := s.Objects()
			want(t, "objects", len(objects), 1)
			want(t, "object", objects[0], nullstore.Object{Name: "b/up", Size: size, CRC64NVME: up.Proof.Sum.Base64()})

			got := s.Stats()
			want(t, "creates", got.Requests["CreateMultipartUpload"], int64(1))
			want(t, "completes", got.Requests["CompleteMultipartUpload"], int64(1))
			want(t, "wrong", got.WrongCount, int64(0))
			if got.Requests["UploadPart"] < 8 || got.Requests["GetObject"] < 2 || got.BytesIn < size || got.BytesOut < size ||
				got.Connections < 1 || got.PeakConnections < 1 || got.PeakRequests < 1 {
				t.Errorf("%+v", got)
			}
		}
	}
}

func TestResumeSeesParts(t *testing.T) {
	s := start(t, nullstore.Config{})
	st := open(t, s, s.HTTP)
	u, err := st.Create(t.Context(), store.Ref{Bucket: "b", Key: "k"}, checksum.Scheme{Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("a part")
	sent := putPart(t, st, u, 3, body)
	_, parts, err := st.Parts(t.Context(), u, nil)
	if err != nil || len(parts) != 1 || parts[0] != sent || parts[0].Sum != checksum.Bytes(checksum.CRC64NVME, body) {
		t.Errorf("parts: %+v, %v; sent %+v", parts, err, sent)
	}
	if err := st.Abort(t.Context(), u, nil); err != nil {
		t.Error(err)
	}
	want(t, "aborts", s.Stats().Requests["AbortMultipartUpload"], int64(1))
}

func putPart(t *testing.T, st store.Store, u store.Upload, n int, body []byte) store.Part {
	t.Helper()
	p, err := st.PutPart(context.WithoutCancel(t.Context()), store.PutPartRequest{Upload: u, Number: n,
		Body: io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))), Sum: checksum.Bytes(checksum.CRC64NVME, body)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
