package s3_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

func get(s *s3.Store) error { return operations["HeadObject"](context.Background(), s, nil) }

func TestNetworkErrors(t *testing.T) {
	drop := script(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	})
	reset := script(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
	closed := httptest.NewServer(nil)
	closed.Close()
	half := script(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		io.WriteString(w, `<ListPartsResult><IsTruncated>`)
	})
	for name, tt := range map[string]struct {
		url, op, hint string
	}{
		"dropped": {drop.URL, "HeadObject", ""},
		"reset":   {reset.URL, "PutObject", ""},
		"refused": {closed.URL, "GetObject", "nothing is listening"},
		"half":    {half.URL, "ListParts", ""},
	} {
		s := open(t, s3.Config{Endpoint: tt.url})
		e := storeError(t, operations[tt.op](context.Background(), s, nil))
		if e.Kind != store.Network || !e.Retryable() || e.Err == nil || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(serves))
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := script(t, serves)
	for name, tt := range map[string]struct {
		config s3.Config
		env    string
		hint   string // empty: works
	}{
		"untrusted":            {s3.Config{Endpoint: srv.URL}, "", "--ca-bundle"},
		"bundle":               {s3.Config{Endpoint: srv.URL, CABundle: ca}, "", ""},
		"bundle of the user's": {s3.Config{Endpoint: srv.URL}, ca, ""},
		"not verified":         {s3.Config{Endpoint: srv.URL, NoVerifySSL: true}, "", ""},
		"another name":         {s3.Config{Endpoint: strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), CABundle: ca}, "", "another host name"},
		"TLS to plain":         {s3.Config{Endpoint: strings.Replace(plain.URL, "http:", "https:", 1)}, "", "http://"},
		"plain to TLS":         {s3.Config{Endpoint: strings.Replace(srv.URL, "https:", "http:", 1)}, "", "https://"},
	} {
		t.Run(name, func(t *testing.T) {
			setKeys(t)
			if tt.env != "" {
				t.Setenv("AWS_CA_BUNDLE", tt.env)
			}
			err := operations["GetObject"](context.Background(), openAsIs(t, tt.config), nil)
			if tt.hint == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := storeError(t, err); e.Kind != store.Invalid || !strings.Contains(e.Hint, tt.hint) || e.Retryable() {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestEarlyAnswer: a server may refuse before it has read all of a body, and then hang up.
func TestEarlyAnswer(t *testing.T) {
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
			c.Read(make([]byte, 1000))
			io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 44\r\nConnection: close\r\n\r\n<Error><Code>AccessDenied</Code></Error>    ")
			c.Close() // with unread bytes: a reset
		}
	}()
	s := open(t, s3.Config{Endpoint: "http://" + l.Addr().String()})
	body := make([]byte, 32<<20)
	for range 10 {
		_, err = s.PutPart(context.Background(), store.PutPartRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Number: 1, Body: section(body)})
		if store.KindOf(err) != store.Denied {
			t.Errorf("got %v", err)
		}
	}
}

func TestStall(t *testing.T) {
	const limit = 150 * time.Millisecond
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		op     string
	}{
		"no answer to a part":  {hang, "UploadPart"},
		"no answer to a range": {hang, "GetObject"},
		"no answer to a head":  {hang, "HeadObject"},
		"no end of an XML body": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<ListPartsResult>")
			w.(http.Flusher).Flush()
			hang(w, r)
		}, "ListParts"},
	} {
		s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL, StallTimeout: limit})
		start := time.Now()
		e := storeError(t, operations[tt.op](context.Background(), s, nil))
		if e.Kind != store.Stalled || !e.Retryable() || time.Since(start) < limit {
			t.Errorf("%s: after %v: %+v", name, time.Since(start), e)
		}
	}
}

