package cli

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/store"
)

// setOf reads flags as the program does, and gives the words that are none.
func setOf(t *testing.T, fs *pflag.FlagSet, line string) []string {
	t.Helper()
	if err := fs.Parse(joinOptional(strings.Fields(line))); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return fs.Args()
}

func TestParseLs(t *testing.T) {
	for line, want := range map[string]command.ListRequest{
		"":                                {},
		"s3://":                           {},
		"s3://lab":                        {Where: store.Ref{Bucket: "lab"}},
		"s3://lab/":                       {Where: store.Ref{Bucket: "lab"}},
		"s3://lab/a//b":                   {Where: store.Ref{Bucket: "lab", Key: "a//b"}},
		"-r s3://lab/a":                   {Where: store.Ref{Bucket: "lab", Key: "a"}, Recursive: true},
		"--page-size 5 s3://lab":          {Where: store.Ref{Bucket: "lab"}, Attrs: store.Attrs{PageSize: 5}, Buckets: store.BucketQuery{PageSize: 5}},
		"--request-payer s3://lab":        {Where: store.Ref{Bucket: "lab"}, Attrs: store.Attrs{RequestPayer: "requester"}},
		"s3://lab --request-payer":        {Where: store.Ref{Bucket: "lab"}, Attrs: store.Attrs{RequestPayer: "requester"}},
		"--bucket-name-prefix x":          {Buckets: store.BucketQuery{Prefix: "x"}},
		"--bucket-region eu-west-1 s3://": {Buckets: store.BucketQuery{Region: "eu-west-1"}},
	} {
		var f lsFlags
		fs := f.flags()
		got, err := f.parse(setOf(t, fs, line), fs)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ls %s: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{
		"lab", "./x", "-", "s3:///x", "--page-size 0 s3://lab", "--page-size -1 s3://lab", "--request-payer=me s3://lab",
		"--bucket-region x s3://lab", "--recursive", "--summarize s3://",
	} {
		var f lsFlags
		fs := f.flags()
		if got, err := f.parse(setOf(t, fs, line), fs); command.ExitCode(err) != codeUsage {
			t.Errorf("ls %s: %+v, %v; want a usage error", line, got, err)
		}
	}
}

func TestParseRm(t *testing.T) {
	for line, want := range map[string]command.RemoveRequest{
		"s3://lab/a":               {Where: store.Ref{Bucket: "lab", Key: "a"}},
		"s3://lab/a/":              {Where: store.Ref{Bucket: "lab", Key: "a/"}},
		"--recursive s3://lab/a":   {Where: store.Ref{Bucket: "lab", Key: "a/"}, Recursive: true},
		"-r s3://lab/a/":           {Where: store.Ref{Bucket: "lab", Key: "a/"}, Recursive: true},
		"-r s3://lab":              {Where: store.Ref{Bucket: "lab"}, Recursive: true},
		"--dryrun s3://lab/a":      {Where: store.Ref{Bucket: "lab", Key: "a"}, DryRun: true},
		"s3://lab/a --page-size 7": {Where: store.Ref{Bucket: "lab", Key: "a"}, Attrs: store.Attrs{PageSize: 7}},
	} {
		var f rmFlags
		fs := f.flags()
		got, err := f.parse(setOf(t, fs, line)[0], fs)
		want.RefuseWildcards = true
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("rm %s: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"s3://lab", "s3://lab/", "-r s3://lab/", "a", "-", "-r s3://"} {
		var f rmFlags
		fs := f.flags()
		if got, err := f.parse(setOf(t, fs, line)[0], fs); command.ExitCode(err) != codeUsage {
			t.Errorf("rm %s: %+v, %v; want a usage error", line, got, err)
		}
	}
}

func TestParsePresign(t *testing.T) {
	for expires, want := range map[string]time.Duration{"": time.Hour, "1": time.Second, "604800": 7 * 24 * time.Hour, "12h": 12 * time.Hour, "7d": 7 * 24 * time.Hour} {
		ref, validFor, err := parsePresign("s3://lab/a", expires)
		if err != nil || ref != (store.Ref{Bucket: "lab", Key: "a"}) || validFor != want {
			t.Errorf("%q: %v, %v, %v", expires, ref, validFor, err)
		}
	}
	for _, expires := range []string{"0", "-5", "604801", "8d", "x", "99999999999", "10ms"} {
		if ref, validFor, err := parsePresign("s3://lab/a", expires); command.ExitCode(err) != codeUsage {
			t.Errorf("%q: %v, %v, %v; want a usage error", expires, ref, validFor, err)
		}
	}
}

func TestParseBucketVerbs(t *testing.T) {
	if b, err := parseMb("s3://lab", "a=1,b=2"); err != nil || !reflect.DeepEqual(b, store.NewBucket{Name: "lab", Tags: map[string]string{"a": "1", "b": "2"}}) {
		t.Errorf("%+v, %v", b, err)
	}
	f := websiteFlags{index: "i.html", failed: "e/404.html"}
	if b, w, err := f.parse("s3://lab/"); b != "lab" || w != (store.Website{Index: "i.html", Error: "e/404.html"}) || err != nil {
		t.Errorf("%s, %+v, %v", b, w, err)
	}
	for _, word := range []string{"lab", "s3://", "s3://lab/x", ""} {
		if b, err := parseMb(word, ""); command.ExitCode(err) != codeUsage {
			t.Errorf("%q: %+v, %v; want a usage error", word, b, err)
		}
	}
}

func TestParseReaders(t *testing.T) {
	cat := catFlags{version: "v1", limits: limitFlags{concurrency: 3}, attrs: attrFlags{payer: "requester"}}
	r, err := cat.parse([]string{"s3://lab/a"}, pflag.NewFlagSet("", pflag.ContinueOnError), pretend{})
	if err != nil || !slices.Equal(r.Refs, []store.Ref{{Bucket: "lab", Key: "a", Version: "v1"}}) || r.Options.Concurrency != 3 || r.Transfer.Attrs.RequestPayer != "requester" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := cat.parse([]string{"s3://lab/a", "s3://lab/b"}, nil, pretend{}); command.ExitCode(err) != codeUsage {
		t.Errorf("%+v, %v", r, err)
	}
	stat := statFlags{tags: true, attrs: attrFlags{customer: keyFlags{"AES256", "fileb://raw"}}}
	s, err := stat.parse([]string{"s3://lab/a", "s3://lab"}, pretend{})
	if err != nil || len(s.Refs) != 2 || !s.Tags || s.Attrs.Encryption.Customer.Key != rawKey {
		t.Errorf("%+v, %v", s, err)
	}
	var du duFlags
	fs := du.flags()
	d, err := du.parse(setOf(t, fs, "-h -d 2 s3://lab/a")[0], fs)
	if err != nil || d.Where != (store.Ref{Bucket: "lab", Key: "a"}) || d.Depth != 2 || !du.human {
		t.Errorf("%+v, %v", d, err)
	}
}
