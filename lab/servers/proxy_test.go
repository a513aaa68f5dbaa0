package servers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/proxy"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store/storetest"
)

const password = "p@ss/w0rd:"

var login = url.UserPassword("lab", password)

// behind is a server by a name that only the proxy resolves: no byte comes there in another way.
type behind struct {
	*testing.T
	*servers.Server
	*proxy.Proxy
	program string
}

func newBehind(t *testing.T, s *servers.Server) *behind {
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.Start(t, proxy.Config{Hosts: map[string]string{"store.test": u.Host}, Login: login})
	return &behind{t, s, p, built.Haul(t)}
}

// command makes a command that sees the server through the proxy.
func (b *behind) command(stdin io.Reader, args ...string) *exec.Cmd {
	e := b.Endpoint
	scheme, _, _ := strings.Cut(e.URL, ":")
	e.URL = scheme + "://store.test"
	cmd := e.Command(home(b.T), b.program, args...)
	cmd.Env = append(cmd.Env, strings.ToUpper(scheme)+"_PROXY="+b.Proxy.URL)
	cmd.Stdin = stdin
	return cmd
}

// haul runs to its end, which must be a good one, and gives the last event.
func (b *behind) haul(stdin io.Reader, args ...string) (done ending) {
	b.Helper()
	var out bytes.Buffer
	cmd := b.command(stdin, append(args, "--json")...)
	cmd.Stdout, cmd.Stderr = &out, &out
	up, down := b.Up.Load(), b.Down.Load()
	if err := cmd.Run(); err != nil {
		b.Fatalf("haul %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var e ending
		if json.Unmarshal(line, &e) == nil && (e.Event == "done" || e.Event == "summary") {
			done = e
		}
	}
	least := int64(1)
	if done.Moved > 0 { // else the store copied by itself
		least = done.Size - done.Kept
	}
	if passed := b.Up.Load() - up + b.Down.Load() - down; passed < least {
		b.Errorf("haul %s: %d bytes went through the proxy; the transfer has %d", strings.Join(args, " "), passed, least)
	}
	return done
}

// ending is the last event of a run that went well.
type ending struct {
	Event             string
	Kept, Moved, Size int64
	Retries           int
	Proof             struct{ Verified bool }
}

// killed runs haul and kills it when n bytes have passed.
func (b *behind) killed(n int64, args ...string) {
	b.Helper()
	cmd := b.command(nil, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.At(n, func() { _ = cmd.Process.Kill() })
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		b.Fatalf("haul %s was not killed: %v\n%s", strings.Join(args, " "), err, &out)
	}
}

// proved checks an ending.
func (b *behind) proved(what string, e ending) {
	b.Helper()
	if !e.Proof.Verified {
		b.Errorf("%s: not verified: %+v", what, e)
	}
	b.Logf("%s: kept %d, moved %d, %d retries", what, e.Kept, e.Moved, e.Retries)
}

// TestThroughProxy makes every kind of transfer through a proxy that wants a login.
func TestThroughProxy(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		b, dir, bucket := newBehind(t, s), t.TempDir(), "s3://"+s.Bucket(t)
		content := storetest.Generated(42*mib+5, 6)
		path, back := file(t, filepath.Join(dir, "reads.bam"), content), filepath.Join(dir, "back.bam")
		few := []string{"--part-size", "5MiB", "--concurrency", "2"}

		up := append([]string{"cp", path, bucket + "/runs/"}, few...)
		b.killed(18*mib, up...)
		e := b.haul(nil, up...)
		b.proved("killed upload", e)
		down := append([]string{"cp", bucket + "/runs/reads.bam", back}, few...)
		b.killed(30*mib, down...)
		e2 := b.haul(nil, down...)
		b.proved("killed download", e2)
		isFile(t, back, content)
		if e.Kept == 0 || e2.Kept == 0 {
			t.Errorf("of the killed upload %d bytes were kept, of the download %d", e.Kept, e2.Kept)
		}

		b.At(12*mib, b.Cut)
		e = b.haul(nil, append([]string{"cp", path, bucket + "/cut.bam"}, few...)...)
		b.proved("cut upload", e)
		b.At(12*mib, b.Cut)
		e2 = b.haul(nil, append([]string{"cp", bucket + "/cut.bam", filepath.Join(dir, "cut.bam")}, few...)...)
		b.proved("cut download", e2)
		isFile(t, filepath.Join(dir, "cut.bam"), content)
		if e.Retries == 0 || e2.Retries == 0 {
			t.Error("nothing was tried again after all connections were cut")
		}

		b.proved("stream up", b.haul(content.Section(), "cp", "-", bucket+"/stream"))
		b.proved("copy", b.haul(nil, "cp", bucket+"/stream", bucket+"/copy"))
		before := b.Down.Load()
		out, err := b.command(nil, "cp", bucket+"/copy", "-").Output()
		if err != nil || b.Down.Load()-before < content.Size() {
			t.Errorf("stream down: %v, %d bytes through the proxy", err, b.Down.Load()-before)
		}
		isContent(t, bytes.NewReader(out), content)

		tree(b, dir, bucket)
		if open := s.OpenUploads(t, strings.TrimPrefix(bucket, "s3://"), "runs/reads.bam", "cut.bam", "stream", "copy"); len(open) > 0 {
			t.Errorf("left open: %q", open)
		}
		if secure := s.CA != ""; secure != (b.Tunnels.Load() > 0) || secure != (b.Forwarded.Load() == 0) {
			t.Errorf("%d tunnels, %d requests", b.Tunnels.Load(), b.Forwarded.Load())
		}
	})
}

