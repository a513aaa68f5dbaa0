package awscli

import (
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for line, want := range map[string]string{
		"aws s3 ls":               "s3 ls",
		"/opt/haul/bin/aws s3 ls": "s3 ls",
		"haul aws s3 ls":          "s3 ls",
		"haul aws":                "",
		"haul ls":                 "no",
		"haul -q aws s3 ls":       "no",
	} {
		got, ok := Words(strings.Fields(line))
		if want == "no" && ok || want != "no" && (!ok || !slices.Equal(got, strings.Fields(want))) {
			t.Errorf("%s: %q, %v; want %s", line, got, ok, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"8": 8, "8KB": 8 << 10, "8MiB": 8 << 20, "1 gb": 1 << 30, "10MB/s": 10 << 20, "80Mb/s": 10 << 20} {
		var got int64
		parse := parseBytes
		if strings.HasSuffix(text, "/s") {
			parse = parseRate
		}
		if err := parse(&got)("name", text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "8XB", "9999999TB"} {
		var got int64
		if err := parseBytes(&got)("name", text); err == nil {
			t.Errorf("%q: %d; want an error", text, got)
		}
	}
}
