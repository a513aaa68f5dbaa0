package cli

import (
	"strings"
	"testing"

	"haul.example/haul/internal/command"
	"haul.example/haul/store"
)

func TestParseS3(t *testing.T) {
	const (
		ap      = "arn:aws:s3:eu-west-1:123456789012:accesspoint/lab"
		mrap    = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
		outpost = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01ac5d28a6a232904/accesspoint/lab"
		lambda  = "arn:aws-cn:s3-object-lambda:cn-north-1:123456789012:accesspoint/lab"
	)
	for _, c := range []struct{ url, bucket, key string }{
		{"s3://lab", "lab", ""},
		{"s3://lab/", "lab", ""},
		{"s3://lab/x.bam", "lab", "x.bam"},
		{"s3://lab//x", "lab", "/x"},
		{"s3://lab/a/../b/./c//", "lab", "a/../b/./c//"},
		{"s3://lab/a%20b?versionId=1#x", "lab", "a%20b?versionId=1#x"},
		{"s3://lab/ein ö", "lab", "ein ö"},
		{"s3://lab/a\nb", "lab", "a\nb"},
		{"s3://Old_Bucket.2009/x", "Old_Bucket.2009", "x"},
		{"s3://lab--use1-az4--x-s3/x", "lab--use1-az4--x-s3", "x"},
		{"s3://" + ap, ap, ""},
		{"s3://" + ap + "/", ap, ""},
		{"s3://" + ap + "/runs/x.bam", ap, "runs/x.bam"},
		{"s3://" + ap + "//x", ap, "/x"},
		{"s3://" + ap + "/a\nb", ap, "a\nb"},
		{"s3://" + mrap + "/x", mrap, "x"},
		{"s3://" + outpost + "/x/y", outpost, "x/y"},
		{"s3://" + lambda + "/x", lambda, "x"},
		{"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint:lab/x", "arn:aws:s3:eu-west-1:123456789012:accesspoint:lab", "x"},
	} {
		got, err := parseS3(c.url)
		if err != nil || got != (store.Ref{Bucket: c.bucket, Key: c.key}) {
			t.Errorf("parseS3(%q) = %q %q, %v", c.url, got.Bucket, got.Key, err)
		}
	}
	for _, url := range []string{
		"s3://", "s3:///x", "s3://a b/x", "s3://key@lab/x", "s3://arn:aws:s3:eu-west-1:123456789012:bucket/x",
		"s3://arn:aws:s3:eu-west-1:12:accesspoint/lab/x", "s3://arn:aws:iam::123456789012:role/x",
	} {
		if got, err := parseS3(url); command.ExitCode(err) != codeUsage {
			t.Errorf("parseS3(%q) = %v, %v; want a usage error", url, got, err)
		}
	}
}

func TestParseLocation(t *testing.T) {
	for word, want := range map[string]command.Kind{
		"-": command.Stream, "/dev/stdin": command.Stream, "/dev/stdout": command.Stream, "s3://lab/x": command.Remote,
		"x.bam": command.Local, "./-": command.Local, "/data/x": command.Local, "s3": command.Local, "lab/x": command.Local, "./s3:/x": command.Local, "https": command.Local,
	} {
		got, err := parseLocation(word)
		if err != nil || got.Kind != want || got.Text != word {
			t.Errorf("parseLocation(%q) = %v, %v; want kind %v", word, got, err, want)
		}
	}
	for word, want := range map[string]string{
		"":                               "empty",
		"S3://lab/x":                     "did you mean s3://lab/x?",
		"s3:/lab/x":                      "did you mean s3://lab/x?",
		"s3:lab/x":                       "did you mean s3://lab/x?",
		"s3a://lab/x":                    "did you mean s3://lab/x?",
		"https://lab.s3.amazonaws.com/a": "did you mean s3://lab/a?",
		"https://s3.eu-west-1.amazonaws.com/lab/a/b": "did you mean s3://lab/a/b?",
		"https://lab.s3-eu-west-1.amazonaws.com/a?x": "did you mean s3://lab/a?",
	} {
		_, err := parseLocation(word)
		if command.ExitCode(err) != codeUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("parseLocation(%q): %v; want %q", word, err, want)
		}
	}
}