// tree copies a folder up and down.
func tree(b *behind, dir, bucket string) {
	b.Helper()
	contents := map[string]*storetest.Pattern{"large.bam": storetest.Generated(17*mib, 7)}
	for i := range 20 {
		contents[fmt.Sprintf("small %d.vcf", i)] = storetest.Generated(int64(i)*1000, uint64(i))
	}
	from, to := filepath.Join(dir, "tree"), filepath.Join(dir, "tree back")
	if err := os.Mkdir(from, 0o700); err != nil {
		b.Fatal(err)
	}
	for name, content := range contents {
		file(b.T, filepath.Join(from, name), content)
	}
	b.haul(nil, "cp", "-r", from, bucket+"/tree/")
	b.haul(nil, "cp", "-r", bucket+"/tree/", to)
	for name, content := range contents {
		isFile(b.T, filepath.Join(to, name), content)
	}
}

// trouble is a proxy that lets nothing through, and what haul should make of it.
type trouble struct {
	name   string
	config proxy.Config
	login  *url.Userinfo // that haul is given
	at     string        // where haul looks for the proxy, where it is not there
	code   int
	says   string
}

var troubles = []trouble{
	{"no login", proxy.Config{Login: login}, nil, "", 4, "requires a login"},
	{"wrong login", proxy.Config{Login: login}, url.UserPassword("lab", "an0ther"), "", 4, "rejects the login"},
	{"forbidden", proxy.Config{Refuse: 403}, login, "", 4, "403 Forbidden"},
	{"no way on", proxy.Config{}, login, "", 1, "502 Bad Gateway"},
	{"overrun", proxy.Config{Refuse: 503}, login, "", 1, "503 Service Unavailable"},
	{"mute", proxy.Config{Mute: true}, login, "", 1, "the way goes through the proxy"},
	{"not there", proxy.Config{}, login, "127.0.0.1:1", 1, "nothing answers at the proxy"},
}

// TestProxyRefuses looks at what haul says when the proxy is the trouble: what is wrong, with which proxy, and not its password.
func TestProxyRefuses(t *testing.T) {
	path := file(t, filepath.Join(t.TempDir(), "reads.bam"), storetest.Generated(20*mib, 1))
	var all sync.WaitGroup // most of the time, they wait
	defer all.Wait()
	for _, tr := range troubles {
		for _, scheme := range []string{"http", "https"} {
			p := proxy.Start(t, tr.config)
			for _, args := range [][]string{
				{"cp", path, "s3://lab/reads.bam", "--part-size", "5MiB"},
				{"cp", "s3://lab/reads.bam", filepath.Join(t.TempDir(), "back.bam")},
			} {
				cmd := endpoint.Endpoint{URL: scheme + "://store.test", AccessKey: "key", SecretKey: "secret"}.Command(t.TempDir(), built.Haul(t), args...)
				all.Go(func() { tr.check(t, p, scheme, cmd) })
			}
		}
	}
}

// check runs haul with the proxy.
func (tr trouble) check(t *testing.T, p *proxy.Proxy, scheme string, cmd *exec.Cmd) {
	u, err := url.Parse(p.Name)
	if err != nil {
		t.Error(err)
		return
	}
	if tr.at != "" {
		u.Host = tr.at
	}
	name := u.String()
	u.User = tr.login
	cmd.Env = append(cmd.Env, strings.ToUpper(scheme)+"_PROXY="+u.String())
	began := time.Now()
	out, _ := cmd.CombinedOutput()
	code, took := cmd.ProcessState.ExitCode(), time.Since(began)
	t.Logf("%s, %s: %v, exit code %d\n%s", tr.name, scheme, took.Round(time.Second/10), code, out)
	if code != tr.code || !bytes.Contains(out, []byte(tr.says)) || !bytes.Contains(out, []byte(name)) {
		t.Errorf("%s, %s: exit code %d, want %d; and it should say %q and name %s", tr.name, scheme, code, tr.code, tr.says, name)
	}
	for _, secret := range []string{password, url.QueryEscape(password), "an0ther"} {
		if bytes.Contains(out, []byte(secret)) {
			t.Errorf("%s, %s: it gives away the password %q", tr.name, scheme, secret)
		}
	}
	if took > 2*time.Minute {
		t.Errorf("%s, %s: it took %v", tr.name, scheme, took)
	}
}

// TestNoProxy: NO_PROXY lets haul go straight to the hosts that it names. No proxy is ever used for loopback addresses; 0.0.0.0 is none,
// and leads there all the same.
func TestNoProxy(t *testing.T) {
	s := servers.Start(t, servers.Versitygw, false)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.Start(t, proxy.Config{Hosts: map[string]string{"0.0.0.0": u.Host}})
	bucket, path := s.Bucket(t), file(t, filepath.Join(t.TempDir(), "reads.bam"), storetest.Generated(12*mib, 1))
	for _, tt := range []struct {
		env     []string
		through bool
	}{
		{[]string{"http_proxy=" + p.URL}, true},
		{[]string{"HTTP_PROXY=" + p.URL, "NO_PROXY=elsewhere.test"}, true},
		{[]string{"HTTP_PROXY=" + p.URL, "NO_PROXY=elsewhere.test,0.0.0.0"}, false},
		{[]string{"HTTP_PROXY=" + p.URL, "no_proxy=*"}, false},
		{[]string{"HTTPS_PROXY=" + p.URL}, false},
	} {
		e := s.Endpoint
		e.URL = "http://0.0.0.0:" + u.Port()
		cmd := e.Command(home(t), built.Haul(t), "cp", path, "s3://"+bucket+"/")
		cmd.Env = append(cmd.Env, tt.env...)
		before := p.Up.Load()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", tt.env, err, out)
		}
		if passed := p.Up.Load() - before; tt.through != (passed > 12*mib) || !tt.through && passed != 0 {
			t.Errorf("%q: %d bytes went through the proxy", tt.env, passed)
		}
	}
}
