// Package servers starts real S3 servers on loopback for tests: versitygw, MinIO, SeaweedFS, rclone and Ceph's RADOS Gateway, over HTTP
// and HTTPS; and gofakes3, over HTTP.
//
// Each server is a process of its own on a free port, with its data in a temporary folder, and stops with the test that started it;
// but all tests of a process share one Ceph cluster, which Stop stops.
package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/gateway"
)

// Kind names a server.
type Kind string

// The servers.
const (
	Versitygw Kind = "versitygw"
	MinIO     Kind = "minio"
	SeaweedFS Kind = "seaweedfs"
	Rclone    Kind = "rclone" // rclone serve s3, as of a folder
	Ceph      Kind = "ceph"   // skipped where Debian's packages of it are not installed

	// The server of s5cmd's own tests: as they mostly start it, and with its memory backend, for the sake of versions.
	Gofakes3       Kind = "gofakes3"
	Gofakes3Memory Kind = "gofakes3-memory"
)

// Kinds lists the servers that do most of what S3 does, and so run the conformance suite. Rclone does not: it has no conditions on
// writing, no tags, no copies of ranges, and takes the parts of an upload only in order.
func Kinds() []Kind { return []Kind{Versitygw, MinIO, SeaweedFS, Ceph} }

const (
	accessKey, secretKey             = "lab-access-key", "lab-secret-key"
	readerAccessKey, readerSecretKey = "lab-reader-access", "lab-reader-secret"
)

// Server is a running server.
type Server struct {
	endpoint.Endpoint
	Kind Kind
	PID  int // of the server's process; 0 where it is shared
}

// buckets counts those that were made, so that each has a name of its own on a server that is shared.
var buckets atomic.Int64

// Start starts a server, over HTTPS where secure is set, and returns when it answers.
func Start(tb testing.TB, kind Kind, secure bool) *Server {
	tb.Helper()
	return start(tb, kind, secure, 3)
}

// start tries so many times: a free port may be taken by another process before the server listens on it.
func start(tb testing.TB, kind Kind, secure bool, tries int) *Server {
	tb.Helper()
	if kind == Ceph {
		s := &Server{Kind: kind, Endpoint: startCeph(tb, secure)}
		if err := s.await(tb.Context()); err != nil {
			tb.Fatalf("start %s: %v", kind, err)
		}
		return s
	}
	addr, err := gateway.FreeAddr()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Kind: kind, Endpoint: endpoint.Endpoint{URL: "http://" + addr, AccessKey: accessKey, SecretKey: secretKey}}
	dir := tb.TempDir()
	certs := filepath.Join(dir, "certs")
	if err := os.Mkdir(certs, 0o700); err != nil {
		tb.Fatal(err)
	}
	if secure {
		s.URL = "https://" + addr
		s.CA = writeCertificate(tb, certs)
	}
	cmd := s.command(tb, dir, addr)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	stdin, err := cmd.StdinPipe() // the gateway ends when this does
	if err != nil {
		tb.Fatal(err)
	}
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	s.PID = cmd.Process.Pid
	ctx, exited := context.WithCancelCause(context.Background())
	done := make(chan struct{})
	go func() {
		exited(errors.Join(errors.New("the server ended"), cmd.Wait()))
		close(done)
	}()
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		<-done
		if tb.Failed() {
			tb.Logf("%s said:\n%s", kind, out)
		}
	})
	if err := s.await(ctx); err != nil {
		if tries > 1 && ctx.Err() != nil { // it ended by itself
			return start(tb, kind, secure, tries-1)
		}
		tb.Fatalf("start %s: %v\n%s", kind, err, out)
	}
	return s
}

func (s *Server) command(tb testing.TB, dir, addr string) *exec.Cmd {
	certs, data := filepath.Join(dir, "certs"), filepath.Join(dir, "data")
	switch s.Kind {
	case SeaweedFS:
		return s.weed(tb, dir, addr)
	case Rclone:
		cmd := exec.Command(built.Rclone(tb), "serve", "s3", "--addr", addr, "--auth-key", s.AccessKey+","+s.SecretKey, data)
		if s.CA != "" {
			cmd.Args = append(cmd.Args, "--cert", filepath.Join(certs, "public.crt"), "--key", filepath.Join(certs, "private.key"))
		}
		if err := os.Mkdir(data, 0o700); err != nil {
			tb.Fatal(err)
		}
		cmd.Env = append(endpoint.Bare(dir), "RCLONE_CONFIG="+filepath.Join(dir, "rclone.conf"))
		return cmd
	case Gofakes3, Gofakes3Memory:
		cmd := exec.Command(built.Gofakes3(tb), "-host", addr, "-backend", "bolt", "-bolt.db", data)
		if s.Kind == Gofakes3Memory {
			cmd.Args = append(cmd.Args, "-backend", "memory")
		}
		cmd.Env = endpoint.Bare(dir)
		return cmd
	case MinIO:
		cmd := exec.Command(built.MinIO(tb), "server", "--quiet", "--address", addr, "--certs-dir", certs, data)
		cmd.Env = append(endpoint.Bare(dir), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey,
			"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1") // CI_CD lets the data lie on the root disk
		return cmd
	}
	cmd := exec.Command(built.Gateway(tb), "-dir", data, "-addr", addr)
	if s.CA != "" {
		cmd.Args = append(cmd.Args, "-keep-alive",
			"-cert", filepath.Join(certs, "public.crt"), "-key", filepath.Join(certs, "private.key"))
	}
	cmd.Env = append(endpoint.Bare(dir), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey,
		"USER_ACCESS_KEY="+readerAccessKey, "USER_SECRET_KEY="+readerSecretKey)
	return cmd
}

