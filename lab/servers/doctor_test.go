package servers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
)

// diagnosis is one check of haul doctor.
type diagnosis struct{ Name, Grade, Found, Advice string }

// diagnosed runs haul doctor with more variables and returns its checks by name, and the exit code.
func diagnosed(t *testing.T, s *servers.Server, more []string, args ...string) (map[string]diagnosis, int) {
	t.Helper()
	cmd := exec.Command(built.Haul(t), append([]string{"doctor", "--json"}, args...)...)
	cmd.Env = append(s.Env(t.TempDir()), more...)
	cmd.Dir = t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	found := map[string]diagnosis{}
	for line := range strings.Lines(out.String()) {
		var event struct{ Diagnosis diagnosis }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if d := event.Diagnosis; d.Name != "" {
			found[d.Name] = d
			t.Logf("%-5s %s: %s %s", d.Grade, d.Name, d.Found, d.Advice)
			if (d.Advice == "") == slices.Contains([]string{"warn", "bad"}, d.Grade) {
				t.Errorf("%s is %s, with the advice %q", d.Name, d.Grade, d.Advice)
			}
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if all := out.String() + errs.String(); strings.Contains(all, s.SecretKey) || strings.Contains(all, s.AccessKey) {
		t.Error("it printed a key")
	}
	return found, cmd.ProcessState.ExitCode()
}

// missing are the checks that a server has no answer to.
var missing = map[servers.Kind][]string{
	servers.Versitygw: {"lifecycle", "requester pays", "encryption"},
	servers.Ceph:      {"encryption"}, // 16.2
}

// TestDoctor runs haul doctor on each server, and where it must find something wrong.
func TestDoctor(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		bucket := s.Bucket(t)
		found, code := diagnosed(t, s, nil, "--write", "s3://"+bucket+"/runs")
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		for _, d := range found {
			if d.Grade == "bad" || d.Grade == "open" && !slices.Contains(missing[s.Kind], d.Name) {
				t.Errorf("%s is %s: %s", d.Name, d.Grade, d.Found)
			}
		}
		for _, name := range []string{"put", "get", "head", "multipart", "abort", "delete", "clock", "login", "list", "tls"} {
			if found[name].Name == "" {
				t.Errorf("%s was not checked", name)
			}
		}
		isClean(t, s, bucket)
		if s.Kind == servers.MinIO || s.Kind == servers.Versitygw {
			t.Run("wrong key", func(t *testing.T) { doctorWrongKey(t, s, bucket) })
			t.Run("read only", func(t *testing.T) { doctorReadOnly(t, s, bucket) })
			t.Run("signed, read only", func(t *testing.T) { doctorReader(t, s) })
		}
	})
	t.Run("dead", doctorDead)
}

// isClean fails the test if a bucket is not empty.
func isClean(t *testing.T, s *servers.Server, bucket string) {
	t.Helper()
	out, err := s.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil || len(out.Contents) > 0 {
		t.Errorf("%d objects are left, %v", len(out.Contents), err)
	}
	if open := s.OpenUploads(t, bucket); len(open) > 0 {
		t.Errorf("uploads are left: %q", open)
	}
}

func doctorWrongKey(t *testing.T, s *servers.Server, bucket string) {
	for _, wrong := range []string{"AWS_SECRET_ACCESS_KEY=not-the-secret-key", "AWS_ACCESS_KEY_ID=not-the-access-key"} {
		found, code := diagnosed(t, s, []string{wrong}, "--write", "s3://"+bucket)
		if code != 1 || found["login"].Grade != "bad" || found["clock"].Grade != "ok" || found["put"].Grade != "open" {
			t.Errorf("%s: exit code %d, login is %+v", wrong[:20], code, found["login"])
		}
	}
}

// doctorReader signs as a user who may read and not write.
func doctorReader(t *testing.T, s *servers.Server) {
	if _, err := exec.LookPath("mc"); err != nil && s.Kind == servers.MinIO {
		t.Skip("mc, which makes users, is not here: make peers")
	}
	bucket := s.Bucket(t)
	reader := s.Reader(t, bucket)
	if _, err := s.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("x"), Body: bytes.NewReader(make([]byte, mib))}); err != nil {
		t.Fatal(err)
	}
	found, code := diagnosed(t, reader, nil, "s3://"+bucket)
	for name, grade := range map[string]string{"login": "ok", "list": "ok", "head": "ok", "get": "ok", "download rate": "ok", "put": "open", "delete": "open"} {
		if found[name].Grade != grade {
			t.Errorf("reading: %s is %+v", name, found[name])
		}
	}
	if code != 0 {
		t.Errorf("reading: exit code %d", code)
	}
	found, code = diagnosed(t, reader, nil, "--write", "s3://"+bucket)
	for name, grade := range map[string]string{"login": "ok", "list": "ok", "head": "ok", "get": "ok", "put": "bad", "multipart": "open", "delete": "open"} {
		if found[name].Grade != grade {
			t.Errorf("writing: %s is %+v", name, found[name])
		}
	}
	if code != 1 || !strings.Contains(found["put"].Advice, "s3:PutObject") {
		t.Errorf("writing: exit code %d, put is %+v", code, found["put"])
	}
	for name, d := range found {
		if d.Grade == "bad" && name != "put" {
			t.Errorf("writing: %+v", d)
		}
	}
	if _, err := s.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	isClean(t, s, bucket)
}

// doctorReadOnly lets everybody read the bucket and nobody write.
func doctorReadOnly(t *testing.T, s *servers.Server, bucket string) {
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:ListBucket", "s3:GetObject"],
		"Resource": ["arn:aws:s3:::%s", "arn:aws:s3:::%s/*"]}]}`, bucket, bucket)
	if s.Kind == servers.Versitygw {
		policy = strings.Replace(policy, `{"AWS": ["*"]}`, `"*"`, 1)
	}
	c := s.Client()
	if _, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("x"), Body: bytes.NewReader(make([]byte, mib))}); err != nil {
		t.Fatal(err)
	}
	found, code := diagnosed(t, s, nil, "--no-sign-request", "s3://"+bucket)
	if code != 0 || found["list"].Grade != "ok" || found["get"].Grade != "ok" || found["head"].Grade != "ok" || found["put"].Grade != "open" {
		t.Errorf("reading: exit code %d, %+v", code, found)
	}
	found, code = diagnosed(t, s, nil, "--no-sign-request", "--write", "s3://"+bucket)
	if code != 1 || found["put"].Grade != "bad" || found["get"].Grade != "ok" || found["download rate"].Grade != "ok" {
		t.Errorf("writing: exit code %d, put is %+v", code, found["put"])
	}
}

// doctorDead asks ports where nothing listens, where nothing answers, and where something else does.
func doctorDead(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	s := &servers.Server{}
	s.AccessKey, s.SecretKey = "doctor-access-key", "doctor-secret-key"
	for url, bad := range map[string]string{
		"http://" + closed.Addr().String():  "tcp",
		"http://" + silent.Addr().String():  "response",
		"https://" + silent.Addr().String(): "tls",
		"http://nowhere.invalid":            "dns",
	} {
		s.URL = url
		found, code := diagnosed(t, s, nil, "--write", "s3://lab")
		if code != 1 || found[bad].Grade != "bad" || !strings.HasPrefix(found["list"].Found, "not tried: ") {
			t.Errorf("%s: exit code %d, %s is %+v, list is %+v", url, code, bad, found[bad], found["list"])
		}
	}
}
