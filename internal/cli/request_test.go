package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// pretend is a disk with a file of each sort.
type pretend struct{}

func (pretend) mode(name string) (fs.FileMode, error) {
	switch path.Base(name) {
	case "dir":
		return fs.ModeDir, nil
	case "pipe":
		return fs.ModeNamedPipe, nil
	case "x.bam", "old.bam", "notes":
		return 0, nil
	}
	return 0, &command.MissingError{Text: "no such file: " + name}
}

func (pretend) read(name string) ([]byte, error) {
	switch name {
	case "raw":
		return []byte(rawKey), nil
	case "text":
		return []byte(base64.StdEncoding.EncodeToString([]byte(rawKey)) + "\n"), nil
	case "short":
		return []byte("secret"), nil
	}
	return nil, fs.ErrNotExist
}

func (pretend) target(target, key string) (string, error) {
	if strings.HasSuffix(target, "/") || target == "dir" || target == "." {
		if strings.HasSuffix(key, "/") {
			return "", errors.New("key gives no name")
		}
		return path.Join(target, path.Base(key)), nil
	}
	return target, nil
}

const rawKey = "0123456789abcdef0123456789abcde\n"

// parseLine reads a line of haul cp as the program does.
func parseLine(words ...string) (command.CopyRequest, error) {
	var f copyFlags
	set := pflag.NewFlagSet("cp", pflag.ContinueOnError)
	for _, g := range f.groups() {
		set.AddFlagSet(g)
	}
	if err := set.Parse(joinOptional(words)); err != nil {
		return command.CopyRequest{}, &command.UsageError{Text: err.Error()}
	}
	if err := twoArgs(nil, set.Args()); err != nil {
		return command.CopyRequest{}, err
	}
	return f.parse(set.Args(), set, pretend{})
}

func TestCopyPlaces(t *testing.T) {
	for _, c := range []struct {
		from, to  string
		direction command.Direction
		source    string
		target    string
	}{
		{"x.bam", "s3://lab", command.UploadFile, "x.bam", "s3://lab/x.bam"},
		{"x.bam", "s3://lab/", command.UploadFile, "x.bam", "s3://lab/x.bam"},
		{"d/x.bam", "s3://lab/runs/", command.UploadFile, "d/x.bam", "s3://lab/runs/x.bam"},
		{"x.bam", "s3://lab/runs", command.UploadFile, "x.bam", "s3://lab/runs"},
		{"x.bam", "s3://lab//", command.UploadFile, "x.bam", "s3://lab//x.bam"},
		{"-", "s3://lab/y", command.UploadStream, "-", "s3://lab/y"},
		{"/dev/stdin", "s3://lab/y", command.UploadStream, "/dev/stdin", "s3://lab/y"},
		{"pipe", "s3://lab/y", command.UploadStream, "pipe", "s3://lab/y"},
		{"s3://lab/r/x.bam", ".", command.DownloadFile, "s3://lab/r/x.bam", "x.bam"},
		{"s3://lab/r/x.bam", "dir", command.DownloadFile, "s3://lab/r/x.bam", "dir/x.bam"},
		{"s3://lab/r/x.bam", "new/", command.DownloadFile, "s3://lab/r/x.bam", "new/x.bam"},
		{"s3://lab/r/x.bam", "y", command.DownloadFile, "s3://lab/r/x.bam", "y"},
		{"s3://lab/r/x.bam", "old.bam", command.DownloadFile, "s3://lab/r/x.bam", "old.bam"},
		{"s3://lab/r/x.bam", "pipe", command.DownloadStream, "s3://lab/r/x.bam", "pipe"},
		{"s3://lab/r/x.bam", "-", command.DownloadStream, "s3://lab/r/x.bam", "-"},
		{"s3://lab/r/x.bam", "s3://b", command.CopyObject, "s3://lab/r/x.bam", "s3://b/x.bam"},
		{"s3://lab/r/x.bam", "s3://b/s/", command.CopyObject, "s3://lab/r/x.bam", "s3://b/s/x.bam"},
		{"s3://lab/r/x.bam", "s3://b/y", command.CopyObject, "s3://lab/r/x.bam", "s3://b/y"},
	} {
		r, err := parseLine(c.from, c.to)
		text := func(l command.Location) string {
			if l.Kind == command.Remote {
				return l.Ref.String()
			}
			return l.Text
		}
		if err != nil || r.Direction != c.direction || text(r.From) != c.source || text(r.To) != c.target {
			t.Errorf("cp %s %s: %s from %s to %s, %v", c.from, c.to, r.Direction, text(r.From), text(r.To), err)
		}
	}
}

