package servers_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
)

// world is a server of its own, a working folder, and a program that is called aws there.
type world struct {
	name   string
	server *servers.Server
	dir    string
	env    []string
}

// answer is what became of a line.
type answer struct {
	code           int
	stdout, stderr string
}

// realAWS gives the AWS CLI, or skips the test. The system's own is taken before one that a user put in PATH.
func realAWS(t *testing.T) string {
	t.Helper()
	path, err := peer{program: "aws"}.find()
	if err != nil {
		t.Skip("no AWS CLI here to compare with: ", err)
	}
	return path
}

// fastAWS returns a shell command that does what the AWS CLI does, without the second of CPU that each start of it takes: it runs in forks
// of a process that has loaded it. Where that is not a program for Python, it is the AWS CLI itself.
func fastAWS(t *testing.T) string {
	t.Helper()
	path := realAWS(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text[:min(len(text), 200)]), "\n")
	python, isScript := strings.CutPrefix(first, "#!")
	if !isScript || !strings.Contains(python, "python") || strings.Contains(python, " ") {
		return path
	}
	script, err := filepath.Abs("testdata/aws_server.py")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "aws") // t.TempDir may be too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	server := exec.Command(python, script, "serve", socket)
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = server.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the server of the AWS CLI did not start: %q, %v", line, err)
	}
	return python + " -I -S " + script + " call " + socket
}

// newWorld makes a world in which a line finds program as aws first, and the real one, which is run by command, after it.
func newWorld(t *testing.T, kind servers.Kind, name, command string) *world {
	t.Helper()
	w := &world{name: name, server: servers.Start(t, kind, false), dir: t.TempDir()}
	real, bin := filepath.Join(w.dir, "real"), filepath.Join(w.dir, "bin")
	for _, dir := range []string{real, bin, filepath.Join(w.dir, "work"), filepath.Join(w.dir, "home")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// Debian's version is older than AWS_ENDPOINT_URL, so that the real one is told.
	script := "#!/bin/sh\nexec " + command + " ${AWS_ENDPOINT_URL:+--endpoint-url \"$AWS_ENDPOINT_URL\"} \"$@\"\n"
	if err := os.WriteFile(filepath.Join(real, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	w.env = slices.DeleteFunc(w.server.Env(filepath.Join(w.dir, "home")), func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	w.env = append(w.env, "PATH="+strings.Join([]string{bin, real, "/usr/bin", "/bin"}, ":"))
	if name == "haul" {
		out, err := exec.Command(built.Haul(t), "install-aws", bin).CombinedOutput()
		if err != nil {
			t.Fatalf("install-aws: %v\n%s", err, out)
		}
	}
	return w
}

// run runs a line of the shell.
func (w *world) run(line string) answer {
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir, cmd.Env = filepath.Join(w.dir, "work"), w.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return answer{code: -1, stderr: err.Error()}
	}
	return answer{cmd.ProcessState.ExitCode(), w.plain(stdout.String()), w.plain(stderr.String())}
}

var (
	progress   = regexp.MustCompile(`Completed [^\r\n]*\r`)
	padding    = regexp.MustCompile(`(?m)[ \t]+$`)
	stamps     = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	temporary  = regexp.MustCompile(`\.[0-9A-Za-z]{8}'( -> '[^']*')?`) // of the real one, beside its target, and what it was to be
	howToCall  = regexp.MustCompile(`(?s)\nusage:.*?\naws: error: (.*?)\s*$`)
	howToCall2 = regexp.MustCompile(`(?s)^\n(.*?)\n\nusage:.*$`)
	refused    = regexp.MustCompile(`^\naws: \[ERROR\]: (An error occurred \((?:ParamValidation|NoCredentials)\): )?`)
	badChoice  = regexp.MustCompile(`(?s)(Found i|I)nvalid choice.*$`)
	unordered  = regexp.MustCompile(`(?m)^(\(dryrun\) )?(upload|download|copy|move|delete|warning)[ :]`)
	emptyLines = regexp.MustCompile(`\n+$`)
)

// plain leaves out of a text what may differ: progress, and the spaces that cover it; times; names of temporary files; the world's
// own paths and addresses; how to call aws, and what newer versions say otherwise when they are called wrongly; and the order in which
// transfers end.
func (w *world) plain(text string) string {
	text = strings.NewReplacer(w.server.URL, "SERVER", filepath.Join(w.dir, "work"), "WORK").Replace(text)
	text = progress.ReplaceAllString(text, "")
	text = padding.ReplaceAllString(text, "")
	text = stamps.ReplaceAllString(text, "WHEN")
	text = temporary.ReplaceAllString(text, "'")
	text = refused.ReplaceAllString(text, "\n")
	text = strings.NewReplacer("running \"aws configure\"", "running \"aws login\"", "[parameters]\naws: [ERROR]: ", "\naws: error: ").Replace(text)
	text = howToCall.ReplaceAllString(text, "usage\n$1\n")
	text = howToCall2.ReplaceAllString(text, "usage\n$1\n")
	text = badChoice.ReplaceAllString(text, "invalid choice\n")
	text = emptyLines.ReplaceAllString(text, "\n")
	if unordered.MatchString(text) {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		slices.Sort(lines)
		text = strings.Join(lines, "\n") + "\n"
	}
	return text
}

// state gives all files of the working folder and all objects, a line each.
func (w *world) state(t *testing.T) string {
	t.Helper()
	var all []string
	root := filepath.Join(w.dir, "work")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, fmt.Sprintf("%s %x", strings.TrimPrefix(path, root), sha256.Sum256(data)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := w.server.Client()
	buckets, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buckets.Buckets {
		pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: b.Name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				all = append(all, w.object(t, c, *b.Name, *o.Key))
			}
		}
		all = append(all, "bucket "+*b.Name, fmt.Sprintf("open uploads %q", w.server.OpenUploads(t, *b.Name)))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// object gives one object: its content, and what is stored with it. The content type is left out: both guess by lists of their own.
func (w *world) object(t *testing.T, c *s3.Client, bucket, key string) string {
	t.Helper()
	o, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, o.Body); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("s3://%s/%s %x %v %q %q %q %q %s %q", bucket, key, h.Sum(nil), o.Metadata, aws.ToString(o.CacheControl),
		aws.ToString(o.ContentDisposition), aws.ToString(o.ContentEncoding), aws.ToString(o.ContentLanguage), o.StorageClass, aws.ToString(o.ExpiresString))
}

// TestFace runs the lines of testdata/aws.lines with the real AWS CLI and with haul under its name, each in a world of its own,
// and compares exit codes, output, and, after each group, files and objects.
func TestFace(t *testing.T) {
	command := fastAWS(t)
	lines, err := os.ReadFile("testdata/aws.lines")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			worlds := []*world{newWorld(t, kind, "aws", command), newWorld(t, kind, "haul", command)}
			group, equal, tried := "", 0, 0
			end := func() {
				if tried == 0 {
					return
				}
				t.Logf("%s: %d of %d lines equal", group, equal, tried)
				compare(t, group+": files and objects", worlds[0].state(t), worlds[1].state(t))
			}
			for line := range strings.SplitSeq(string(lines), "\n") {
				switch name, isGroup := strings.CutPrefix(line, "# "); {
				case line == "":
				case isGroup:
					end()
					group, equal, tried = name, 0, 0
				case strings.HasPrefix(line, "$ "):
					for _, a := range both(worlds, strings.TrimPrefix(line, "$ ")) {
						if a.code != 0 {
							t.Fatalf("%s: code %d\n%s", line, a.code, a.stderr)
						}
					}
				default:
					tried++
					a := both(worlds, line)
					if a[0] == a[1] {
						equal++
						continue
					}
					t.Errorf("%s\n aws: code %d\n%s%s\nhaul: code %d\n%s%s", line, a[0].code, a[0].stdout, a[0].stderr, a[1].code, a[1].stdout, a[1].stderr)
				}
			}
			end()
		})
	}
}

