package cli

import (
	"testing"

	"haul.example/haul/internal/stage"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

func TestCutName(t *testing.T) {
	const ap = "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/lab/"
	for _, c := range []struct{ word, source, name string }{
		{"s3://lab/a.bam", "s3://lab/a.bam", ""},
		{"s3://lab/a.bam:b.bam", "s3://lab/a.bam", "b.bam"},
		{"s3://lab/dir/:ref/", "s3://lab/dir/", "ref/"},
		{"s3://lab/12:30.bam:", "s3://lab/12:30.bam", ""},
		{"s3://lab/12:30.bam:b", "s3://lab/12:30.bam", "b"},
		{"s3://lab/12:30.bam", "s3://lab/12", "30.bam"},
		{ap + "a.bam", ap + "a.bam", ""},
		{ap + "a.bam:b.bam", ap + "a.bam", "b.bam"},
		{"dir/a.bam:b", "dir/a.bam", "b"},
		{"dir/a.bam", "dir/a.bam", ""},
	} {
		if source, name := cutName(c.word); source != c.source || name != c.name {
			t.Errorf("%s: %q, %q", c.word, source, name)
		}
	}
}

func TestRunWords(t *testing.T) {
	lab := func(key string) mirror.End { return mirror.Remote(store.Ref{Bucket: "lab", Key: key}) }
	for word, want := range map[string]stage.Input{
		"s3://lab/a":            {Source: lab("a")},
		"s3://lab/a:x/":         {Source: lab("a"), Dest: "x/"},
		"s3://lab/d/:x":         {Source: lab("d/"), Folder: true, Dest: "x"},
		"s3://lab":              {Source: lab(""), Folder: true},
		"s3://lab/r*/x/*.b:y":   {Source: lab(""), Pattern: "r*/x/*.b", Dest: "y"},
		"s3://lab/runs/**/*.gz": {Source: lab("runs/"), Pattern: "**/*.gz"},
		"dir":                   {Source: mirror.Local("dir"), Folder: true},
		"./x.bam:b":             {Source: mirror.Local("./x.bam"), Dest: "b"},
	} {
		if got, err := parseInput(word, pretend{}); err != nil || got != want {
			t.Errorf("--in %s: %+v, %v", word, got, err)
		}
	}
	for word, want := range map[string]string{ // and where the record goes
		"results/**:s3://lab/out":   "s3://lab/out/",
		"results/**:s3://lab/out/":  "s3://lab/out/",
		"results/:s3://lab":         "s3://lab/",
		"a.vcf:s3://lab/calls/":     "s3://lab/calls/",
		"a.vcf:s3://lab/calls/1":    "s3://lab/calls/1.run/",
		"./a:b.vcf:s3://lab/calls/": "s3://lab/calls/",
	} {
		o, err := parseOutput(word)
		if err != nil {
			t.Errorf("--out %s: %v", word, err)
		}
		if got, err := new(runFlags).recordPrefix([]stage.Output{o}); err != nil || got.String() != want {
			t.Errorf("--out %s: record at %s, %v", word, got, err)
		}
	}
}
