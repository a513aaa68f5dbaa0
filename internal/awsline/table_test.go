package awsline_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/internal/awsline"
)

// ours are the options and choices that haul has and the AWS CLI 2.36 does not; all have a note that says so.
var ours = []string{
	"aws --v2-debug", // of the AWS CLI 1.45
	"cp --tags", "mv --tags", "sync --tags",
	"cp --sse aws:kms:dsse", "mv --sse aws:kms:dsse", "sync --sse aws:kms:dsse",
}

// TestTableIsThatOfTheAWSCLI: no option or choice of the AWS CLI 2.36 is missing, each takes as many words as there, and what haul has
// beside them says so.
func TestTableIsThatOfTheAWSCLI(t *testing.T) {
	want := readTable(t)
	tables := map[string][]awsline.Option{"aws": awsline.Globals}
	for _, c := range awsline.Commands {
		tables[c.Name] = c.Options
	}
	var found []string
	for verb, options := range want {
		if tables[verb] == nil {
			t.Errorf("aws s3 %s is missing", verb)
		}
		for name, theirs := range options {
			i := slices.IndexFunc(tables[verb], func(o awsline.Option) bool { return "--"+o.Name == name })
			if i < 0 {
				t.Errorf("%s %s is missing", verb, name)
				continue
			}
			o := tables[verb][i]
			if got := takes(o); got != theirs.takes {
				t.Errorf("%s %s takes %q, not %q", verb, name, got, theirs.takes)
			}
			for _, c := range theirs.choices {
				if !slices.Contains(o.Choices, c) {
					t.Errorf("%s %s has no %s", verb, name, c)
				}
			}
			for _, c := range o.Choices {
				if !slices.Contains(theirs.choices, c) {
					found = append(found, verb+" "+name+" "+c)
				}
			}
		}
	}
	for verb, options := range tables {
		for _, o := range options {
			if _, ok := want[verb]["--"+o.Name]; !ok {
				found = append(found, verb+" --"+o.Name)
			}
			if o.State != awsline.Same && o.Note == "" {
				t.Errorf("%s --%s %s, and no note says how", verb, o.Name, o.State)
			}
		}
	}
	slices.Sort(found)
	slices.Sort(ours)
	if !slices.Equal(found, ours) {
		t.Errorf("beside those of the AWS CLI there are %q, and should be %q", found, ours)
	}
}

type theirs struct {
	takes   string
	choices []string
}

// readTable reads testdata/aws-2.36.txt, by verb and option.
func readTable(t *testing.T) map[string]map[string]theirs {
	text, err := os.ReadFile("testdata/aws-2.36.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]theirs{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[0] == "#" {
			continue
		}
		if all[words[0]] == nil {
			all[words[0]] = map[string]theirs{}
		}
		o := theirs{}
		if len(words) > 2 {
			o = theirs{words[2], words[3:]}
		}
		all[words[0]][words[1]] = o
	}
	return all
}

// TestSettingsAreThoseOfTheAWSCLI: nothing that the environment or a profile may say to the AWS CLI 2.36 is missing.
func TestSettingsAreThoseOfTheAWSCLI(t *testing.T) {
	text, err := os.ReadFile("testdata/aws-2.36-settings.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(text)) {
		if line[0] != '#' {
			want = append(want, strings.Fields(line)...)
		}
	}
	for _, s := range awsline.Settings {
		if s.State != awsline.Same && s.Note == "" {
			t.Errorf("%v %v: %s, and no note says how", s.Keys, s.Vars, s.State)
		}
		if s.State != "of haul" {
			got = slices.Concat(got, s.Keys, s.Vars)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func takes(o awsline.Option) string {
	if o.Int {
		return "number"
	}
	return string(o.Takes)
}