func TestCopyTrees(t *testing.T) {
	for line, want := range map[string]command.Direction{
		"-r dir s3://lab":                               command.UploadTree,
		"--recursive dir s3://lab/d":                    command.UploadTree,
		"-r s3://lab new":                               command.DownloadTree,
		"-r s3://lab/d/ dir":                            command.DownloadTree,
		"-r s3://lab s3://b/d":                          command.CopyTree,
		"-r --adopt --storage-class X dir s3://lab":     command.UploadTree,
		"-r --no-clobber --part-size 8M s3://lab dir":   command.DownloadTree,
		"-r --sse-c-copy-source-key k s3://lab s3://b ": "",
		"-r x.bam s3://lab":                             "",
		"-r none s3://lab":                              "",
		"-r - s3://lab":                                 "",
		"-r s3://lab -":                                 "",
		"-r s3://lab x.bam":                             "",
		"-r dir dir":                                    "",
		"-r --expected-size 1G dir s3://lab":            "",
		"-r --version-id v s3://lab dir":                "",
		"-r --storage-class X s3://lab dir":             "",
	} {
		r, err := parseLine(strings.Fields(line)...)
		if (err == nil) != (want != "") || err == nil && r.Direction != want {
			t.Errorf("cp %s: %s, %v", line, r.Direction, err)
		}
	}
	for line, want := range map[string]bool{"-r dir s3://lab": true, "-r --no-guess-mime-type dir s3://lab": false, "-r s3://lab dir": false} {
		if r, err := parseLine(strings.Fields(line)...); err != nil || r.GuessTypes != want || r.Transfer.Attrs.Headers.ContentType != "" {
			t.Errorf("cp %s: guess is %v, %v", line, r.GuessTypes, err)
		}
	}
}

func TestCopyRefuses(t *testing.T) {
	for line, code := range map[string]int{
		"":                                           codeUsage,
		"x.bam":                                      codeUsage,
		"x.bam y s3://lab":                           codeUsage,
		"x.bam y":                                    codeUsage,
		"- -":                                        codeUsage,
		"none s3://lab/":                             codeNotFound,
		"dir s3://lab/":                              codeUsage,
		"- s3://lab/":                                codeUsage,
		"pipe s3://lab/d/":                           codeUsage,
		"s3://lab .":                                 codeUsage,
		"s3://lab/d/ .":                              codeUsage,
		"s3://lab/d/ s3://b/":                        codeUsage,
		"--storage-class X s3://lab/x y":             codeUsage,
		"--adopt - s3://lab/x":                       codeUsage,
		"--adopt --no-resume x.bam s3://lab/x":       codeUsage,
		"--version-id 1 x.bam s3://lab/x":            codeUsage,
		"--expected-size 1G x.bam s3://lab/x":        codeUsage,
		"--no-clobber s3://lab/x -":                  codeUsage,
		"--sse-c-copy-source-key k x.bam s3://l":     codeUsage,
		"--concurrency 0 x.bam s3://lab":             codeUsage,
		"--concurrency -1 x.bam s3://lab":            codeUsage,
		"--part-size 0 x.bam s3://lab":               codeUsage,
		"--checksum-algorithm none x.bam s3://l":     codeUsage,
		"--request-payer=owner x.bam s3://lab":       codeUsage,
		"--sse=x x.bam s3://lab":                     codeUsage,
		"--sse-kms-key-id x x.bam s3://lab":          codeUsage,
		"--sse --sse-c-key fileb://raw x.bam s3://l": codeUsage,
		"--sse-c x.bam s3://lab":                     codeUsage,
		"--sse-c=AES128 --sse-c-key fileb://raw x.bam s3://l": codeUsage,
		"--sse-c --sse-c-key fileb://short x.bam s3://l":      codeUsage,
		"--sse-c --sse-c-key fileb://none x.bam s3://l":       codeNotFound,
	} {
		_, err := parseLine(strings.Fields(line)...)
		if command.ExitCode(err) != code {
			t.Errorf("cp %s: %v; want code %d", line, err, code)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("cp %s: the message shows the key: %v", line, err)
		}
	}
}

