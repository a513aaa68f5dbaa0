package cli

import (
	"errors"
	"maps"
	"mime"
	"strings"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"8388608": 8 << 20, "8MiB": 8 << 20, "8mib": 8 << 20, "8M": 8 << 20, "64MB": 64e6, "64 MB": 64e6, "1.5G": 3 << 29,
		"1GiB": 1 << 30, "2T": 2 << 40, "512k": 512 << 10, "10KB": 10000, "5b": 5, "0": 0,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1XB", "8 Mi", "1e3", "1..2", "9999999999T", "0x10", "1_000"} {
		if got, err := parseSize(text); exitCode(err) != codeUsage {
			t.Errorf("parseSize(%q) = %d, %v; want a usage error", text, got, err)
		}
	}
}

func TestParseSpan(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 14 * day, "90s": 90 * time.Second, "5m": 5 * time.Minute, "5min": 5 * time.Minute, "1h30m": 90 * time.Minute,
		"1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "200ms": 200 * time.Millisecond, "7 d": 7 * day,
	} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7", "d", "-7d", "7y", "7d3", "999999999w"} {
		if got, err := parseSpan(text); exitCode(err) != codeUsage {
			t.Errorf("parseSpan(%q) = %v, %v; want a usage error", text, got, err)
		}
	}
}

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
		if got, err := parseMetadata(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseMetadata(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"a=b,c", "=b", "a", "a=1,a=2", `{"a":1}`, "a b=c", "a=b\nc", "ä=b"} {
		if got, err := parseMetadata(text); exitCode(err) != codeUsage {
			t.Errorf("parseMetadata(%q) = %v, %v; want a usage error", text, got, err)
		}
	}
	for text, want := range map[string]pairs{
		"a=b,c=d":                {"a": "b", "c": "d"},
		"a=b&c=x%20y":            {"a": "b", "c": "x y"},
		"project name=core, b=1": {"project name": "core", "b": "1"},
	} {
		if got, err := parseTags(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseTags(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"a=b&a=c", "a=%zz&b=1", "&=1", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11"} {
		if got, err := parseTags(text); exitCode(err) != codeUsage {
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
		if got, err := parseDate(text); err != nil || got != want {
			t.Errorf("parseDate(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := parseDate("tomorrow"); exitCode(err) != codeUsage {
		t.Errorf("tomorrow: %v; want a usage error", err)
	}
}

func TestGuessType(t *testing.T) {
	for name, want := range map[string]string{
		"a.fastq": "text/plain", "a.fq": "text/plain", "a.fastq.gz": "application/gzip", "A.FQ.GZ": "application/gzip",
		"x.bam": "application/octet-stream", "x.bam.bai": "application/octet-stream", "x.cram": "application/octet-stream", "x.cram.crai": "application/gzip",
		"x.vcf": "text/plain", "x.vcf.gz": "application/gzip", "x.vcf.gz.tbi": "application/octet-stream", "x.bcf": "application/octet-stream",
		"x.csi": "application/octet-stream", "ref.fa": "text/plain", "ref.fasta": "text/plain", "ref.fa.fai": "text/plain", "genes.gff3": "text/plain",
		"targets.bed": "text/plain", "md5sum.md5": "text/plain", "report.html": "text/html", "SampleSheet.csv": "text/csv", "RunInfo.xml": "application/xml",
		"x.json": "application/json", "x.tar": "application/x-tar", "x.h5ad": "application/x-hdf5", "p/q.r/x": "", "x": "", ".bam": "", "x.": "", "x.unknown": "",
		"/data/run.1/x.PNG": "image/png", "app.mjs": "text/javascript", "a.woff2": "font/woff2", "a.woff": "font/woff", "a.ttf": "font/ttf",
		"favicon.ico": "image/vnd.microsoft.icon", "a.webmanifest": "application/manifest+json", "a.avif": "image/avif", "a.mp3": "audio/mpeg",
		"a.webm": "video/webm", "a.odt": "application/vnd.oasis.opendocument.text", "a.map": "text/plain", "a.vcf": "text/plain", "a.bed": "text/plain",
		"a.asc": "text/plain", "a.npy": "application/octet-stream",
	} {
		if got := guessType(name); got != want {
			t.Errorf("guessType(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzValues: a value of any flag or argument is understood, or a usage error; nothing panics, no size or time is negative, and what
// was taken for an address of the store comes back as it was typed.
func FuzzValues(f *testing.F) {
	for _, text := range []string{
		"", "8MiB", "1.5G", "9e18", "1h30m", "2w", "s3://lab/x.bam", "s3://lab", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/lab/x",
		"https://lab.s3.amazonaws.com/a", "k=v,a=b", "k=v&a=b", "out/**:s3://lab/out/", "s3://lab/hg38/:ref/", "0-3,7", "full=id=x,read=uri=y",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(what string, err error) {
			if err != nil && exitCode(err) != codeUsage {
				t.Errorf("%s of %q: %v; want a usage error", what, text, err)
			}
		}
		n, err := parseSize(text)
		check("size", err)
		span, err := parseSpan(text)
		check("time", err)
		if n < 0 || span < 0 {
			t.Errorf("%q is %d bytes, %v", text, n, span)
		}
		at, err := parseLocation(text)
		check("location", err)
		if err == nil && at.text != text {
			t.Errorf("%q became %q", text, at.text)
		}
		for what, parse := range map[string]func() error{
			"metadata": func() error { _, err := parseMetadata(text); return err },
			"tags":     func() error { _, err := parseTags(text); return err },
			"grants":   func() error { _, err := parseGrants([]string{text}); return err },
			"date":     func() error { _, err := parseDate(text); return err },
			"shards":   func() error { _, err := parseShards(text, 10); return err },
			"bucket":   func() error { _, err := parseBucket(text); return err },
			"object":   func() error { _, err := parseObject(text); return err },
			"output":   func() error { _, err := parseOutput(text); return err },
			"stream":   func() error { _, err := parseStream(text); return err },
			"input":    func() error { _, err := parseInput(text, pretend{}); return err },
		} {
			var missing *missingError
			if err := parse(); !errors.As(err, &missing) { // an input may be a file that is not there
				check(what, err)
			}
		}
	})
}

// TestContentTypes: each is a type that mime can read, and no extension stands for two in one list.
func TestContentTypes(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(webTypes) {
		words := strings.Fields(line)
		for i := 1; i < len(words); i++ {
			if seen[words[i]] {
				t.Errorf(".%s stands there twice", words[i])
			}
			seen[words[i]] = true
		}
	}
	for ext, kind := range contentTypes {
		if _, _, err := mime.ParseMediaType(kind); err != nil || ext != strings.ToLower(ext) || !strings.Contains(kind, "/") {
			t.Errorf(".%s is %q: %v", ext, kind, err)
		}
	}
}
