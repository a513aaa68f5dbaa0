package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"haul.example/haul/store"
)

func ExampleParse() {
	ref, err := store.Parse("s3://lab/runs/a b%20c//x.bam")
	fmt.Printf("%q %q %v\n", ref.Bucket, ref.Key, err)
	_, err = store.Parse("s3:///x.bam")
	fmt.Println(err)
	// Output:
	// "lab" "runs/a b%20c//x.bam" <nil>
	// s3:///x.bam has no bucket name; write s3://BUCKET/KEY
}

func TestParse(t *testing.T) {
	const ap = "arn:aws:s3:eu-west-1:123456789012:accesspoint/lab"
	for url, want := range map[string]store.Ref{
		"s3://lab":                {Bucket: "lab"},
		"s3://lab/":               {Bucket: "lab"},
		"s3://lab/a/../b":         {Bucket: "lab", Key: "a/../b"},
		"s3://lab//a":             {Bucket: "lab", Key: "/a"},
		"s3://lab/a?versionId=x#": {Bucket: "lab", Key: "a?versionId=x#"},
		"s3://" + ap:              {Bucket: ap},
		"s3://" + ap + "/a\nb":    {Bucket: ap, Key: "a\nb"},
	} {
		if got, err := store.Parse(url); got != want || err != nil {
			t.Errorf("Parse(%q) = %+v, %v", url, got, err)
		}
	}
	for _, url := range []string{
		"", "lab/a", "S3://lab/a", "https://lab/a", "s3://", "s3:///a", "s3://a b/x", "s3://key@lab/x", "s3://arn:aws:iam::123456789012:role/x",
	} {
		if got, err := store.Parse(url); !errors.Is(err, store.Invalid) || store.KindOf(err) != store.Invalid || got != (store.Ref{}) {
			t.Errorf("Parse(%q) = %+v, %v", url, got, err)
		}
	}
}

// FuzzParse: what is parsed is written again as it was, but for a slash after a bucket.
func FuzzParse(f *testing.F) {
	for _, url := range []string{"s3://lab/a//b", "s3://lab", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint:lab/x", "s3://a\xff/\x00"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		ref, err := store.Parse(url)
		if err != nil {
			return
		}
		if s := ref.String(); s != url && strings.TrimSuffix(s, "/") != url {
			t.Errorf("%q is %+v, which is %q", url, ref, s)
		}
		if again, err := store.Parse(ref.String()); again != ref || err != nil {
			t.Errorf("%q is %+v, and that is %+v, %v", url, ref, again, err)
		}
	})
}
