package workflow_test

import (
	"bytes"

	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/servers"
)

// relay stands before the server.
type relay struct {
	server *httptest.Server
	proxy  *httputil.ReverseProxy

	mu   sync.Mutex
	out  map[string]int64 // bytes of bodies that went out, by method and path
	in   map[string]int64 // and came in
	held *hold
}

// hold keeps one request from the server.
type hold struct {
	wants    func(*http.Request) bool
	reached  chan struct{} // closed when it came
	released chan struct{} // closed to let it go on
}

func newRelay(tb testing.TB, target string) *relay {
	u, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	r := &relay{out: map[string]int64{}, in: map[string]int64{}}
	r.proxy = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(u)
			p.Out.Host = p.In.Host // it is signed
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }, // who asked was killed
	}
	r.server = httptest.NewServer(r)
	tb.Cleanup(r.server.Close)
	return r
}

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	h := r.held
	if h != nil && h.wants(req) {
		r.held = nil
		close(h.reached)
	} else {
		h = nil
	}
	r.mu.Unlock()
	if h != nil {
		<-h.released
	}
	name := req.Method + " " + req.URL.Path
	req.Body = &counted{ReadCloser: req.Body, add: func(n int) { r.count(r.in, name, n) }}
	r.proxy.ServeHTTP(&counting{w, func(n int) { r.count(r.out, name, n) }}, req)
}

func (r *relay) count(in map[string]int64, name string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in[name] += int64(n)
}

// sent gives the bytes that a path's GETs brought, got those that its PUTs took.
func (r *relay) sent(path string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out["GET "+path]
}

func (r *relay) got(path string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.in["PUT "+path]
}

func (r *relay) hold(wants func(*http.Request) bool) *hold {
	h := &hold{wants, make(chan struct{}), make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = h
	return h
}

type counted struct {
	io.ReadCloser
	add func(int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.add(n)
	return n, err
}

type counting struct {
	http.ResponseWriter
	add func(int)
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.add(n)
	return n, err
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// rig is a server with its relay, and a folder to work in.
type rig struct {
	*testing.T
	server *servers.Server
	relay  *relay
	dir    string
	env    []string
}

func newRig(t *testing.T, buckets ...string) *rig {
	t.Helper()
	g := &rig{T: t, server: servers.Start(t, servers.Versitygw, false), dir: t.TempDir()}
	g.relay = newRelay(t, g.server.URL)
	through := endpoint.Endpoint{URL: g.relay.server.URL, AccessKey: g.server.AccessKey, SecretKey: g.server.SecretKey}
	g.env = append(through.Env(filepath.Join(g.dir, "home")), "TMPDIR="+filepath.Join(g.dir, "tmp"), "PATH="+filepath.Dir(built.Haul(t))+":"+os.Getenv("PATH"))
	for _, b := range buckets {
		if _, err := g.server.Client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b}); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// needs skips where a program is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed here", p)
		}
	}
}

func (g *rig) write(name string, text []byte) {
	g.Helper()
	path := filepath.Join(g.dir, name)
	for _, err := range []error{os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, text, 0o777)} {
		if err != nil {
			g.Fatal(err)
		}
	}
}

func (g *rig) put(bucket, key string, content []byte) {
	g.Helper()
	if _, err := g.server.Client().PutObject(g.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}); err != nil {
		g.Fatal(err)
	}
}

// get gives an object; nil where there is none.
func (g *rig) get(bucket, key string) []byte {
	g.Helper()
	o, err := g.server.Client().GetObject(g.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: "ENABLED"})
	if err != nil {
		return nil
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	if err != nil {
		g.Fatal(err)
	}
	return b
}

// process is one haul on its way.
type process struct {
	*exec.Cmd
	g              *rig
	stdout, stderr lines
}

