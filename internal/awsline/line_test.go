package awsline_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/awsline"
)

func parse(words ...string) (awsline.Line, error) { return awsline.Parse(words, os.ReadFile) }

func TestGlobalsAnywhere(t *testing.T) {
	want, err := parse("s3", "ls", "s3://b/k", "--recursive", "--region", "eu-west-1", "--no-sign-request")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"--region eu-west-1 --no-sign-request s3 ls s3://b/k --recursive",
		"s3 --region eu-west-1 ls s3://b/k --no-sign-request --recursive",
		"--no-sign s3 --region=eu-west-1 ls --recursive s3://b/k",
		"s3 ls s3://b/k --recur --reg eu-west-1 --no-s",
		"s3 --recursive ls s3://b/k --region eu-west-1 --no-sign-request",
	} {
		got, err := parse(strings.Fields(line)...)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("aws %s:\n got %+v, %v\nwant %+v", line, got, err, want)
		}
	}
}

// usageErrors are those after which the AWS CLI shows how to call it.
var usageErrors = regexp.MustCompile(`^(the following arguments|argument|ambiguous option)`)

// Errors are those of the AWS CLI 2.36 for the same lines, without how to call it.
func TestErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":                                       "the following arguments are required: command",
		"s3":                                     "usage: aws [options] s3 <subcommand> [parameters]\naws: [ERROR]: too few arguments",
		"s3 --nonsense":                          "Unknown options: --nonsense",
		"s3 --nonsense ls":                       "Unknown options: --nonsense",
		"s3 cp":                                  "the following arguments are required: paths",
		"s3 cp a":                                "the following arguments are required: paths",
		"s3 cp a --recursive s3:":                "the following arguments are required: paths",
		"s3 cp a s3://b/ c":                      "Unknown options: c",
		"s3 cp a s3://b/ -r":                     "Unknown options: -r",
		"s3 cp a s3://b/ -r c --x":               "Unknown options: -r,c,--x",
		"s3 ls --profile":                        "argument --profile: expected one argument",
		"s3 ls --profile --debug":                "argument --profile: expected one argument",
		"s3 mb s3://b --tags a":                  "argument --tags: expected 2 arguments",
		"s3 cp a s3://b/ --grants":               "argument --grants: expected at least one argument",
		"s3 ls --summarize=x":                    "argument --summarize: ignored explicit argument 'x'",
		"s3 cp a s3://b/ --sse-":                 "ambiguous option: --sse- could match --sse-c, --sse-c-key, --sse-kms-key-id, --sse-c-copy-source, --sse-c-copy-source-key",
		"--c s3 ls":                              "ambiguous option: --c could match --color, --ca-bundle, --cli-read-timeout, --cli-connect-timeout, --cli-binary-format, --cli-auto-prompt, --cli-error-format",
		"s3 cp a s3://b/ --metadata-directive X": "argument --metadata-directive: Found invalid choice 'X'\n\nValid choices are: COPY, REPLACE",
		"s3 cp s3://b/k - --no-overwrite":        "--no-overwrite parameter is not supported for streaming downloads",
		"s3 ls s3://arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/a/k":    "s3 commands do not support S3 Object Lambda resources. Use s3api commands instead.",
		"s3 rm s3://arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-1/bucket/b/k": "s3 commands do not support Outpost Bucket ARNs. Use s3control commands instead.",
		"s3 ls --page-size x":                     "invalid literal for int() with base 10: 'x'",
		"s3 presign s3://b/k --expires-in x":      "invalid literal for int() with base 10: 'x'",
		"s3 ls --cli-read-timeout x":              "invalid literal for int() with base 10: 'x'",
		"s3 ls --endpoint-url x":                  `Bad value for --endpoint-url "x": scheme is missing.  Must be of the form http://<hostname>/ or https://<hostname>/`,
		"s3 mb b":                                 "<S3Uri>\nError: Invalid argument type",
		"s3 mb s3://x--use1-az4--x-s3":            "Cannot use mb command with a directory bucket.",
		"s3 rb s3://b/k":                          "Please specify a valid bucket name only. E.g. s3://b",
		"s3 rm b":                                 "usage: aws s3 rm <S3Uri>\nError: Invalid argument type",
		"s3 cp S3://b/k x":                        "usage: aws s3 cp <LocalPath> <S3Uri> or <S3Uri> <LocalPath> or <S3Uri> <S3Uri>\nError: Invalid argument type",
		"s3 sync - s3://b":                        "Streaming currently is only compatible with non-recursive cp commands",
		"s3 cp s3://b/k - --recursive":            "Streaming currently is only compatible with non-recursive cp commands",
		"s3 mv s3://b/k s3://b/k":                 "Cannot mv a file onto itself: 's3://b/k' - 's3://b/k'",
		"s3 mv s3://b/d/k s3://b/d/":              "Cannot mv a file onto itself: 's3://b/d/k' - 's3://b/d/'",
		"s3 mv s3://b/k s3://b":                   "Cannot mv a file onto itself: 's3://b/k' - 's3://b/'",
		"s3 cp a s3://b/ --sse-c":                 "If --sse-c is specified, --sse-c-key must be specified as well.",
		"s3 cp a s3://b/ --sse-c-key k":           "If --sse-c-key is specified, --sse-c must be specified as well.",
		"s3 cp s3://b/k x --sse-c-copy-source":    "If --sse-c-copy-source is specified, --sse-c-copy-source-key must be specified as well.",
		"s3 cp a s3://b/ --checksum-mode ENABLED": "Expected checksum-mode parameter to be used with one of following path formats: <S3Uri> <LocalPath>. Instead, received <LocalPath> <S3Uri>.",
		"s3 cp s3://x--use1-az4--x-s3/ d --recursive --case-conflict skip":  "`skip` is not a valid value for `--case-conflict` when operating on S3 Express directory buckets. Valid values: `warn`, `ignore`.",
		"s3 mv s3://x--use1-az4--x-s3/ d --recursive --case-conflict error": "`error` is not a valid value for `--case-conflict` when operating on S3 Express directory buckets. Valid values: `warn`, `ignore`.",
		"s3 sync a s3://x--use1-az4--x-s3/":                                 "Cannot use sync command with a directory bucket.",
		"s3 cp a s3://b/ --metadata file:///not/here/at-all":                "Error parsing parameter '--metadata': Unable to load paramfile file:///not/here/at-all: open /not/here/at-all: no such file or directory",
	} {
		_, err := parse(strings.Fields(line)...)
		var e *awsline.Error
		if !errors.As(err, &e) || e.Text != want {
			t.Errorf("aws %s:\n got %v\nwant %s", line, err, want)
			continue
		}
		code := 252
		if strings.HasPrefix(want, "invalid literal") {
			code = 255
		}
		bare := code == 255 || !usageErrors.MatchString(want)
		if e.Code != code || e.Usage == bare {
			t.Errorf("aws %s: code %d, usage %v", line, e.Code, e.Usage)
		}
	}
}

