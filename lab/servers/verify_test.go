package servers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store/storetest"
)

// uploader is a program, or a way of one, that puts a file into the store.
type uploader struct {
	name, program string
	// put gives the words of the line, and what has to be in the environment.
	put func(s *servers.Server, path, bucket, key string) (words, env []string)
}

// uploaders are haul with its checksums, and other programs at their defaults and beside.
func uploaders() []uploader {
	haul := func(flags ...string) func(*servers.Server, string, string, string) ([]string, []string) {
		return func(_ *servers.Server, path, bucket, key string) ([]string, []string) {
			return append([]string{"cp", path, "s3://" + bucket + "/" + key}, flags...), nil
		}
	}
	s5 := func(flags ...string) func(*servers.Server, string, string, string) ([]string, []string) {
		return func(s *servers.Server, path, bucket, key string) ([]string, []string) {
			words := append([]string{"--endpoint-url", s.URL, "cp"}, flags...)
			return append(words, path, "s3://"+bucket+"/"+key), nil
		}
	}
	rclone := func(flags ...string) func(*servers.Server, string, string, string) ([]string, []string) {
		return func(s *servers.Server, path, bucket, key string) ([]string, []string) {
			return append([]string{"copyto", path, ":s3:" + bucket + "/" + key}, flags...), []string{"RCLONE_CONFIG=/dev/null", "RCLONE_S3_PROVIDER=Other",
				"RCLONE_S3_ACCESS_KEY_ID=" + s.AccessKey, "RCLONE_S3_SECRET_ACCESS_KEY=" + s.SecretKey, "RCLONE_S3_ENDPOINT=" + s.URL}
		}
	}
	mc := func(flags ...string) func(*servers.Server, string, string, string) ([]string, []string) {
		return func(s *servers.Server, path, bucket, key string) ([]string, []string) {
			u, _ := url.Parse(s.URL)
			u.User = url.UserPassword(s.AccessKey, s.SecretKey)
			return append(append([]string{"cp", "-q"}, flags...), path, "lab/"+bucket+"/"+key), []string{"MC_HOST_lab=" + u.String()}
		}
	}
	return []uploader{
		{"haul", "haul", haul()},
		{"haul CRC32C", "haul", haul("--checksum-algorithm", "CRC32C", "--part-size", "5M")},
		{"haul CRC32", "haul", haul("--checksum-algorithm", "CRC32", "--part-size", "6M")},
		{"haul SHA256", "haul", haul("--checksum-algorithm", "SHA256", "--part-size", "5M")},
		{"haul SHA1", "haul", haul("--checksum-algorithm", "SHA1", "--part-size", "7M")},
		{"haul MD5", "haul", haul("--checksum-algorithm", "MD5", "--part-size", "9M")},
		{"aws", "aws", func(s *servers.Server, path, bucket, key string) ([]string, []string) {
			return awsCopy(s, path, "s3://"+bucket+"/"+key), nil
		}},
		{"s3cmd", "s3cmd", func(s *servers.Server, path, bucket, key string) ([]string, []string) {
			return append(s3cmd(s), "put", path, "s3://"+bucket+"/"+key), nil
		}},
		{"s5cmd", "s5cmd", s5()},
		{"s5cmd 5 MiB", "s5cmd", s5("-p", "5")},
		{"rclone", "rclone", rclone("--s3-upload-cutoff", "8M")},
		{"rclone, without metadata", "rclone", rclone("--s3-upload-cutoff", "8M", "--s3-chunk-size", "6M", "--s3-disable-checksum")},
		{"rclone, in one", "rclone", rclone()},
		{"mc", "mc", mc()},
		{"mc, in one", "mc", mc("--disable-multipart")},
	}
}

// TestVerifyPeers verifies what haul and other programs uploaded, in one and in parts, without a download; then with one byte
// changed; and against a list of digests.
func TestVerifyPeers(t *testing.T) {
	dir := t.TempDir()
	sizes := map[string]*storetest.Pattern{"small.vcf": storetest.Generated(4321, 1), "large.bam": storetest.Generated(33*mib+11, 2)}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o777); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for name, content := range sizes {
		file(t, filepath.Join(dir, "run", name), content)
		fmt.Fprintf(&list, "%s  run/%s\n", content.Sum("MD5").Hex(), name)
		b := make([]byte, content.Size())
		_, _ = content.ReadAt(b, 0)
		b[len(b)/2] ^= 1
		putFile(t, filepath.Join(dir, "changed", name), b)
	}
	putFile(t, filepath.Join(dir, "md5sum.txt"), []byte(list.String()))
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO} {
		t.Run(string(kind), func(t *testing.T) {
			s := servers.Start(t, kind, false)
			v := &verifying{T: t, s: s, haul: built.Haul(t), bucket: s.Bucket(t), dir: dir}
			for _, u := range uploaders() {
				program, err := v.find(u.program)
				if err != nil {
					t.Run(u.name, func(t *testing.T) { t.Skipf("%s is not installed", u.program) })
					continue
				}
				t.Run(u.name, func(t *testing.T) {
					one := *v
					one.T = t
					one.all(u, program, sizes)
				})
			}
		})
	}
}

func putFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// verifying is one server on which uploads are verified.
type verifying struct {
	*testing.T
	s                 *servers.Server
	haul, bucket, dir string
}

func (v *verifying) find(program string) (string, error) {
	if program == "haul" {
		return v.haul, nil
	}
	return peer{program: program}.find()
}

// verdict is a line of haul verify --json.
type verdict struct {
	Event, Verdict, Name, Text string
}

// verify gives what was found, by name.
func (v *verifying) verify(args ...string) map[string]verdict {
	v.Helper()
	cmd := v.s.Command(home(v.T), v.haul, append([]string{"verify", "--json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the findings tell
	found := map[string]verdict{}
	for line := range strings.Lines(out.String()) {
		var one verdict
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			v.Fatal(err, line)
		}
		if one.Event == "verified" {
			found[one.Name] = one
		}
	}
	if len(found) == 0 {
		v.Errorf("haul verify %s: nothing\n%s", strings.Join(args, " "), &errs)
	}
	return found
}

func (v *verifying) all(u uploader, program string, sizes map[string]*storetest.Pattern) {
	prefix := strings.NewReplacer(" ", "-", ",", "").Replace(u.name)
	for name := range sizes {
		words, env := u.put(v.s, filepath.Join(v.dir, "run", name), v.bucket, prefix+"/"+name)
		cmd := v.s.Command(home(v.T), program, words...)
		cmd.Env = append(cmd.Env, env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			v.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
		}
	}
	at := "s3://" + v.bucket + "/" + prefix
	whole, changed := v.verify(filepath.Join(v.dir, "run"), at), v.verify(filepath.Join(v.dir, "changed"), at)
	fetched := v.verify("--download", filepath.Join(v.dir, "changed"), at)
	listed, settled := v.verify(filepath.Join(v.dir, "md5sum.txt"), at), v.verify("--download", filepath.Join(v.dir, "md5sum.txt"), at)
	for name := range sizes {
		v.Logf("%s: %s %s | changed: %s %s | listed: %s %s", name, whole[name].Verdict, whole[name].Text, changed[name].Verdict, changed[name].Text, listed[name].Verdict, listed[name].Text)
		if whole[name].Verdict != "OK" {
			v.Errorf("%s: %s %s", name, whole[name].Verdict, whole[name].Text)
		}
		if changed[name].Verdict != "BAD" && changed[name].Verdict != "UNPROVABLE" || fetched[name].Verdict != "BAD" {
			v.Errorf("%s, changed: %+v, and with a download %+v", name, changed[name], fetched[name])
		}
		if listed[name].Verdict != "OK" && !strings.Contains(listed[name].Text, "and the store keeps only") || settled[name].Verdict != "OK" {
			v.Errorf("%s, listed: %+v, and with a download %+v", name, listed[name], settled[name])
		}
	}
}

// TestReport opens the report of a run in a browser, and looks whether it says what was found.
func TestReport(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	s := servers.Start(t, servers.Versitygw, false)
	bucket, haul, dir := s.Bucket(t), built.Haul(t), t.TempDir()
	for _, name := range []string{"whole.bam", "bad & <odd>.bam", "missing.bam"} {
		putFile(t, filepath.Join(dir, "run", name), []byte(name))
	}
	run(t, s, nil, haul, "cp", "-r", filepath.Join(dir, "run"), "s3://"+bucket+"/run")
	run(t, s, nil, haul, "rm", "s3://"+bucket+"/run/missing.bam")
	putFile(t, filepath.Join(dir, "run", "bad & <odd>.bam"), []byte("bad & <odd>.baM"))
	report := filepath.Join(dir, "report.html")
	cmd := s.Command(home(t), haul, "verify", "--report", report, filepath.Join(dir, "run"), "s3://"+bucket+"/run")
	if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 6 {
		t.Fatalf("%v\n%s", err, out)
	}
	shot := filepath.Join(dir, "report.png")
	browse := func(flag string) string {
		cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--window-size=1200,1000", flag, "file://"+report)
		cmd.Env = append(os.Environ(), "HOME="+home(t))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	dom := browse("--dump-dom")
	for _, want := range []string{
		"Not whole: 1 file damaged or different, 1 file missing", `<td class="v bad">BAD</td><td class="name">bad &amp; &lt;odd&gt;.bam</td>`,
		`<td class="v missing">MISSING</td><td class="name">missing.bam</td>`, `<td class="v ok">OK</td><td class="name">whole.bam</td>`, "s3://" + bucket + "/run",
	} {
		if !strings.Contains(dom, want) {
			t.Errorf("%q is missing from the page:\n%s", want, dom)
		}
	}
	if bad, ok := strings.Index(dom, `class="v bad"`), strings.Index(dom, `class="v ok"`); bad > ok {
		t.Error("problems do not come first")
	}
	browse("--screenshot=" + shot)
	if fi, err := os.Stat(shot); err != nil || fi.Size() < 10_000 {
		t.Errorf("the page looks empty: %v", err)
	}
}