// lines keeps what was written, and tells when a text is in it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	seen chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if l.seen != nil && strings.Contains(l.text.String(), l.want) {
		close(l.seen)
		l.seen = nil
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// fetchedOnce checks that an object of a size was fetched once. On a busy machine, a range may be cut because others are faster: what was
// under way then comes twice, which haul bounds to a few per cent.
func (g *rig) fetchedOnce(path string, size int64) {
	g.Helper()
	if got := g.relay.sent(path); got < size || got > size+size/8 {
		g.Errorf("%d bytes of %s were fetched, want %d", got, path, size)
	}
}

// command is a line that has not begun.
func (g *rig) command(args ...string) *process {
	p := &process{Cmd: exec.Command(built.Haul(g), args...), g: g}
	p.Dir, p.Env = g.dir, g.env
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

// begin starts it; the channel is closed when it has said that text.
func (p *process) begin(text string) <-chan struct{} {
	p.g.Helper()
	seen := make(chan struct{})
	p.stdout.want, p.stdout.seen = text, seen
	if err := p.Start(); err != nil {
		p.g.Fatal(err)
	}
	return seen
}

// await waits for what the process is to do or say. If that does not come, the test fails with what it said.
func (p *process) await(c <-chan struct{}) {
	p.g.Helper()
	select {
	case <-c:
	case <-time.After(5 * time.Minute):
		_ = p.Process.Kill()
		p.g.Fatalf("%s: it does not come to that\n%s%s", strings.Join(p.Args, " "), p.stdout.String(), p.stderr.String())
	}
}

// end waits for its end, which must have that exit code; -1 is that of a kill.
func (p *process) end(code int) {
	p.g.Helper()
	err := p.Wait()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		p.g.Fatal(err)
	}
	if got := p.ProcessState.ExitCode(); got != code {
		p.g.Fatalf("%s: exit code %d, want %d\n%s%s", strings.Join(p.Args, " "), got, code, p.stdout.String(), p.stderr.String())
	}
}

// run runs a line to its end.
func (g *rig) run(code int, args ...string) *process {
	g.Helper()
	p := g.command(args...)
	p.begin("\x00")
	p.end(code)
	return p
}

// killed kills it when the held request comes, and lets that go on.
func (p *process) killed(h *hold) {
	p.g.Helper()
	p.begin("\x00")
	p.await(h.reached)
	if err := p.Process.Kill(); err != nil {
		p.g.Fatal(err)
	}
	p.end(-1)
	close(h.released)
}

// record is what run.json holds.
type record struct {
	Outcome string
	Why     string
	Code    int   `json:"exit_code"`
	Memory  int64 `json:"peak_memory_bytes"`
	Seconds struct{ Wall float64 }
	Inputs  []struct{ Source, State, Checksum string }
	Outputs []struct {
		Target, ETag, Checksum, Proof string
		Size                          int64
	}
}

func (g *rig) record(bucket, key string) record {
	g.Helper()
	var r record
	if err := json.Unmarshal(g.get(bucket, key), &r); err != nil {
		g.Fatalf("s3://%s/%s: %v", bucket, key, err)
	}
	return r
}

// random gives bytes that are the same each time.
func random(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// genome is FASTA of random bases.
func genome(n int) []byte {
	r := rand.New(rand.NewPCG(7, 7))
	text := []byte(">chr1\n")
	for i := range n {
		text = append(text, "ACGT"[r.IntN(4)])
		if i%60 == 59 {
			text = append(text, '\n')
		}
	}
	return append(text, '\n')
}

// spotService is a machine's metadata service, that tells of its end when ready is closed.
func spotService(tb testing.TB, ready <-chan struct{}) (url string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			_, _ = io.WriteString(w, "a-token")
		case r.Header.Get("X-aws-ec2-metadata-token") != "a-token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/meta-data/spot/instance-action":
			asked.Add(1)
			select {
			case <-ready:
				_, _ = io.WriteString(w, `{"action":"terminate","time":"2026-11-25T17:02:00Z"}`)
			case <-r.Context().Done():
			}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	tb.Cleanup(s.Close)
	return s.URL, asked
}
