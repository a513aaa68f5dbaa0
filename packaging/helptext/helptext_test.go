package helptext_test

import (
	"reflect"
	"testing"

	"haul.example/haul/packaging/helptext"
)

func TestBlocks(t *testing.T) {
	const text = `Prose that
continues.

  s3://BUCKET/KEY         one object,
                          and no more
  's3://BUCKET/**/*.bam'  every match
  's3://BUCKET/ru*/*.bam' also a term that leaves one space
Prose.

  [store]
  key = 1

Last:
  a  b`
	want := []helptext.Block{
		{Text: "Prose that continues."},
		{Term: "s3://BUCKET/KEY", Text: "one object, and no more"},
		{Term: "'s3://BUCKET/**/*.bam'", Text: "every match"},
		{Term: "'s3://BUCKET/ru*/*.bam'", Text: "also a term that leaves one space"},
		{Text: "Prose."},
		{Lines: []string{"  [store]", "  key = 1"}},
		{Text: "Last:"},
		{Term: "a", Text: "b"},
	}
	if got := helptext.Blocks(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
