package servers_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// plain is an upload without choices.
var plain haul.UploadOptions

// verbs is a server with a bucket, and haul to run against it.
type verbs struct {
	*testing.T
	s       *servers.Server
	program string
	home    string
	bucket  string
}

// try runs a program in a time zone of its own, and gives its exit code and what it said.
func (v *verbs) try(program string, args ...string) (code int, stdout, stderr string) {
	v.Helper()
	cmd := v.s.Command(v.home, program, args...)
	cmd.Env = append(cmd.Env, "TZ=Asia/Kolkata")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if exit, _ = err.(*exec.ExitError); exit == nil {
			v.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// haul runs a line that must end with that exit code; b stands for the bucket.
func (v *verbs) haul(code int, line string) string {
	v.Helper()
	got, stdout, stderr := v.try(v.program, v.words(line)...)
	if got != code {
		v.Errorf("haul %s: exit code %d, want %d\n%s%s", line, got, code, stdout, stderr)
	}
	return stdout
}

func (v *verbs) words(line string) []string {
	words := strings.Split(line, " ")
	for i, w := range words {
		words[i] = strings.Replace(w, "s3://b/", "s3://"+v.bucket+"/", 1)
		if w == "s3://b" {
			words[i] = "s3://" + v.bucket
		}
	}
	return words
}

// has fails where text is not in what was said.
func (v *verbs) has(said, text string) {
	v.Helper()
	if !strings.Contains(said, text) {
		v.Errorf("%q is not in\n%s", text, said)
	}
}

// TestVerbs tries haul's verbs on real servers, and its listings against those of the AWS CLI, where that is installed.
func TestVerbs(t *testing.T) {
	aws, _ := peers[0].find()
	each(t, func(t *testing.T, s *servers.Server) {
		v := &verbs{T: t, s: s, program: built.Haul(t), home: t.TempDir(), bucket: s.Bucket(t)}
		v.fill()
		v.listings(aws)
		v.stats()
		v.presigned()
		v.deletions()
	})
}

// fill stores a few objects; one in parts.
func (v *verbs) fill() {
	st := open(v.T, v.s)
	c := client(v.T, st)
	for key, size := range map[string]int{"runs/42/reads.bam": 5, "runs/42/qc/a b.html": 1234, "runs/43/ü.bam": 0, "runs/list.csv": 1 << 20, "top": 1, "runs-old/x": 11} {
		if _, err := c.UploadStream(v.Context(), bytes.NewReader(make([]byte, size)), store.Ref{Bucket: v.bucket, Key: key}, plain); err != nil {
			v.Fatal(err)
		}
	}
	path := file(v.T, v.home+"/large", storetest.Generated(11*mib, 1))
	v.haul(0, "cp --quiet --part-size 5M --metadata sample=1 "+path+" s3://b/runs/large.bam")
}

// listings compares the lines of haul ls and aws s3 ls.
func (v *verbs) listings(aws string) {
	lines := []string{
		"ls s3://b", "ls s3://b/", "ls s3://b/runs", "ls s3://b/runs/", "ls s3://b/runs/4", "ls --page-size 1 s3://b/runs/", "ls --recursive s3://b",
		"ls --recursive --human-readable --summarize s3://b/runs", "ls --summarize s3://b/runs/", "ls --recursive --page-size 2 s3://b/runs/", "ls",
	}
	for _, line := range lines {
		got := v.haul(0, line)
		if aws == "" {
			continue
		}
		code, want, stderr := v.try(aws, append([]string{"s3", "--endpoint-url", v.s.URL}, v.words(line)...)...)
		if code != 0 || got != want {
			v.Errorf("haul %s:\n%s\naws (exit code %d):\n%s%s", line, got, code, want, stderr)
		}
	}
	v.haul(3, "ls s3://b/none")
	v.haul(3, "ls s3://no-such-bucket-4711")
}

func (v *verbs) stats() {
	said := v.haul(0, "stat s3://b/runs/large.bam")
	texts := []string{"11,534,336 B (11.0 MiB)", "metadata             sample=1"}
	if v.s.Kind != servers.Ceph { // it reports neither
		texts = append(texts, "parts                3 of 5,242,880 B", "checksum             CRC64NVME")
	}
	for _, text := range texts {
		v.has(said, text)
	}
	v.has(v.haul(0, "head --tags s3://b/top"), "tag                  (none)")
	v.haul(0, "stat s3://b")
	v.haul(3, "stat s3://no-such-bucket-4711")
	v.has(v.haul(0, "du --max-depth 3 s3://b"), "           1234           1  s3://"+v.bucket+"/runs/42/qc/\n")
	v.has(v.haul(0, "du -h s3://b/runs/42/"), "1.2 KiB           2  s3://"+v.bucket+"/runs/42/")
	if got := v.haul(0, "cat s3://b/top s3://b/runs-old/x"); got != strings.Repeat("\x00", 12) {
		v.Errorf("cat gave %q", got)
	}
}

// presigned fetches by the address that haul presign gives, in each way of addressing that the server knows.
func (v *verbs) presigned() {
	url := strings.TrimSpace(v.haul(0, "presign --expires-in 60 s3://b/runs/42/reads.bam"))
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || len(b) != 5 {
		v.Errorf("%s: status %d, %d bytes, %v\n%s", url, resp.StatusCode, len(b), err, b)
	}
}

func (v *verbs) deletions() {
	v.haul(5, "rb s3://b")
	v.haul(0, "rm s3://b/top")
	v.haul(0, "rm s3://b/top")
	v.has(v.haul(0, "rm --recursive s3://b/runs"), "deleted 5 objects")
	v.has(v.haul(0, "ls --recursive s3://b"), "runs-old/x")
	c := client(v.T, open(v.T, v.s))
	for i := range 30 {
		if _, err := c.UploadStream(v.Context(), strings.NewReader("x"), store.Ref{Bucket: v.bucket, Key: fmt.Sprintf("more/%d", i)}, plain); err != nil {
			v.Fatal(err)
		}
	}
	v.has(v.haul(0, "rb --force s3://b"), "deleted bucket: s3://"+v.bucket)
	v.haul(3, "rb s3://b")
	v.haul(0, "mb s3://b")
	v.haul(0, "rb s3://b")
	v.Log(v.try(v.program, "website", "s3://"+v.s.Bucket(v.T), "--index-document", "index.html"))
}
