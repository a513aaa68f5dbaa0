package haul_test

import (
	"context"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/store"
)

// TestDroppedTagsAreNamed: some stores lose the tags of uploads in parts; that is looked at once.
func TestDroppedTagsAreNamed(t *testing.T) {
	for _, drops := range []bool{true, false} {
		b := newBench(t)
		s := &tagless{Store: b.Memory, drops: drops}
		said := ""
		c := haul.New(s, haul.Options{StateDir: b.state, Observe: func(e haul.Event) {
			if e.Kind == haul.EventNote {
				said += e.Text
			}
		}})
		for _, name := range []string{"x", "y"} {
			to := store.Ref{Bucket: object.Bucket, Key: name}
			o := haul.UploadOptions{PartSize: 10, Attrs: store.Attrs{Tags: map[string]string{"a": "b"}}}
			if _, err := c.Upload(context.Background(), b.file(name, random(95, 1)), to, o); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(said, "dropped the tags") != drops || s.asked != 1 {
			t.Errorf("asked %d times, said %q", s.asked, said)
		}
	}
}

// tagless is a store that may drop tags.
type tagless struct {
	store.Store
	drops bool
	asked int
}

func (s *tagless) Tags(ctx context.Context, ref store.Ref, a *store.Attrs) (map[string]string, error) {
	s.asked++
	if s.drops {
		return map[string]string{}, nil
	}
	return s.Store.Tags(ctx, ref, a)
}
