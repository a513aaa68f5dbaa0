package servers_test

import (
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store/storetest"
)

// peer is another program that moves objects.
type peer struct {
	name, program string
	put, get      func(s *servers.Server, object, path string) []string
}

var peers = []peer{
	{
		name: "aws", program: "aws",
		put: func(s *servers.Server, object, path string) []string { return awsCopy(s, path, object) },
		get: func(s *servers.Server, object, path string) []string { return awsCopy(s, object, path) },
	}, {
		name: "s3cmd", program: "s3cmd",
		put: func(s *servers.Server, object, path string) []string { return append(s3cmd(s), "put", path, object) },
		get: func(s *servers.Server, object, path string) []string { return append(s3cmd(s), "get", object, path) },
	},
}

// awsCopy names the endpoint: Debian's version is older than AWS_ENDPOINT_URL.
func awsCopy(s *servers.Server, from, to string) []string {
	return []string{"s3", "cp", "--endpoint-url", s.URL, "--no-progress", from, to}
}

// s3cmd reads no AWS_ENDPOINT_URL.
func s3cmd(s *servers.Server) []string {
	u, _ := url.Parse(s.URL)
	args := []string{"--config=/dev/null", "--access_key=" + s.AccessKey, "--secret_key=" + s.SecretKey, "--host=" + u.Host,
		"--host-bucket=" + u.Host, "--region=us-east-1", "--no-progress", "--multipart-chunk-size-mb=5"}
	if s.CA == "" {
		return append(args, "--no-ssl")
	}
	return append(args, "--ssl", "--ca-certs="+s.CA)
}

// find prefers the system's own program to one that a user put before it in PATH.
func (p peer) find() (string, error) {
	if path, err := exec.LookPath(filepath.Join("/usr/bin", p.program)); err == nil {
		return path, nil
	}
	return exec.LookPath(p.program)
}

// TestPeers lets other programs read what haul wrote, and haul read and prove what they wrote.
func TestPeers(t *testing.T) {
	for _, p := range peers {
		program, err := p.find()
		if err != nil {
			t.Run(p.name, func(t *testing.T) { t.Skipf("%s is not installed", p.program) })
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *servers.Server) { crossRead(t, s, p, program) })
		})
	}
}

func crossRead(t *testing.T, s *servers.Server, p peer, program string) {
	haul, bucket, dir := built.Haul(t), s.Bucket(t), t.TempDir()
	for name, content := range map[string]*storetest.Pattern{
		"small.vcf": storetest.Generated(4321, 1),
		"large.bam": storetest.Generated(33*mib+11, 2),
	} {
		path := file(t, filepath.Join(dir, name), content)
		ours, theirs := "s3://"+bucket+"/ours/"+name, "s3://"+bucket+"/theirs/"+name

		run(t, s, nil, haul, "cp", path, ours)
		got := filepath.Join(dir, "got-"+name)
		run(t, s, nil, program, p.get(s, ours, got)...)
		isFile(t, got, content)

		run(t, s, nil, program, p.put(s, theirs, path)...)
		back := filepath.Join(dir, "back-"+name)
		out := run(t, s, nil, haul, "cp", theirs, back)
		isFile(t, back, content)
		last := out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]
		if !strings.Contains(last, "; verified: ") {
			t.Errorf("what %s wrote was not verified: %s", p.name, last)
		}
		t.Logf("%s: %s", name, strings.TrimSpace(last[strings.Index(last, "verified"):]))
	}
}
