package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

const (
	accessKey = "AKIDEXAMPLE0000000"
	secretKey = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
)

// seen is a request that a scripted server got.
type seen struct {
	method, path string // path and query as they came
	header       http.Header
	query        url.Values
	host         string
	body         []byte
}

func (r seen) String() string { return r.method + " " + r.path }

// scripted answers requests one by one, each with the next of its answers; the last stands for all that follow.
type scripted struct {
	*httptest.Server
	mu      sync.Mutex
	answers []http.HandlerFunc
	got     []seen
}

func script(t *testing.T, answers ...http.HandlerFunc) *scripted {
	t.Helper()
	s := &scripted{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.got = append(s.got, seen{r.Method, r.RequestURI, r.Header.Clone(), r.URL.Query(), r.Host, body})
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	s.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer(w, r)
}

func (s *scripted) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *scripted) last(t *testing.T) seen {
	t.Helper()
	got := s.requests()
	if len(got) == 0 {
		t.Fatal("no request came")
	}
	return got[len(got)-1]
}

// answer makes an answer of a status, headers ("Name: value") and a body; a good one has an ETag.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if status < 300 {
			w.Header().Set("ETag", `"abc"`)
		}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// fails makes an answer that is an error, with further XML elements.
func fails(status int, code, message string, more ...string) http.HandlerFunc {
	return answer(status, fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message>%s<RequestId>RID1</RequestId></Error>`,
		code, message, strings.Join(more, "")), "Content-Type: application/xml")
}

// echoing answers like the server that does all of it.
func echoing(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Mode" {
				w.Header()[name] = values
			}
		}
		answer(status, body, headers...)(w, r)
	}
}

const (
	initiated = `<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>`
	completed = `<CompleteMultipartUploadResult><ETag>&quot;0123456789abcdef0123456789abcdef-2&quot;</ETag></CompleteMultipartUploadResult>`
)

// setKeys sets the environment of a user with keys and nothing else.
func setKeys(t *testing.T) {
	t.Helper()
	clearEnv(t)
	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
}

// clearEnv sets the environment of a user without any configuration, away from every cloud.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// open opens a Store with keys.
func open(t *testing.T, c s3.Config) *s3.Store {
	t.Helper()
	setKeys(t)
	return openAsIs(t, c)
}

func openAsIs(t *testing.T, c s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var ref = store.Ref{Bucket: "lab", Key: "runs/x.bam"}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// storeError returns the Error in err, which must have one.
func storeError(t *testing.T, err error) *store.Error {
	t.Helper()
	if err == nil {
		t.Fatal("no error came")
	}
	e := errorIn(err)
	if e == nil {
		t.Fatalf("%T is no store.Error: %v", err, err)
	}
	return e
}
