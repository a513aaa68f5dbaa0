package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul/internal/doctor"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

const secret, token = "do-not-print-me-secret", "do-not-print-me-token"

// clean sets the environment of a user who has keys and nothing else.
func clean(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // so that it comes back at the end
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE1234")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", token)
}

func haulLine(words ...string) string { return "haul " + strings.Join(words, " ") }

// check runs the checks on a store, and returns the findings by name.
func check(t *testing.T, ctx context.Context, st store.Store, r doctor.Request) (map[string]doctor.Finding, error) {
	t.Helper()
	r.Version, r.StateDir = "haul test", t.TempDir()
	r.Line = haulLine
	found := map[string]doctor.Finding{}
	err := r.Run(ctx, st, func(f doctor.Finding) {
		if _, twice := found[f.Name]; twice {
			t.Errorf("%s is reported twice", f.Name)
		}
		if (f.Advice != "") != (f.Grade == doctor.Warn || f.Grade == doctor.Bad) {
			t.Errorf("%s is %s, with the advice %q", f.Name, f.Grade, f.Advice)
		}
		if all := fmt.Sprint(f); strings.Contains(all, secret) || strings.Contains(all, token) {
			t.Errorf("a secret is in %v", f)
		}
		found[f.Name] = f
	})
	return found, err
}

