package mirror_test

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul/mirror"
)

// side is a tree as Compare sees it.
type side map[string]mirror.Entry

var sides = rapid.Custom(func(t *rapid.T) side {
	names := rapid.SampledFrom([]string{"a", "a/b", "a-b", "a.b", "ab", "b", "b/", "é", "é/x", "z"})
	s := side{}
	for _, name := range rapid.SliceOfDistinct(names, rapid.ID).Draw(t, "names") {
		e := mirror.Entry{Rel: name, Size: rapid.Int64Range(0, 1).Draw(t, "size"), Modified: time.Unix(rapid.Int64Range(0, 2).Draw(t, "time"), 0)}
		if rapid.IntRange(0, 9).Draw(t, "blocked") == 0 {
			e.Why = errors.New("no file")
		}
		s[name] = e
	}
	return s
})

// list gives the entries in order; where fail is in reach, an error in place of that one.
func (s side) list(fail int) iter.Seq2[mirror.Entry, error] {
	return func(yield func(mirror.Entry, error) bool) {
		for i, name := range slices.Sorted(maps.Keys(s)) {
			if i == fail {
				yield(mirror.Entry{}, errBroken)
				return
			}
			if !yield(s[name], nil) {
				return
			}
		}
		if fail == len(s) {
			yield(mirror.Entry{}, errBroken)
		}
	}
}

var errBroken = errors.New("broken")

// want is the model: what is to be done about a name.
func want(way mirror.Way, from, to side, name string, r mirror.Rules) mirror.Op {
	f, inFrom := from[name]
	t, inTo := to[name]
	switch {
	case inFrom && f.Why != nil:
		return mirror.Skip
	case inFrom && !inTo:
		return mirror.Move
	case !inFrom && t.Why != nil:
		return mirror.Skip
	case !inFrom:
		return mirror.Delete
	case r.NoOverwrite:
		return mirror.Skip
	case t.Why != nil, f.Size != t.Size:
		return mirror.Move
	case r.Checksum, r.Times && !r.SizeOnly:
		return mirror.Check
	case r.SizeOnly:
		return mirror.Skip
	}
	delta := t.Modified.Sub(f.Modified)
	same := delta >= 0
	if way == mirror.Download {
		same = delta <= 0
		if r.ExactTimes {
			same = delta == 0
		}
	}
	if same {
		return mirror.Skip
	}
	return mirror.Move
}

func TestCompareIsItsModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from, to := sides.Draw(r, "source"), sides.Draw(r, "target")
		way := rapid.SampledFrom([]mirror.Way{mirror.Upload, mirror.Download, mirror.Copying}).Draw(r, "way")
		flip := rapid.Bool()
		rules := mirror.Rules{
			SizeOnly: flip.Draw(r, "size only"), ExactTimes: flip.Draw(r, "exact"), Checksum: flip.Draw(r, "checksum"),
			Times: flip.Draw(r, "times"), NoOverwrite: flip.Draw(r, "no overwrite"),
		}
		got := map[string]mirror.Op{}
		last := ""
		for a, err := range mirror.Compare(way, from.list(-1), to.list(-1), rules) {
			if err != nil {
				r.Fatal(err)
			}
			name := max(a.Source.Rel, a.Target.Rel)
			if name <= last || a.Why == "" {
				r.Fatalf("%q after %q: %+v", name, last, a)
			}
			got[name], last = a.Do, name
		}
		for name := range maps.Keys(from) {
			if got[name] != want(way, from, to, name, rules) {
				r.Errorf("%q: %s, want %s", name, got[name], want(way, from, to, name, rules))
			}
		}
		for name := range maps.Keys(to) {
			if got[name] != want(way, from, to, name, rules) {
				r.Errorf("%q: %s, want %s", name, got[name], want(way, from, to, name, rules))
			}
		}
		if union := len(maps.Collect(maps.All(from))); len(got) < union {
			r.Errorf("%d names, want at least %d", len(got), union)
		}
	})
}

// TestCompareEndsWithAnError: wherever a listing breaks off, the comparison ends with its error.
func TestCompareEndsWithAnError(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from, to := sides.Draw(r, "source"), sides.Draw(r, "target")
		failFrom, failTo := -1, -1
		if rapid.Bool().Draw(r, "which") {
			failFrom = rapid.IntRange(0, len(from)).Draw(r, "at")
		} else {
			failTo = rapid.IntRange(0, len(to)).Draw(r, "at")
		}
		var last error
		for _, err := range mirror.Compare(mirror.Upload, from.list(failFrom), to.list(failTo), mirror.Rules{}) {
			if last != nil {
				r.Fatal("it went on after an error")
			}
			last = err
		}
		if !errors.Is(last, errBroken) {
			r.Fatalf("it ended with %v", last)
		}
	})
}

func TestCompareWantsOrder(t *testing.T) {
	wrong := func(yield func(mirror.Entry, error) bool) {
		_ = yield(mirror.Entry{Rel: "b"}, nil) && yield(mirror.Entry{Rel: "a"}, nil)
	}
	twice := func(yield func(mirror.Entry, error) bool) {
		for range 2 {
			if !yield(mirror.Entry{Rel: "b"}, nil) {
				return
			}
		}
	}
	for _, pair := range [][2]iter.Seq2[mirror.Entry, error]{{wrong, side{}.list(-1)}, {side{}.list(-1), wrong}, {twice, twice}} {
		var last error
		for _, err := range mirror.Compare(mirror.Upload, pair[0], pair[1], mirror.Rules{}) {
			last = err
		}
		if last == nil {
			t.Error("a listing out of order was taken")
		}
	}
}

// TestCompareIsLazy: it asks for no more than it has to.
func TestCompareIsLazy(t *testing.T) {
	asked := 0
	endless := func(yield func(mirror.Entry, error) bool) {
		for name := "a"; ; name += "a" {
			asked++
			if !yield(mirror.Entry{Rel: name}, nil) {
				return
			}
		}
	}
	seen := 0
	for range mirror.Compare(mirror.Upload, endless, side{}.list(-1), mirror.Rules{}) {
		if seen++; seen == 100 {
			break
		}
	}
	if asked > 101 {
		t.Errorf("%d entries were asked for", asked)
	}
}