func TestCopyTransfer(t *testing.T) {
	r, err := parseLine("--part-size", "64MiB", "--concurrency", "4", "--memory", "1GiB", "--patience", "1h", "--no-clobber", "--no-resume",
		"--checksum-algorithm", "crc32c", "--storage-class", "STANDARD_IA", "--acl", "private", "--sse", "aws:kms", "--sse-kms-key-id", "k",
		"--request-payer", "requester", "--tags", "a=b", "x.bam", "s3://lab/")
	if err != nil {
		t.Fatal(err)
	}
	want := mirror.TransferOptions{
		PartSize: 64 << 20, Checksum: checksum.CRC32C, Resume: haul.ResumeNever, NoClobber: true,
		Attrs: store.Attrs{
			Headers: store.Headers{ContentType: "application/octet-stream"}, Tags: map[string]string{"a": "b"}, StorageClass: "STANDARD_IA",
			ACL: "private", Encryption: store.Encryption{SSE: "aws:kms", KMSKeyID: "k"}, RequestPayer: "requester",
		},
	}
	if !reflect.DeepEqual(r.Transfer, want) {
		t.Errorf("got  %+v\nwant %+v", r.Transfer, want)
	}
	if o := r.Options; o.Concurrency != 4 || o.Memory != 1<<30 || o.Patience != time.Hour {
		t.Errorf("options %+v", o)
	}
	if r, err = parseLine("--adopt", "x.bam", "s3://lab/"); err != nil || r.Transfer.Resume != haul.ResumeAdopt {
		t.Errorf("--adopt: %v, %v", r.Transfer.Resume, err)
	}
	if r, err = parseLine("--version-id", "v1", "s3://lab/x", "y"); err != nil || r.From.Ref.Version != "v1" || r.To.Ref.Version != "" {
		t.Errorf("--version-id: %+v, %v", r, err)
	}
	if r, err = parseLine("--expected-size", "5T", "-", "s3://lab/x"); err != nil || r.Transfer.ExpectedSize != 5<<40 {
		t.Errorf("--expected-size: %+v, %v", r.Transfer, err)
	}
}