// checkURL runs the checks on an endpoint.
func checkURL(t *testing.T, url string, r doctor.Request) map[string]doctor.Finding {
	t.Helper()
	st, err := s3.Open(t.Context(), s3.Config{Endpoint: url, DialTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	found, err := check(t, t.Context(), st, r)
	if err != nil {
		t.Error(err)
	}
	return found
}

// want compares grades, given as "name=grade", and part of the text if that follows a colon.
func want(t *testing.T, found map[string]doctor.Finding, wants ...string) {
	t.Helper()
	for _, w := range wants {
		w, text, _ := strings.Cut(w, ": ")
		name, grade, _ := strings.Cut(w, "=")
		f := found[name]
		if string(f.Grade) != grade || !strings.Contains(f.Text+f.Advice, text) {
			t.Errorf("%s is %q: %s (%s); want %q: %s", name, f.Grade, f.Text, f.Advice, grade, text)
		}
	}
}

var lab = store.Ref{Bucket: "lab", Key: "runs"}

func TestHealthy(t *testing.T) {
	clean(t)
	m := storetest.New(storetest.Buckets("lab"))
	found := checkURL(t, s3server.Serve(t, m).URL, doctor.Request{Where: lab, Write: true})
	want(t, found, "endpoint=ok: --endpoint-url", "credentials=ok: AWS_ACCESS_KEY_ID in the environment, access key …1234", "clock=ok", "login=ok", "list=ok", "put=ok",
		"checksums=ok: checked and recorded: CRC64NVME", "if-none-match=ok", "multipart=ok", "upload rate=ok: 8.0 MiB", "get=ok", "download rate=ok", "abort=ok", "delete=ok",
		"versioning=open", "lifecycle=open")
	for name, f := range found {
		if f.Grade == doctor.Bad || f.Grade == doctor.Warn {
			t.Errorf("%s is %v", name, f)
		}
	}
	empty(t, m)
}

// empty fails the test if something is left in the bucket.
func empty(t *testing.T, m *storetest.Memory) {
	t.Helper()
	if keys := m.Keys("lab", ""); len(keys) > 0 {
		t.Errorf("left behind: %q", keys)
	}
	for u, err := range m.Uploads(t.Context(), "lab", "") {
		t.Errorf("an upload is left: %v, %v", u, err)
	}
}

// TestPoor has a server that knows no checksums of S3's, and one that knows none at all.
func TestPoor(t *testing.T) {
	clean(t)
	for _, tt := range []struct {
		takes storetest.Option
		want  string
	}{
		{storetest.Takes(storetest.MD5Checksums), "checksums=warn: MD5; refused: CRC64NVME"},
		{storetest.Takes(storetest.NoChecksums), "checksums=warn: haul verify --download"},
	} {
		m := storetest.New(tt.takes, storetest.Buckets("lab"))
		found := checkURL(t, s3server.Serve(t, m).URL, doctor.Request{Where: lab, Write: true})
		want(t, found, tt.want, "put=ok", "multipart=ok", "delete=ok")
		empty(t, m)
	}
}

// TestVersions leaves no version behind.
func TestVersions(t *testing.T) {
	clean(t)
	m := storetest.New(storetest.Versioned(), storetest.Buckets("lab"))
	found := checkURL(t, s3server.Serve(t, m).URL, doctor.Request{Where: lab, Write: true})
	want(t, found, "put=ok", "delete=ok")
	empty(t, m)
	if puts, deleted := m.Counts()[storetest.Put].Calls, m.Counts()[storetest.Delete].Calls; deleted < puts/2 {
		t.Errorf("%d versions of about %d are deleted", deleted, puts)
	}
}

// TestWithoutWriting reads an object that exists, and writes nothing.
func TestWithoutWriting(t *testing.T) {
	clean(t)
	m := storetest.New(storetest.Buckets("lab"))
	m.Make(store.Ref{Bucket: "lab", Key: "runs/x"}, storetest.Generated(1<<20, 1).Section(), storetest.Made{})
	found := checkURL(t, s3server.Serve(t, m).URL, doctor.Request{Where: lab})
	want(t, found, "list=ok: objects under", "head=ok", "get=ok", "download rate=ok: 1.0 MiB", "put=open: --write", "delete=open: --write")
	if n := m.Counts()[storetest.Put].Calls + m.Counts()[storetest.Create].Calls; n != 0 {
		t.Errorf("%d requests write", n)
	}
}

// TestDenied lets the server refuse one operation.
func TestDenied(t *testing.T) {
	clean(t)
	for op, wants := range map[storetest.Op][]string{
		storetest.List:   {"login=ok", "list=warn: s3:ListBucket", "put=ok", "delete=ok"},
		storetest.Put:    {"put=bad: s3:PutObject", "checksums=open", "multipart=open", "get=ok", "delete=open"},
		storetest.Create: {"put=ok", "multipart=bad: s3:PutObject", "upload rate=open", "get=ok", "delete=ok"},
		storetest.Abort:  {"abort=warn: s3:AbortMultipartUpload", "delete=warn: an unfinished upload of s3://lab/runs/haul-doctor-"},
		storetest.Delete: {"multipart=ok", "delete=warn: left behind: s3://lab/runs/haul-doctor-"},
		storetest.Get:    {"head=ok", "get=warn: s3:GetObject", "download rate=open", "delete=ok"},
	} {
		m := storetest.New(storetest.Buckets("lab"))
		m.Make(store.Ref{Bucket: "lab", Key: "runs/x"}, storetest.Generated(100, 1).Section(), storetest.Made{})
		m.Fault(op).Always().Error(store.Denied)
		found := checkURL(t, s3server.Serve(t, m).URL, doctor.Request{Where: lab, Write: true})
		t.Log(op)
		want(t, found, wants...)
	}
}

// TestUnreadable has an object that may be listed and not read.
func TestUnreadable(t *testing.T) {
	clean(t)
	m := storetest.New(storetest.Buckets("lab"))
	m.Make(store.Ref{Bucket: "lab", Key: "runs/x"}, storetest.Generated(100, 1).Section(), storetest.Made{})
	m.Fault(storetest.Get).Always().Error(store.Denied)
	want(t, checkURL(t, s3server.Serve(t, m).URL, doctor.Request{Where: lab}), "head=ok", "get=bad: s3:GetObject")
}

// TestStopped removes the test objects although the run is stopped in the middle of them.
func TestStopped(t *testing.T) {
	clean(t)
	m := storetest.New(storetest.Buckets("lab"))
	st, err := s3.Open(t.Context(), s3.Config{Endpoint: s3server.Serve(t, m).URL})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	m.Fault(storetest.PutPart).Hook(func() { stop(enough) })
	found, err := check(t, ctx, st, doctor.Request{Where: lab, Write: true})
	if !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	want(t, found, "put=ok", "delete=ok")
	empty(t, m)
}

// answers starts a server with one answer to all requests that are signed, and another to the others.
func answers(t *testing.T, signed http.HandlerFunc, ahead time.Duration) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		signed(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func fails(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		// A server that repeats what it was sent must not make haul print it.
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s %s</Message></Error>", code, r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token"))
	}
}