// TestStallInBody: the body of an answer stops, and its reader gets an error.
func TestStallInBody(t *testing.T) {
	srv := script(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"abc"`)
		w.Header().Set("Content-Length", "23")
		w.Write(object[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s := open(t, s3.Config{Endpoint: srv.URL, StallTimeout: 150 * time.Millisecond})
	b, err := s.Get(context.Background(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	data, err := io.ReadAll(b)
	if string(data) != "GATTACA GA" || store.KindOf(err) != store.Stalled {
		t.Errorf("%q, %v", data, err)
	}
}

// TestStallFloor: a trickle can be as bad as nothing.
func TestStallFloor(t *testing.T) {
	srv := script(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"abc"`)
		w.Header().Set("Content-Length", "1000000")
		for r.Context().Err() == nil {
			io.WriteString(w, "A")
			w.(http.Flusher).Flush()
			<-time.After(10 * time.Millisecond)
		}
	})
	s := open(t, s3.Config{Endpoint: srv.URL, StallTimeout: 200 * time.Millisecond, StallFloor: 10_000})
	b, err := s.Get(context.Background(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n, err := io.Copy(io.Discard, b); store.KindOf(err) != store.Stalled {
		t.Errorf("after %d bytes: %v", n, err)
	}
}

// TestSlowReader: it is no stall when nobody reads.
func TestSlowReader(t *testing.T) {
	big := make([]byte, 8<<20)
	srv := script(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"abc"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(big)))
		w.Write(big)
	})
	s := open(t, s3.Config{Endpoint: srv.URL, StallTimeout: 500 * time.Millisecond}) // a busy machine may well take 50 ms for a read
	b, err := s.Get(context.Background(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, pause := range []time.Duration{700 * time.Millisecond, 0, 700 * time.Millisecond} {
		<-time.After(pause)
		if _, err := io.ReadFull(b, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := io.Copy(io.Discard, b); err != nil || n != 5<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestStallSending: the server takes nothing more of a body.
func TestStallSending(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, s3.Config{Endpoint: "http://" + l.Addr().String(), StallTimeout: 200 * time.Millisecond})
	_, err = s.PutPart(context.Background(), store.PutPartRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Number: 1, Body: section(make([]byte, 32<<20))})
	if store.KindOf(err) != store.Stalled {
		t.Errorf("got %v", err)
	}
}

// TestSlowSending: little by little is no stall.
func TestSlowSending(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 1<<20)
		for {
			if _, err := io.ReadFull(r.Body, buf); err != nil {
				break
			}
			<-time.After(60 * time.Millisecond)
		}
		w.Header().Set("ETag", `"x"`)
	}))
	defer srv.Close()
	s := open(t, s3.Config{Endpoint: srv.URL, StallTimeout: time.Second})
	p, err := s.PutPart(context.Background(), store.PutPartRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Number: 1, Body: section(make([]byte, 24<<20))})
	if err != nil || p.ETag != "x" {
		t.Errorf("%v, %v", p, err)
	}
}

// TestCompleteIsSlow: an answer to Complete may take long.
func TestCompleteIsSlow(t *testing.T) {
	srv := script(t, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(1200 * time.Millisecond)
		io.WriteString(w, completed)
	})
	s := open(t, s3.Config{Endpoint: srv.URL, StallTimeout: 500 * time.Millisecond})
	if err := operations["CompleteMultipartUpload"](context.Background(), s, nil); err != nil {
		t.Error(err)
	}
}

// regional answers as a bucket of the region would.
func regional(region string, wrong http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/"+region+"/s3/") {
			wrong(w, r)
			return
		}
		echoing(200, "", `ETag: "x"`, "Content-Length: 0")(w, r)
	}
}

