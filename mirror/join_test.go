package mirror_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/mirror"
)

// Each name comes once, in order, with what each tree has of it.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := sides.Draw(t, "a"), sides.Draw(t, "b")
		var got []string
		for j, err := range mirror.Join(a.list(-1), b.list(-1)) {
			if err != nil {
				t.Fatal(err)
			}
			name := j.Source.Rel
			if j.InTarget {
				name = j.Target.Rel
			}
			_, inA := a[name]
			_, inB := b[name]
			if j.InSource != inA || j.InTarget != inB || j.Source.Rel != a[name].Rel || j.Target.Rel != b[name].Rel {
				t.Errorf("%s: %+v", name, j)
			}
			got = append(got, name)
		}
		all := maps.Clone(a)
		maps.Copy(all, b)
		if want := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// An error of either tree ends it, and is the last that comes.
func TestJoinBroken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := sides.Draw(t, "a"), sides.Draw(t, "b")
		failA, failB := len(a), -1
		if rapid.Bool().Draw(t, "target") {
			failA, failB = -1, len(b)
		}
		var last error
		for _, err := range mirror.Join(a.list(failA), b.list(failB)) {
			if last != nil {
				t.Error("something comes after the error")
			}
			last = err
		}
		if !errors.Is(last, errBroken) {
			t.Errorf("it ended with %v", last)
		}
	})
}

func ExampleJoin() {
	tree := func(names ...string) iter.Seq2[mirror.Entry, error] {
		return func(yield func(mirror.Entry, error) bool) {
			for _, n := range names {
				if !yield(mirror.Entry{Rel: n}, nil) {
					return
				}
			}
		}
	}
	for j, err := range mirror.Join(tree("a", "b"), tree("b", "c")) {
		fmt.Println(j.InSource, j.InTarget, err)
	}
	// Output:
	// true false <nil>
	// true true <nil>
	// false true <nil>
}