func TestRefused(t *testing.T) {
	clean(t)
	for name, tt := range map[string]struct {
		signed http.HandlerFunc
		ahead  time.Duration
		want   []string
	}{
		"unknown key":  {fails(403, "InvalidAccessKeyId"), 0, []string{"clock=ok", "login=bad: does not recognize", "list=open: not tried", "put=open"}},
		"wrong secret": {fails(403, "SignatureDoesNotMatch"), 0, []string{"login=bad: secret key does not match", "delete=open"}},
		"expired":      {fails(400, "ExpiredToken"), 0, []string{"login=bad: AWS_SESSION_TOKEN has expired", "get=open"}},
		"clock ahead":  {fails(403, "RequestTimeTooSkewed"), -time.Hour, []string{"clock=bad: 1h0m0s ahead of the server", "login=bad: ahead", "list=open"}},
		"clock behind": {fails(403, "RequestTimeTooSkewed"), 2 * time.Hour, []string{"clock=bad: 2h0m0s behind the server", "login=bad: behind"}},
		"clock off":    {fails(403, "AccessDenied"), 2 * time.Minute, []string{"clock=warn: 2m0s behind", "login=ok", "list=warn: access denied", "put=bad"}},
		"no bucket":    {fails(404, "NoSuchBucket"), 0, []string{"login=ok", "list=bad: no such bucket", "versioning=open: does not exist", "put=open"}},
		"login page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html><title>Sign in</title></html>")
		}, 0, []string{"login=bad: Sign in", "list=open", "put=open"}},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, checkURL(t, answers(t, tt.signed, tt.ahead), doctor.Request{Where: lab, Write: true}), tt.want...)
		})
	}
}

func TestUnreachable(t *testing.T) {
	clean(t)
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := answers(t, fails(403, "AccessDenied"), 0)
	for _, tt := range []struct {
		url  string
		want []string
	}{
		{closed.URL, []string{"tcp=bad: refused", "clock=open: cannot be reached", "login=open", "list=open", "get=open"}},
		{strings.Replace(plain, "http:", "https:", 1), []string{"tcp=ok", "tls=bad: plain HTTP", "clock=open", "login=open: does not answer"}},
		{"http://nowhere.invalid", []string{"dns=bad: nowhere.invalid", "tcp=open", "login=open", "versioning=open"}},
	} {
		want(t, checkURL(t, tt.url, doctor.Request{Where: lab, Write: true}), tt.want...)
	}
}

func TestTLS(t *testing.T) {
	clean(t)
	m := storetest.New(storetest.Buckets("lab"))
	server := s3server.Serve(t, m, s3server.TLS())
	want(t, checkURL(t, server.URL, doctor.Request{}), "tls=bad: --ca-bundle", "login=open")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, server.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", ca)
	want(t, checkURL(t, server.URL, doctor.Request{}), "tls=ok: TLS 1.3; the certificate is from Acme Co and ends 2084-", "login=ok", "buckets=ok: 1 bucket", "bucket=open")
}

// TestOtherStore has a store that reports nothing of itself.
func TestOtherStore(t *testing.T) {
	m := storetest.New(storetest.Buckets("lab"))
	found, err := check(t, t.Context(), m, doctor.Request{Where: lab, Write: true})
	if err != nil {
		t.Error(err)
	}
	want(t, found, "endpoint=open", "dns=open", "login=ok", "list=ok", "put=ok", "checksums=ok", "if-match=open", "lifecycle=open", "multipart=ok", "delete=ok")
	empty(t, m)
}

// TestMachine has a folder of records that cannot be created.
func TestMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var warned []string
	r := doctor.Request{StateDir: filepath.Join(file, "state"), Line: haulLine}
	if err := r.Run(t.Context(), storetest.New(), func(f doctor.Finding) {
		if f.Grade == doctor.Warn && f.Name != "disk" && f.Name != "open files" {
			warned = append(warned, f.Name)
		}
	}); err != nil || !slices.Equal(warned, []string{"state folder"}) {
		t.Errorf("warnings are %q, %v", warned, err)
	}
}