// weed makes the command of a SeaweedFS with all its servers in one process, each on a free port of the loopback interface.
func (s *Server) weed(tb testing.TB, dir, addr string) *exec.Cmd {
	tb.Helper()
	identity := fmt.Sprintf(`{"identities": [{"name": "lab", "credentials": [{"accessKey": %q, "secretKey": %q}], "actions": ["Admin"]}]}`,
		s.AccessKey, s.SecretKey)
	config, data := filepath.Join(dir, "s3.json"), filepath.Join(dir, "data")
	if err := errors.Join(os.WriteFile(config, []byte(identity), 0o600), os.Mkdir(data, 0o700)); err != nil {
		tb.Fatal(err)
	}
	port := func(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }
	args := []string{"server", "-ip", "127.0.0.1", "-dir", data, "-volume.max", "100", "-master.volumeSizeLimitMB", "1024",
		"-master.telemetry=false", "-s3", "-s3.config", config, "-s3.port", port(addr), "-s3.localSocket", filepath.Join(dir, "s3.sock"),
		"-s3.port.iceberg", "0", "-s3.port.lance", "0", "-s3.autoCreateBucket=false"}
	if s.CA != "" {
		certs := filepath.Join(dir, "certs")
		args = append(args, "-s3.cert.file", filepath.Join(certs, "public.crt"), "-s3.key.file", filepath.Join(certs, "private.key"))
	}
	for _, flag := range []string{"master.port", "volume.port", "filer.port", "master.port.grpc", "volume.port.grpc", "filer.port.grpc", "s3.port.grpc"} {
		free, err := gateway.FreeAddr()
		if err != nil {
			tb.Fatal(err)
		}
		args = append(args, "-"+flag, port(free))
	}
	cmd := exec.Command(built.SeaweedFS(tb), args...)
	cmd.Env, cmd.Dir = endpoint.Bare(dir), dir
	return cmd
}

// await returns when the server answers requests as an S3 server: MinIO accepts connections a while before.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := s.Client().ListBuckets(ctx, &s3.ListBucketsInput{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// Client gives an SDK client, for what a test needs to know or make without haul.
func (s *Server) Client() *s3.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	if pem, err := os.ReadFile(s.CA); err == nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.URL),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		HTTPClient:   &http.Client{Transport: transport},
	})
}

// Reader lets a second user list a bucket and read its objects, and nothing else, and returns the server as that user sees it. It is for
// versitygw and MinIO, and needs mc for MinIO.
func (s *Server) Reader(tb testing.TB, bucket string) *Server {
	tb.Helper()
	reader := *s
	reader.AccessKey, reader.SecretKey = readerAccessKey, readerSecretKey
	if s.Kind == MinIO {
		u := strings.Replace(s.URL, "://", "://"+s.AccessKey+":"+s.SecretKey+"@", 1)
		policy := filepath.Join(tb.TempDir(), "reader.json") // MinIO's own readonly does not allow listing
		text := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::*"]}]}`
		if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
		for _, line := range [][]string{{"user", "add", "lab", readerAccessKey, readerSecretKey}, {"policy", "create", "lab", "reader", policy},
			{"policy", "attach", "lab", "reader", "--user", readerAccessKey}} {
			cmd := exec.Command("mc", append([]string{"--insecure", "admin"}, line...)...)
			cmd.Env = append(endpoint.Bare(tb.TempDir()), "MC_HOST_lab="+u)
			if out, err := cmd.CombinedOutput(); err != nil {
				tb.Fatalf("%v: %v\n%s", line, err, out)
			}
		}
		return &reader
	}
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": [%q]}, "Action": ["s3:ListBucket", "s3:GetObject"],
		"Resource": ["arn:aws:s3:::%s", "arn:aws:s3:::%s/*"]}]}`, readerAccessKey, bucket, bucket)
	if _, err := s.Client().PutBucketPolicy(tb.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		tb.Fatal(err)
	}
	return &reader
}

// Bucket makes a bucket and gives its name.
func (s *Server) Bucket(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("lab-%d", buckets.Add(1))
	if _, err := s.Client().CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		tb.Fatal(err)
	}
	return name
}

// OpenUploads gives the keys of the uploads that are open in a bucket.
func (s *Server) OpenUploads(tb testing.TB, bucket string, keys ...string) []string {
	tb.Helper()
	var open []string
	for _, key := range append(keys, "") { // MinIO lists by exact key only
		out, err := s.Client().ListMultipartUploads(tb.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: &key})
		if api := smithy.APIError(nil); errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload" {
			continue // what gofakes3 answers while a bucket has never had one
		}
		if err != nil {
			tb.Fatal(err)
		}
		for _, u := range out.Uploads {
			open = append(open, aws.ToString(u.Key))
		}
	}
	return open
}

// output collects what a process says.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	const most = 64 << 10
	o.text = append(o.text, b...)
	if len(o.text) > most {
		o.text = o.text[len(o.text)-most:]
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
