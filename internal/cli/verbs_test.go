package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
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
	for line, want := range map[string]lsRequest{
		"":                                {},
		"s3://":                           {},
		"s3://lab":                        {where: store.Ref{Bucket: "lab"}},
		"s3://lab/":                       {where: store.Ref{Bucket: "lab"}},
		"s3://lab/a//b":                   {where: store.Ref{Bucket: "lab", Key: "a//b"}},
		"-r s3://lab/a":                   {where: store.Ref{Bucket: "lab", Key: "a"}, recursive: true},
		"--page-size 5 s3://lab":          {where: store.Ref{Bucket: "lab"}, attrs: store.Attrs{PageSize: 5}, buckets: store.BucketQuery{PageSize: 5}},
		"--request-payer s3://lab":        {where: store.Ref{Bucket: "lab"}, attrs: store.Attrs{RequestPayer: "requester"}},
		"s3://lab --request-payer":        {where: store.Ref{Bucket: "lab"}, attrs: store.Attrs{RequestPayer: "requester"}},
		"--bucket-name-prefix x":          {buckets: store.BucketQuery{Prefix: "x"}},
		"--bucket-region eu-west-1 s3://": {buckets: store.BucketQuery{Region: "eu-west-1"}},
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
		if got, err := f.parse(setOf(t, fs, line), fs); exitCode(err) != codeUsage {
			t.Errorf("ls %s: %+v, %v; want a usage error", line, got, err)
		}
	}
}

func TestParseRm(t *testing.T) {
	for line, want := range map[string]rmRequest{
		"s3://lab/a":               {where: store.Ref{Bucket: "lab", Key: "a"}},
		"s3://lab/a/":              {where: store.Ref{Bucket: "lab", Key: "a/"}},
		"--recursive s3://lab/a":   {where: store.Ref{Bucket: "lab", Key: "a/"}, recursive: true},
		"-r s3://lab/a/":           {where: store.Ref{Bucket: "lab", Key: "a/"}, recursive: true},
		"-r s3://lab":              {where: store.Ref{Bucket: "lab"}, recursive: true},
		"--dryrun s3://lab/a":      {where: store.Ref{Bucket: "lab", Key: "a"}, dry: true},
		"s3://lab/a --page-size 7": {where: store.Ref{Bucket: "lab", Key: "a"}, attrs: store.Attrs{PageSize: 7}},
	} {
		var f rmFlags
		fs := f.flags()
		got, err := f.parse(setOf(t, fs, line)[0], fs)
		want.careful = true
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("rm %s: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"s3://lab", "s3://lab/", "-r s3://lab/", "a", "-", "-r s3://"} {
		var f rmFlags
		fs := f.flags()
		if got, err := f.parse(setOf(t, fs, line)[0], fs); exitCode(err) != codeUsage {
			t.Errorf("rm %s: %+v, %v; want a usage error", line, got, err)
		}
	}
}

func TestParsePresign(t *testing.T) {
	for expires, want := range map[string]time.Duration{"": time.Hour, "1": time.Second, "604800": 7 * 24 * time.Hour, "12h": 12 * time.Hour, "7d": 7 * 24 * time.Hour} {
		r, err := parsePresign("s3://lab/a", expires)
		if err != nil || r != (presignRequest{store.Ref{Bucket: "lab", Key: "a"}, want}) {
			t.Errorf("%q: %+v, %v", expires, r, err)
		}
	}
	for _, expires := range []string{"0", "-5", "604801", "8d", "x", "99999999999", "10ms"} {
		if r, err := parsePresign("s3://lab/a", expires); exitCode(err) != codeUsage {
			t.Errorf("%q: %+v, %v; want a usage error", expires, r, err)
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
		if b, err := parseMb(word, ""); exitCode(err) != codeUsage {
			t.Errorf("%q: %+v, %v; want a usage error", word, b, err)
		}
	}
}

func TestParseReaders(t *testing.T) {
	cat := catFlags{version: "v1", concurrency: 3, attrs: attrFlags{payer: "requester"}}
	r, err := cat.parse([]string{"s3://lab/a"}, pflag.NewFlagSet("", pflag.ContinueOnError), pretend{})
	if err != nil || !slices.Equal(r.refs, []store.Ref{{Bucket: "lab", Key: "a", Version: "v1"}}) || r.options.Concurrency != 3 || r.transfer.Attrs.RequestPayer != "requester" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := cat.parse([]string{"s3://lab/a", "s3://lab/b"}, nil, pretend{}); exitCode(err) != codeUsage {
		t.Errorf("%+v, %v", r, err)
	}
	stat := statFlags{tags: true, attrs: attrFlags{customer: keyFlags{"AES256", "fileb://raw"}}}
	s, err := stat.parse([]string{"s3://lab/a", "s3://lab"}, pretend{})
	if err != nil || len(s.refs) != 2 || !s.tags || s.attrs.Encryption.Customer.Key != rawKey {
		t.Errorf("%+v, %v", s, err)
	}
	var du duFlags
	fs := du.flags()
	d, err := du.parse(setOf(t, fs, "-h -d 2 s3://lab/a")[0], fs)
	if err != nil || d.where != (store.Ref{Bucket: "lab", Key: "a"}) || d.depth != 2 || !du.human {
		t.Errorf("%+v, %v", d, err)
	}
}

// told notes what a run of rm tells.
type told struct{ gone, left []string }

func (t *told) Deleted(r store.Ref)             { t.gone = append(t.gone, r.Key) }
func (t *told) NotDeleted(r store.Ref, _ error) { t.left = append(t.left, r.Key) }

// TestRmOnly: a filter by the key keeps what it does not mean.
func TestRmOnly(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for _, key := range []string{"a.bam", "b.txt", "c.bam"} {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: key}, nil)
	}
	c, to := haul.New(m, haul.Options{}), &told{}
	r := rmRequest{where: store.Ref{Bucket: storetest.Bucket}, recursive: true, only: func(key string) bool { return strings.HasSuffix(key, ".bam") }}
	s, err := r.run(context.Background(), c, to)
	if err != nil || s != (rmSummary{deleted: 2}) || len(to.gone) != 2 || !slices.Equal(m.Keys(storetest.Bucket, ""), []string{"b.txt"}) {
		t.Errorf("%+v, %+v, %v", s, to, err)
	}
}

