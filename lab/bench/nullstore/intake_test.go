package nullstore_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/nullstore"
)

// coded is a body in S3's own coding, with its checksum after it.
func coded(body string) string {
	half := len(body) / 2
	sum := checksum.Bytes(checksum.CRC32, []byte(body)).Base64()
	return fmt.Sprintf("%x;chunk-signature=abc\r\n%s\r\n%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n",
		half, body[:half], len(body)-half, body[half:], sum)
}

// TestBodies sends bodies in all codings, right and with a wrong byte.
func TestBodies(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 5000)
	sum := func(a checksum.Algorithm) string { return checksum.Bytes(a, []byte(body)).Base64() }
	s3Coding := []string{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length", fmt.Sprint(len(body)),
		"x-amz-trailer", "x-amz-checksum-crc32"}
	ways := []struct {
		name   string
		header []string
		body   string
	}{
		{"plain", []string{"x-amz-checksum-crc64nvme", sum(checksum.CRC64NVME)}, body},
		{"SHA-256", []string{"x-amz-checksum-sha256", sum(checksum.SHA256)}, body},
		{"MD5", []string{"Content-MD5", sum(checksum.MD5)}, body},
		{"S3's coding", s3Coding, coded(body)},
		{"expecting 100", []string{"Expect", "100-continue", "x-amz-checksum-crc32c", sum(checksum.CRC32C)}, body},
	}
	spoil := func(text string) string {
		i := strings.LastIndex(text, "f")
		return text[:i] + "F" + text[i+1:]
	}
	for _, check := range []bool{false, true} {
		s := start(t, nullstore.Config{Check: check})
		for _, base := range []string{s.HTTP, s.HTTPS} {
			for _, way := range ways {
				for _, chunked := range []bool{false, true} {
					name := fmt.Sprintf("%s, checking %t, chunked %t, %s", way.name, check, chunked, base[:5])
					want(t, name, put(t, s, base, way.body, chunked, way.header), 200)
					status := 200
					if check || chunked { // a body of no known length is read anyway
						status = 400
					}
					want(t, name+", spoiled", put(t, s, base, spoil(way.body), chunked, way.header), status)
					want(t, name+", size", s.Objects()[0].Size, int64(len(body)))
				}
			}
		}
		if n := s.Stats().WrongCount; n == 0 {
			t.Error("nothing was found wrong")
		}
	}
}

func put(t *testing.T, s *nullstore.Server, base, body string, chunked bool, header []string) int {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	if chunked {
		r = io.MultiReader(r) // hides its length
	}
	q, err := http.NewRequestWithContext(t.Context(), "PUT", base+"/b/k", r)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	a, err := client(t, s).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	return a.StatusCode
}

// TestMeta looks whether what a client sends with an object comes back.
func TestMeta(t *testing.T) {
	s := start(t, nullstore.Config{})
	c := client(t, s)
	a, _ := send(t, c, "PUT", s.HTTP+"/b/k", "abc", "Content-Type", "text/x", "x-amz-meta-md5chksum", "xyz", "x-amz-checksum-crc32", "NSRBwg==")
	want(t, "echo", a.Header.Get("x-amz-checksum-crc32"), "NSRBwg==")
	etag := a.Header.Get("ETag")
	a, _ = send(t, c, "HEAD", s.HTTP+"/b/k", "", "x-amz-checksum-mode", "ENABLED")
	want(t, "type", a.Header.Get("Content-Type"), "text/x")
	want(t, "meta", a.Header.Get("x-amz-meta-md5chksum"), "xyz")
	want(t, "sum", a.Header.Get("x-amz-checksum-crc32"), "NSRBwg==")
	want(t, "etag", a.Header.Get("ETag"), etag)
	send(t, c, "DELETE", s.HTTP+"/b/k", "")
	a, _ = send(t, c, "HEAD", s.HTTP+"/b/k", "")
	want(t, "deleted", a.StatusCode, 404)
}

// TestWrongWhole completes an upload with a wrong size, a wrong sum, and a part that never came.
func TestWrongWhole(t *testing.T) {
	s := start(t, nullstore.Config{Check: true})
	c := client(t, s)
	for _, x := range []struct {
		name, part string
		header     []string
		status     int
	}{
		{"right", "1", []string{"x-amz-mp-object-size", "3"}, 200},
		{"size", "1", []string{"x-amz-mp-object-size", "4"}, 400},
		{"sum", "1", []string{"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="}, 400},
		{"part", "2", nil, 400},
	} {
		_, text := send(t, c, "POST", s.HTTP+"/b/k?uploads", "", "x-amz-checksum-algorithm", "CRC64NVME", "x-amz-checksum-type", "FULL_OBJECT")
		_, after, _ := strings.Cut(text, "<UploadId>")
		id, _, _ := strings.Cut(after, "<")
		sum := checksum.Bytes(checksum.CRC64NVME, []byte("abc")).Base64()
		a, _ := send(t, c, "PUT", s.HTTP+"/b/k?partNumber=1&uploadId="+id, "abc", "x-amz-checksum-crc64nvme", sum)
		doc := "<CompleteMultipartUpload><Part><PartNumber>" + x.part + "</PartNumber><ETag>" + a.Header.Get("ETag") +
			"</ETag></Part></CompleteMultipartUpload>"
		a, text = send(t, c, "POST", s.HTTP+"/b/k?uploadId="+id, doc, x.header...)
		want(t, x.name, a.StatusCode, x.status)
		if x.status == 200 {
			want(t, "sum of the whole", strings.Contains(text, "<ChecksumCRC64NVME>"+sum+"<"), true)
		}
	}
}