func TestOtherServices(t *testing.T) {
	for _, line := range []string{"s3api put-object --body x --nonsense", "--region x batch submit-job --container-overrides a=b", "configure", "help"} {
		l, err := parse(strings.Fields(line)...)
		if err != nil || l.Service == "s3" {
			t.Errorf("aws %s: %+v, %v", line, l, err)
		}
	}
}

func TestValues(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("01234567890123456789012345678901"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := parse("s3", "cp", "a", "s3://b", "--exclude", "*", "--sse-c", "AES256", "--sse-c-key", "fileb://"+key, "--include", "*.txt",
		"--request-payer", "--grants", "read=id=1", "full=id=2", "--tags", "a", "b", "--tags", "c", "d", "--page-size", "7", "--no-guess")
	if err != nil {
		t.Fatal(err)
	}
	want := awsline.Values{
		"sse-c": {"AES256"}, "sse-c-key": {"01234567890123456789012345678901"}, "request-payer": {"requester"},
		"grants": {"read=id=1", "full=id=2"}, "tags": {"a", "b", "c", "d"}, "page-size": {"7"}, "no-guess-mime-type": nil,
	}
	if !reflect.DeepEqual(l.Options, want) || l.Options.Number("page-size") != 7 || l.Kind != awsline.Upload || l.Paths[1] != "s3://b/" {
		t.Errorf("got %+v", l)
	}
	if f := l.Filters; len(f) != 2 || f[0] != (awsline.Filter{Pattern: "*"}) || f[1] != (awsline.Filter{Include: true, Pattern: "*.txt"}) {
		t.Errorf("filters %+v", f)
	}
}

// TestHelp: the real one shows a page.
func TestHelp(t *testing.T) {
	for _, line := range []string{"s3 help", "s3 cp help", "--region x s3 sync help"} {
		if l, err := parse(strings.Fields(line)...); err != nil || !l.Help {
			t.Errorf("aws %s: %+v, %v", line, l, err)
		}
	}
}

// TestNeverPanics: any words give a line or an Error.
func TestNeverPanics(t *testing.T) {
	words := []string{"s3", "cp", "ls", "s3://b/k", "a", "-", "--", "-1", "--sse", "--recursive", "--region", "--region=x", "--no-p", "--x y", "--x=y", "", "=", "--="}
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SliceOfN(rapid.SampledFrom(words), 0, 9).Draw(t, "line")
		l, err := awsline.Parse(line, os.ReadFile)
		var e *awsline.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v", err)
		}
		if err == nil && l.Service == "s3" && !l.Version && !l.Help && l.Verb == "" {
			t.Fatalf("%q gives no verb", line)
		}
	})
}

// FuzzLine: as TestNeverPanics, of words that nobody thought of; they are separated by line breaks.
func FuzzLine(f *testing.F) {
	for _, line := range []string{
		"s3\ncp\na\ns3://b/k", "--region\nx\ns3\nsync\n.\ns3://b\n--exclude\n*", "s3\nrm\n--recursive\n--", "s3\nls\n--page-size\n-1",
		"s3\ncp\n-\ns3://b/k\n--expected-size=5\n--metadata\n{\"a\":\"b\"}", "sts\nget-caller-identity", "--version",
	} {
		f.Add(line)
	}
	noFile := func(string) ([]byte, error) { return nil, os.ErrNotExist }
	f.Fuzz(func(t *testing.T, words string) {
		_, err := awsline.Parse(strings.Split(words, "\n"), noFile)
		var e *awsline.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v", err)
		}
	})
}
