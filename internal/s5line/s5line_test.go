package s5line_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/s5line"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"cp a s3://b/":                             "cp a s3://b/",
		"--json cp a s3://b/":                      "cp a s3://b/",
		"-json -numworkers=3 cp -c 2 -n a s3://b/": "cp --no-clobber=true --concurrency=2 a s3://b/",
		"cp -n=false a b":                          "cp --no-clobber=false a b",
		"cp --exclude a,b --exclude=c x y":         "cp --exclude=a --exclude=b --exclude=c x y",
		"cp --metadata a=b --metadata c=d=e x y":   "cp --metadata=a=b c=d=e  x y",
		"cp x y -n":                                "cp x y -n",
		"cp -- -x y":                               "cp -x y",
		"cp -p 0x10 x y":                           "cp --part-size=16 x y",
		"presign --expire 90m s3://b/k":            "presign --expire=1h30m0s s3://b/k",
		"bucket-version --set enabled s3://b":      "bucket-version --set=enabled s3://b",
		"ls":                                       "ls",
		"--nonsense ls":                            "! flag provided but not defined: -nonsense",
		"ls --nonsense":                            "! flag provided but not defined: -nonsense",
		"ls -es":                                   "! flag provided but not defined: -es",
		"cp -p":                                    "! flag needs an argument: -p",
		"cp -p x a b":                              `! invalid value "x" for flag -p: parse error`,
		"cp -n=x a b":                              `! invalid boolean value "x" for -n: parse error`,
		"--log loud ls":                            `! invalid value "loud" for flag -log: allowed values: [trace, debug, info, error]`,
		"cp ---x a b":                              "! bad flag syntax: ---x",
		"cp -c 1 --concurrency 2 a b":              "! Cannot use two forms of the same flag: c concurrency",
		"cp --metadata a a b":                      `! invalid value "a" for flag -metadata: the key value pair([a]) has invalid format`,
		"cp --metadata a=1 --metadata a=2 x y":     `! invalid value "a=2" for flag -metadata: key "a" is already defined`,
		"presign --expire soon s3://b/k":           `! invalid value "soon" for flag -expire: parse error`,
		"nonsense a b":                             "! command not found",
		"cp --metadata-directive never s3://a/b s3://c/": `! invalid value "never" for flag -metadata-directive: allowed values: [COPY, REPLACE, ]`,
	} {
		l, err := s5line.Parse(strings.Fields(line))
		got := l.Command()
		if err != nil {
			got = "! " + err.Error()
		}
		if got != want {
			t.Errorf("%s:\n%s; want\n%s", line, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	for line, verb := range map[string]string{"": "", "--help": "", "-h": "", "help": "", "help cp": "cp", "cp --help": "cp", "ls -h": "ls"} {
		l, err := s5line.Parse(strings.Fields(line))
		if err != nil || !l.Help || l.Verb != verb {
			t.Errorf("%q: %+v, %v", line, l, err)
		}
	}
	if l, err := s5line.Parse([]string{"--install-completion"}); err != nil || l.Help {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestURL(t *testing.T) {
	for text, want := range map[string]string{
		"s3://b":          "bucket folder",
		"s3://b/":         "bucket folder",
		"s3://b/k":        "object",
		"s3://b/k/":       "folder",
		"s3://b/k*":       "pattern",
		"s3://b/a/b?/*.x": "pattern",
		"dir/":            "local",
		"dir/*":           "local pattern",
		"s3:/b":           "local",
		"http://b/k":      "! s3 url should start with \"s3://\"",
		"s3://":           "! s3 url should have a bucket",
		"s3://b*/k":       "! bucket name cannot contain wildcards",
	} {
		u, err := s5line.ParseURL(text, false)
		var is []string
		add := func(name string, on bool) {
			if on {
				is = append(is, name)
			}
		}
		add("local", !u.Remote)
		add("bucket", u.IsBucket())
		add("folder", u.IsFolder())
		add("pattern", u.IsPattern())
		add("object", u.Remote && !u.IsFolder() && !u.IsPattern())
		got := strings.Join(is, " ")
		if err != nil {
			got = "! " + err.Error()
		}
		if got != want {
			t.Errorf("%s: %s; want %s", text, got, want)
		}
	}
}

// TestPattern: what matches, and its name below the target; "" does not match. * crosses slashes.
func TestPattern(t *testing.T) {
	for _, c := range []struct{ pattern, key, name string }{
		{"a/b*", "a/bc/d", "bc/d"},
		{"a/b*", "a/b", "b"},
		{"a/b*", "a/c", ""},
		{"*", "a/b", "a/b"},
		{"a/*/c", "a/x/y/c", "x/y/c"},
		{"a/*/c", "a/c", ""},
		{"a/?", "a/é", "é"},
		{"a/?", "a/xy", ""},
		{"a/?", "a/\xff", "\xff"},
		{"a/[x]*", "a/[x]y", "[x]y"},
		{"a/[x]*", "a/xy", ""},
		{"a/*", "a/\n", "\n"},
		{"*.gz", "a/b.gz.gz", "a/b.gz.gz"},
		{"a//*", "a//b", "b"},
	} {
		u, err := s5line.ParseURL("s3://b/"+c.pattern, false)
		got := ""
		if err == nil && u.Matches(c.key) {
			got = u.Name(c.key)
		}
		if got != c.name {
			t.Errorf("%s, %q: %q, %v; want %q", c.pattern, c.key, got, err, c.name)
		}
	}
}

// TestLevel: names in the listing of one level.
func TestLevel(t *testing.T) {
	for _, c := range []struct{ start, key, name string }{
		{"", "a", "a"}, {"", "d/", "d/"}, {"d/", "d/a", "a"}, {"d/", "d/e/", "e/"}, {"d/a", "d/ab", "ab"}, {"d/e", "d/e/", "e/"}, {"a", "a", "a"}, {"d/a", "d/a", "d/a"},
	} {
		u, err := s5line.ParseURL("s3://b/"+c.start, false)
		if got := u.Name(c.key); err != nil || got != c.name {
			t.Errorf("%s, %s: %q, %v; want %q", c.start, c.key, got, err, c.name)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		flags, name string
		want        bool
	}{
		{"", "a", true}, {"--exclude *.txt", "d/a.txt", false}, {"--exclude a*", "da", true}, {"--include *.txt", "a.gz", false},
		{"--include *.txt --exclude a*", "a.txt", false}, {"--include *.txt --exclude a*", "b.txt", true}, {"--exclude=", "a", true},
	} {
		l, err := s5line.Parse(append(append([]string{"cp"}, strings.Fields(c.flags)...), "x", "y"))
		if got := l.Patterns().Wants(c.name); err != nil || got != c.want {
			t.Errorf("%s, %s: %v, %v; want %v", c.flags, c.name, got, err, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		`cp a  b	c`:          {"cp", "a", "b", "c"},
		`cp 'a b' "c d"`:     {"cp", "a b", "c d"},
		`cp a\ b c`:          {"cp", "a b", "c"},
		`cp "a\"b\c" '\'`:    {"cp", `a"b\c`, `\`},
		`cp "" ''`:           {"cp", "", ""},
		`cp a"b"'c'd`:        {"cp", "abcd"},
		`cp $HOME # no`:      {"cp", "$HOME", "#", "no"},
		`cp "s3://b/*.gz" .`: {"cp", "s3://b/*.gz", "."},
		``:                   nil,
		`cp "a`:              nil,
		`cp 'a`:              nil,
		`cp a\`:              nil,
	} {
		got, err := s5line.Split(line)
		if !slices.Equal(got, want) || (err == nil) != (want != nil || line == "") {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
}

// TestNeverPanics: any words give a line or an error of its own kind.
func TestNeverPanics(t *testing.T) {
	words := []string{"cp", "ls", "run", "select", "s3://b/k", "-", "--", "---", "-n", "--exclude", "--exclude=", "-=x", "--json", "--metadata", "a=b", "", "=", "-p", "7", "\xff"}
	rapid.Check(t, func(t *rapid.T) {
		l, err := s5line.Parse(rapid.SliceOfN(rapid.SampledFrom(words), 0, 9).Draw(t, "line"))
		var usage *s5line.Error
		var unknown *s5line.UnknownVerbError
		if err != nil && !errors.As(err, &usage) && !errors.As(err, &unknown) {
			t.Fatalf("%v", err)
		}
		_ = l.Command()
	})
}

// FuzzSplit: what is split from quoted words is those words.
func FuzzSplit(f *testing.F) {
	f.Add("a b", "c'd")
	f.Add("\\", "\"")
	f.Fuzz(func(t *testing.T, a, b string) {
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
		got, err := s5line.Split(quote(a) + " " + quote(b))
		if err != nil || !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q and %q: %q, %v", a, b, got, err)
		}
	})
}
