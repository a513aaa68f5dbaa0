package command

import (
	"maps"
	"testing"
)

func TestParsePairs(t *testing.T) {
	type pairs = map[string]string
	for text, want := range map[string]pairs{
		"a=b":               {"a": "b"},
		"a=b,c=d":           {"a": "b", "c": "d"},
		"a=b=c, d=":         {"a": "b=c", "d": ""},
		`a="x, y",b="q\"r"`: {"a": "x, y", "b": `q"r`},
		`{"a":"b, c"}`:      {"a": "b, c"},
		`a=5" disk,b=6"`:    {"a": `5" disk`, "b": `6"`},
	} {
		if got, err := ParseMetadata(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseMetadata(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"a=b,c", "=b", "a", "a=1,a=2", `{"a":1}`, "a b=c", "a=b\nc", "ä=b"} {
		if got, err := ParseMetadata(text); ExitCode(err) != codeUsage {
			t.Errorf("parseMetadata(%q) = %v, %v; want a usage error", text, got, err)
		}
	}
	for text, want := range map[string]pairs{
		"a=b,c=d":                {"a": "b", "c": "d"},
		"a=b&c=x%20y":            {"a": "b", "c": "x y"},
		"project name=core, b=1": {"project name": "core", "b": "1"},
	} {
		if got, err := ParseTags(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseTags(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"a=b&a=c", "a=%zz&b=1", "&=1", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11"} {
		if got, err := ParseTags(text); ExitCode(err) != codeUsage {
			t.Errorf("parseTags(%q) = %v, %v; want a usage error", text, got, err)
		}
	}
}

func TestParseDate(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"2030-01-31":                    "Thu, 31 Jan 2030 00:00:00 GMT",
		"2030-01-31T12:00:00Z":          "Thu, 31 Jan 2030 12:00:00 GMT",
		"2030-01-31T12:00:00+02:00":     "Thu, 31 Jan 2030 10:00:00 GMT",
		"Thu, 31 Jan 2030 12:00:00 GMT": "Thu, 31 Jan 2030 12:00:00 GMT",
	} {
		if got, err := ParseDate(text); err != nil || got != want {
			t.Errorf("parseDate(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := ParseDate("tomorrow"); ExitCode(err) != codeUsage {
		t.Errorf("tomorrow: %v; want a usage error", err)
	}
}