func TestRegion(t *testing.T) {
	for name, wrong := range map[string]http.HandlerFunc{
		"301":    answer(301, "<Error><Code>PermanentRedirect</Code></Error>", "x-amz-bucket-region: eu-west-3"),
		"307":    answer(307, "<Error><Code>TemporaryRedirect</Code></Error>", "x-amz-bucket-region: eu-west-3", "Location: http://127.0.0.1:1/"),
		"400":    fails(400, "AuthorizationHeaderMalformed", "", "<Region>eu-west-3</Region>"),
		"no XML": answer(400, "", "x-amz-bucket-region: eu-west-3"),
	} {
		t.Run(name, func(t *testing.T) {
			srv := script(t, regional("eu-west-3", wrong))
			s := open(t, s3.Config{Endpoint: srv.URL})
			body := []byte("ACGT")
			for range 2 {
				_, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section(body), Sum: checksum.Bytes(checksum.CRC64NVME, body)})
				if err != nil {
					t.Error(err)
				}
			}
			got := srv.requests()
			if len(got) != 3 || string(got[1].body) != "ACGT" {
				t.Errorf("%d requests: %v", len(got), got)
			}
		})
	}
	t.Run("HEAD without a word", func(t *testing.T) {
		srv := script(t, regional("eu-west-3", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "HEAD" {
				w.WriteHeader(400)
				return
			}
			fails(400, "AuthorizationHeaderMalformed", "", "<Region>eu-west-3</Region>")(w, r)
		}))
		if err := get(open(t, s3.Config{Endpoint: srv.URL})); err != nil {
			t.Error(err)
		}
	})
	t.Run("never right", func(t *testing.T) {
		srv := script(t, answer(301, "", "x-amz-bucket-region: eu-west-3"), answer(301, "", "x-amz-bucket-region: eu-west-4"))
		e := storeError(t, operations["GetObject"](context.Background(), open(t, s3.Config{Endpoint: srv.URL}), nil))
		if e.Kind != store.WrongRegion || len(srv.requests()) != 2 || !strings.Contains(e.Hint, "--region eu-west-4") {
			t.Errorf("%+v, %v", e, srv.requests())
		}
	})
	t.Run("of the host", func(t *testing.T) {
		srv := script(t, regional("eu-west-1", fails(400, "Wrong", "")))
		internet(t, srv)
		if err := operations["UploadPart"](context.Background(), open(t, s3.Config{Endpoint: "http://s3.eu-west-1.amazonaws.com"}), nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("private endpoint stays", func(t *testing.T) {
		srv := script(t, answer(301, "", "x-amz-bucket-region: eu-west-3"))
		internet(t, srv)
		s := open(t, s3.Config{Endpoint: "http://bucket.vpce-1-2.s3.us-east-1.vpce.amazonaws.com", Region: "us-east-1"})
		e := storeError(t, operations["UploadPart"](context.Background(), s, nil))
		if e.Kind != store.WrongRegion || len(srv.requests()) != 1 {
			t.Errorf("%+v, %v", e, srv.requests())
		}
	})
}

func TestAddressing(t *testing.T) {
	srv := script(t, echoing(200, ""))
	internet(t, srv)
	for _, tt := range []struct {
		config       s3.Config
		bucket, path string
	}{
		{s3.Config{Endpoint: "http://s3.us-east-2.amazonaws.com"}, "lab", "http://lab.s3.us-east-2.amazonaws.com/k"},
		{s3.Config{Endpoint: "http://s3.us-east-2.amazonaws.com"}, "Old_Lab", "http://s3.us-east-2.amazonaws.com/Old_Lab/k"},
		{s3.Config{Endpoint: "http://s3.us-east-2.amazonaws.com", Addressing: s3.AddressPath}, "lab", "http://s3.us-east-2.amazonaws.com/lab/k"},
		{s3.Config{Endpoint: "http://s3.example.org"}, "lab", "http://s3.example.org/lab/k"},
		{s3.Config{Endpoint: "http://s3.example.org:8080"}, "lab", "http://s3.example.org:8080/lab/k"},
		{s3.Config{Endpoint: "http://s3.example.org/base"}, "lab", "http://s3.example.org/base/lab/k"},
		{s3.Config{Endpoint: "http://s3.example.org", Addressing: s3.AddressVirtual}, "lab", "http://lab.s3.example.org/k"},
		{s3.Config{Endpoint: srv.URL}, "lab", "/lab/k"},
		{s3.Config{Endpoint: srv.URL}, "lab.with.dots", "/lab.with.dots/k"},
		{s3.Config{Endpoint: srv.URL, Addressing: s3.AddressVirtual}, "lab", "/lab/k"}, // an IP address takes no other name
	} {
		s := open(t, tt.config)
		if _, err := s.Put(context.Background(), store.PutRequest{Ref: store.Ref{Bucket: tt.bucket, Key: "k"}, Body: section(nil)}); err != nil {
			t.Errorf("%+v: %v", tt.config, err)
		}
		if got, _, _ := strings.Cut(srv.last(t).path, "?"); got != tt.path {
			t.Errorf("%+v: went to %s, want %s", tt.config, got, tt.path)
		}
	}
}

func TestIdentity(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":                                       "s3.amazonaws.com",
		"https://s3.eu-west-1.amazonaws.com":     "s3.amazonaws.com",
		"https://s3.cn-north-1.amazonaws.com.cn": "s3.amazonaws.com.cn",
		"HTTPS://S3.Example.org:9000/":           "s3.example.org:9000",
		"http://10.0.0.7":                        "10.0.0.7",
	} {
		if got := open(t, s3.Config{Endpoint: endpoint}).Identity(); got != want {
			t.Errorf("%s: %q, want %q", endpoint, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	setKeys(t)
	for name, c := range map[string]s3.Config{
		"no scheme":  {Endpoint: "localhost:9000"},
		"odd scheme": {Endpoint: "s3://bucket"},
		"no host":    {Endpoint: "http:///x"},
		"password":   {Endpoint: "https://me:hunter2@s3.example.org"},
		"query":      {Endpoint: "https://s3.example.org/?X-Amz-Signature=abc"},
		"profile":    {Profile: "nobody"},
		"CA bundle":  {CABundle: "/nonexistent/ca.pem"},
		"addressing": {Addressing: "sideways"},
	} {
		_, err := s3.Open(context.Background(), c)
		e := storeError(t, err)
		if e.Kind != store.Invalid || e.Hint == "" || e.Err == nil || strings.Contains(fmt.Sprintf("%+v %v", e, err), "hunter2") {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if _, err := s3.Open(context.Background(), s3.Config{CABundle: "/nonexistent/ca.pem"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