// TestRmBrokenListing: what was not listed stays, and the error counts what is gone.
func TestRmBrokenListing(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for i := range 3000 {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("%04d", i)}, nil)
	}
	m.Fault(storetest.List).Nth(2).Error(store.Denied)
	to := &told{}
	_, err := rmRequest{where: store.Ref{Bucket: storetest.Bucket}, recursive: true}.run(context.Background(), haul.New(m, haul.Options{}), to)
	var broke *brokenListing
	if !errors.As(err, &broke) || broke.summary.deleted != len(to.gone) || exitCode(err) != codeRefused {
		t.Errorf("%v after %d were gone", err, len(to.gone))
	}
	if left := m.Keys(storetest.Bucket, ""); len(left)+len(to.gone) != 3000 || !slices.Contains(left, "1000") {
		t.Errorf("%d are left and %d gone", len(left), len(to.gone))
	}
}

func TestDu(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for _, key := range []string{"a/b/c/1", "a/b/2", "a-b/3", "a/c/4", "a0"} {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: key}, []byte("12"))
	}
	var lines []string
	total, err := duRequest{where: store.Ref{Bucket: storetest.Bucket}, depth: 2}.run(context.Background(), haul.New(m, haul.Options{}), func(u ui.Usage) {
		lines = append(lines, fmt.Sprint(u.Where.Key, u.Class, " ", u.Objects, " ", u.Bytes))
	})
	if want := []string{"a-b/ 1 2", "a/b/ 2 4", "a/c/ 1 2", "a/ 3 6", " 5 10"}; err != nil || total.Objects != 5 || !slices.Equal(lines, want) {
		t.Errorf("%q, %v", lines, err)
	}
}
