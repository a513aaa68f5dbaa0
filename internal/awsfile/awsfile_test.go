package awsfile_test

import (
	"errors"
	"strings"
	"testing"

	"haul.example/haul/internal/awsfile"
)

func TestParse(t *testing.T) {
	f, err := awsfile.Parse("config", []byte("# mine\r\n[default]\r\nregion=eu-west-1\r\n[profile \"my lab\"]\nregion = eu-north-1\ns3 =\n  max_bandwidth = 1MB/s\n\tAddressing_Style=path\noutput: json\n"+
		"[profile plain]\nca_bundle = /a\n  b\n[sso-session 'My Corp']\nsso_region = x\n[profile 'o'\"'\"'neil']\nretry_mode = legacy\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ profile, name, want string }{
		{"default", "region", "eu-west-1"}, {"my lab", "region", "eu-north-1"}, {"my lab", "s3.max_bandwidth", "1MB/s"},
		{"my lab", "s3.addressing_style", "path"}, {"my lab", "output", "json"}, {"plain", "ca_bundle", "/a\nb"}, {"o'neil", "retry_mode", "legacy"},
	} {
		if got, ok := f.Profile(c.profile, false); !ok || got[c.name] != c.want {
			t.Errorf("%s of %s is %q, want %q", c.name, c.profile, got[c.name], c.want)
		}
	}
	if _, ok := f.Profile("My Corp", false); ok {
		t.Error("an sso-session passes for a profile")
	}
	text, changed := f.Plain()
	for _, want := range []string{"[profile my lab]", "[sso-session My Corp]", "[profile o'neil]", "region=eu-west-1"} {
		if !changed || !strings.Contains(text, want) || strings.Contains(text, "legacy") {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

// TestIndented: settings may all be indented; what is indented more belongs to the setting before.
func TestIndented(t *testing.T) {
	f, err := awsfile.Parse("config", []byte("  [default]\n  region = x\n  s3 =\n    a = b\n  output = json\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Profile("default", true); got["region"] != "x" || got["s3.a"] != "b" || got["output"] != "json" {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsNotRead(t *testing.T) {
	for text, line := range map[string]int{
		"\xef\xbb\xbf[default]\n":               1,
		"\xff\xfe[\x00d\x00":                    1,
		"region = x\n[default]\n":               1,
		"[default]\nAKIA SECRET\n":              2,
		"[default\nregion = x\n":                1,
		"[default]\n\n# c\nregion = \xff\n":     4,
		"[default]\na = b\n<html>SECRET</html>": 3,
		"{\"SECRET\": 1}":                       1,
	} {
		_, err := awsfile.Parse("/home/a/.aws/config", []byte(text))
		var e *awsfile.Error
		if !errors.As(err, &e) || e.Line != line || e.Path != "/home/a/.aws/config" || strings.Contains(e.Error(), "SECRET") {
			t.Errorf("%q: got %v, want line %d", text, err, line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[default]\nregion = x\ns3 =\n  a = b\n")
	f.Add("[profile \"a b\"]\n")
	f.Fuzz(func(t *testing.T, text string) {
		one, err := awsfile.Parse("f", []byte(text))
		if err != nil {
			return
		}
		plain, _ := one.Plain()
		two, err := awsfile.Parse("f", []byte(plain))
		if err != nil {
			t.Fatalf("%q became %q: %v", text, plain, err)
		}
		if len(two.Sections) != len(one.Sections) {
			t.Fatalf("%d sections became %d", len(one.Sections), len(two.Sections))
		}
	})
}