// both runs a line in both worlds at once.
func both(worlds []*world, line string) []answer {
	answers := make([]answer, len(worlds))
	var wg sync.WaitGroup
	for i, w := range worlds {
		wg.Go(func() { answers[i] = w.run(line) })
	}
	wg.Wait()
	return answers
}

// compare tells the lines that only one of two texts has.
func compare(t *testing.T, what, a, b string) {
	t.Helper()
	if a == b {
		return
	}
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, l := range left {
		if !slices.Contains(right, l) {
			t.Errorf("%s: only aws has %s", what, l)
		}
	}
	for _, r := range right {
		if !slices.Contains(left, r) {
			t.Errorf("%s: only haul has %s", what, r)
		}
	}
}

// TestStaging lets the link take the place of aws in a script that stages files as workflow engines do.
func TestStaging(t *testing.T) {
	command := fastAWS(t)
	script, err := os.ReadFile("testdata/staging.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			worlds := []*world{newWorld(t, kind, "aws", command), newWorld(t, kind, "haul", command)}
			a := both(worlds, string(script))
			if a[0].code != 0 || a[1].code != 0 || a[0] != a[1] {
				t.Errorf("\n aws: code %d\n%s%s\nhaul: code %d\n%s%s", a[0].code, a[0].stdout, a[0].stderr, a[1].code, a[1].stdout, a[1].stderr)
			}
			compare(t, "staging", worlds[0].state(t), worlds[1].state(t))
		})
	}
}