func TestContentTypeComesFromTheName(t *testing.T) {
	for line, want := range map[string]string{
		"x.bam s3://lab/y":                         "application/octet-stream",
		"notes s3://lab/y.txt":                     "text/plain",
		"- s3://lab/y.vcf.gz":                      "application/gzip",
		"--content-type a/b x.bam s3://lab/y":      "a/b",
		"--no-guess-mime-type x.bam s3://lab/y":    "",
		"s3://lab/x.bam s3://lab/y.txt":            "",
		"s3://lab/x.bam y.txt":                     "",
		"--content-type a/b s3://lab/x s3://lab/y": "a/b",
	} {
		r, err := parseLine(strings.Fields(line)...)
		if got := r.Transfer.Attrs.Headers.ContentType; err != nil || got != want {
			t.Errorf("cp %s: %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestCustomerKeys(t *testing.T) {
	inBase64 := base64.StdEncoding.EncodeToString([]byte(rawKey))
	for _, key := range []string{"fileb://raw", "fileb://text", "file://text", inBase64, rawKey} {
		r, err := parseLine("--sse-c", "AES256", "--sse-c-key", key, "x.bam", "s3://lab/")
		got := r.Transfer.Attrs.Encryption.Customer
		if err != nil || got != (store.CustomerKey{Algorithm: "AES256", Key: store.Secret(rawKey)}) {
			t.Errorf("key %.10s…: %v", key, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v", r.Transfer, r.Transfer, r.Transfer); strings.Contains(shown, rawKey[:20]) {
			t.Errorf("the transfer prints its key: %s", shown)
		}
	}
}

func TestJoinOptional(t *testing.T) {
	for in, want := range map[string]string{
		"cp --sse aws:kms a b":                     "cp --sse=aws:kms a b",
		"cp --sse a b":                             "cp --sse a b",
		"cp a b --request-payer requester":         "cp a b --request-payer=requester",
		"cp --sse-c AES256 --sse-c-key k a b":      "cp --sse-c=AES256 --sse-c-key k a b",
		"cp --request-payer -- requester s3://b/k": "cp --request-payer -- requester s3://b/k",
		"cp --request-payer":                       "cp --request-payer",
		"cp --grants read=a full=b c=d s3://b":     "cp --grants read=a --grants full=b c=d s3://b",
	} {
		if got := joinOptional(strings.Fields(in)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("joinOptional(%s) = %v, want %s", in, got, want)
		}
	}
}

func TestUploadsRequest(t *testing.T) {
	lab := func(key string) store.Ref { return store.Ref{Bucket: "lab", Key: key} }
	for _, c := range []struct {
		flags uploadsFlags
		word  string
		want  command.UploadsRequest
	}{
		{uploadsFlags{abort: true}, "s3://lab/x.bam", command.UploadsRequest{Where: lab("x.bam"), Exact: true, Abort: true}},
		{uploadsFlags{abort: true, olderThan: spanFlag(7 * 24 * time.Hour)}, "s3://lab/", command.UploadsRequest{Where: lab(""), Abort: true, OlderThan: 7 * 24 * time.Hour}},
		{uploadsFlags{}, "s3://lab/x", command.UploadsRequest{Where: lab("x")}},
		{uploadsFlags{abort: true, id: "1"}, "s3://lab", command.UploadsRequest{Where: lab(""), Abort: true, ID: "1"}},
	} {
		if got, err := c.flags.parse(c.word); err != nil || got != c.want {
			t.Errorf("uploads %s: %+v, %v; want %+v", c.word, got, err, c.want)
		}
	}
	for _, f := range []uploadsFlags{{abort: true}, {yes: true}} {
		if _, err := f.parse("s3://lab/runs/"); command.ExitCode(err) != codeUsage {
			t.Errorf("%+v: %v; want a usage error", f, err)
		}
	}
}

// parseVerb reads a line of haul mv or sync as the program does.
func parseVerb(verb, line string) (command.CopyRequest, error) {
	f := copyFlags{verb: verb}
	set := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	for _, g := range f.groups() {
		set.AddFlagSet(g)
	}
	if err := set.Parse(joinOptional(strings.Fields(line))); err != nil {
		return command.CopyRequest{}, &command.UsageError{Text: err.Error()}
	}
	if err := twoArgs(nil, set.Args()); err != nil {
		return command.CopyRequest{}, err
	}
	return f.parse(set.Args(), set, pretend{})
}

func TestSyncRequest(t *testing.T) {
	for line, want := range map[string]mirror.SyncOptions{
		"dir s3://lab":                                 {},
		"--size-only dir s3://lab":                     {Rules: mirror.Rules{SizeOnly: true}},
		"--exact-timestamps s3://lab dir":              {Rules: mirror.Rules{ExactTimes: true}},
		"--checksum s3://lab s3://b":                   {Rules: mirror.Rules{Checksum: true}},
		"--times dir s3://lab":                         {Rules: mirror.Rules{Times: true}},
		"--no-overwrite dir s3://lab":                  {Rules: mirror.Rules{NoOverwrite: true}},
		"--delete dir s3://lab":                        {Delete: true},
		"--delete --max-delete 7 dir s3://lab":         {Delete: true, MaxDelete: new(7)},
		"--delete --max-delete 0 dir s3://lab":         {Delete: true, MaxDelete: new(0)},
		"--delete --checksum --times dir s3://lab/x/y": {Delete: true, Rules: mirror.Rules{Checksum: true, Times: true}},
	} {
		r, err := parseVerb(syncVerb, line)
		if err != nil || !r.Sync || r.Tree.Rules != want.Rules || r.Tree.Delete != want.Delete || !reflect.DeepEqual(r.Tree.MaxDelete, want.MaxDelete) || !slices.Contains([]command.Direction{command.UploadTree, command.DownloadTree, command.CopyTree}, r.Direction) {
			t.Errorf("sync %s: %+v, %v", line, r.Tree, err)
		}
	}
	for _, line := range []string{
		"dir", "dir dir", "x.bam s3://lab", "- s3://lab", "s3://lab -", "-r dir s3://lab", "--version-id v s3://lab dir", "--raw dir s3://lab",
		"--size-only --checksum dir s3://lab", "--times --size-only dir s3://lab", "--times --exact-timestamps s3://lab dir", "--max-delete 1 dir s3://lab",
		"--delete --max-delete -1 dir s3://lab", "--exact-timestamps dir s3://lab", "--no-clobber dir s3://lab", "--files-from x dir s3://lab",
		"--bandwidth 1K dir s3://lab", "--follow-symlinks --no-follow-symlinks dir s3://lab", "--ignore-glacier-warnings --force-glacier-transfer s3://lab dir",
		"--page-size 0 s3://lab dir", "--no-follow-symlinks s3://lab dir", "--case-conflict skip dir s3://lab", "--metadata-directive COPY dir s3://lab",
		"--no-guess-mime-type s3://lab s3://b", "--checksum-mode ENABLED dir s3://lab", "--expected-size 5 dir s3://lab",
	} {
		if _, err := parseVerb(syncVerb, line); command.ExitCode(err) != codeUsage {
			t.Errorf("sync %s: %v; want a usage error", line, err)
		}
	}
}

func TestMoveRequest(t *testing.T) {
	for line, want := range map[string]command.Direction{
		"x.bam s3://lab/": command.UploadFile, "s3://lab/x dir": command.DownloadFile, "s3://lab/x s3://lab/y": command.CopyObject, "-r dir s3://lab": command.UploadTree,
		"s3://lab/x* dir": command.DownloadTree, "--raw s3://lab/x* dir": command.DownloadFile, "--files-from l dir s3://lab": command.UploadTree,
	} {
		if r, err := parseVerb(mvVerb, line); err != nil || r.Direction != want || !r.Tree.Move {
			t.Errorf("mv %s: %+v, %v", line, r, err)
		}
	}
	for _, line := range []string{
		"s3://lab/x s3://lab/x", "s3://lab/x s3://lab/", "s3://lab/d/x s3://lab/d/", "- s3://lab/x", "s3://lab/x -", "pipe s3://lab/x", "s3://lab/x pipe",
		"--version-id v s3://lab/x y", "--files-from l s3://lab/x* y", "--expected-size 5 x.bam s3://lab/",
	} {
		if _, err := parseVerb(mvVerb, line); command.ExitCode(err) != codeUsage {
			t.Errorf("mv %s: %v; want a usage error", line, err)
		}
	}
}

func TestPatternRequest(t *testing.T) {
	for line, want := range map[string][3]string{ // root, pattern, direction
		"s3://lab/run*/**/*.bam dir": {"s3://lab/", "run*/**/*.bam", string(command.DownloadTree)},
		"s3://lab/d/x? s3://b/":      {"s3://lab/d/", "x?", string(command.CopyTree)},
		"dir/*.bam s3://lab":         {"dir/", "*.bam", string(command.UploadTree)},
		"s3://lab/d/[x] dir":         {"s3://lab/d/[x]", "", string(command.DownloadFile)},
	} {
		r, err := parseVerb("", line)
		root := r.From.Text
		if r.From.Kind == command.Remote {
			root = r.From.Ref.String()
		}
		if err != nil || root != want[0] || r.Tree.Select.Pattern != want[1] || string(r.Direction) != want[2] {
			t.Errorf("cp %s: %s, %s, %s, %v", line, root, r.Tree.Select.Pattern, r.Direction, err)
		}
	}
}

func TestCopyProperties(t *testing.T) {
	for line, want := range map[string][2]bool{ // replace metadata, tags
		"s3://lab/x s3://b/":                                                       {false, false},
		"--copy-props default s3://lab/x s3://b/":                                  {false, false},
		"--copy-props metadata-directive s3://lab/x s3://b/":                       {false, true},
		"--copy-props none s3://lab/x s3://b/":                                     {true, true},
		"--metadata-directive REPLACE s3://lab/x s3://b/":                          {true, false},
		"--metadata-directive COPY --copy-props none s3://lab/x s3://b/":           {false, true},
		"--metadata-directive REPLACE --metadata a=b --tags c=d s3://lab/x s3://b": {true, false},
	} {
		r, err := parseVerb("", line)
		if got := [2]bool{r.Transfer.ReplaceMetadata, r.Transfer.ReplaceTags}; err != nil || got != want {
			t.Errorf("cp %s: %v, %v", line, got, err)
		}
	}
	r, err := parseVerb("", "--grants read=id=1,uri=u full=id=2 --website-redirect /x x.bam s3://lab/")
	if g := r.Transfer.Attrs.Grants; err != nil || g != (store.Grants{Read: "id=1,uri=u", FullControl: "id=2"}) || r.Transfer.Attrs.Redirect != "/x" {
		t.Errorf("grants are %+v, %v", r.Transfer.Attrs, err)
	}
	for _, line := range []string{"--grants read x.bam s3://lab/", "--grants write=id=1 x.bam s3://lab/", "--grants read= x.bam s3://lab/"} {
		if _, err := parseVerb("", line); command.ExitCode(err) != codeUsage {
			t.Errorf("cp %s: %v; want a usage error", line, err)
		}
	}
}
