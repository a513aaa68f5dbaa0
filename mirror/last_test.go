package mirror_test

import (
	"path/filepath"
	"slices"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// What matches Last goes after all else, each way, and not at all where something failed.
func TestLast(t *testing.T) {
	files := tree{"a/go.flag": "1", "a/x.bam": "22", "a/x.bam.bai": "3", "md5sum.txt": "4", "ready": "5", "readying.txt": "6", "z/ready": "7", "CopyComplete.txt": "8"}
	mine := []string{"CopyComplete.txt", "a/go.flag", "ready", "z/ready"}
	for _, way := range ways {
		for _, fails := range []bool{false, true} {
			m := inParts(t)
			p := ends(t, m, way, files, tree{})
			if fails {
				if way != mirror.Upload {
					continue
				}
				m.Fault(storetest.Put).Key("to/a/x.bam").Error(store.Denied).Always()
			}
			var log protocol
			o := mirror.Options{Transfer: small.Transfer, Observe: log.observe, Last: []string{"*.flag", "ready"}}
			s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), p.from, p.to, o)
			if (err != nil) != fails {
				t.Fatal(err)
			}
			var done []string
			for _, e := range log.events {
				if e.Kind == mirror.Done {
					done = append(done, e.Entry.Rel)
				}
			}
			switch {
			case fails && slices.ContainsFunc(mine, func(name string) bool { return slices.Contains(done, name) }):
				t.Errorf("%s: a marker was sent although something failed: %q", way, done)
			case fails && s.Failed != 2+len(mine): // the data, its index, and the markers
				t.Errorf("%s: %+v", way, s)
			case !fails:
				got := slices.Clone(done[max(0, len(done)-len(mine)):])
				if slices.Sort(got); !slices.Equal(got, mine) || len(done) != len(files) {
					t.Errorf("%s: %q, want %q last", way, done, mine)
				}
			}
		}
	}
}

func TestIsLast(t *testing.T) {
	o := mirror.Options{Last: []string{"*.flag", "out/ready", "[0-9].txt"}}
	for name, want := range map[string]bool{
		"x.flag": true, "a/b/x.flag": true, "x.flags": false, "out/ready": true, "a/out/ready": true, "ready": false, "about/ready": false, "a/1.txt": true, "12.txt": false, "": false,
	} {
		if got := o.IsLast(filepath.ToSlash(name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (&mirror.Options{}).IsLast("CopyComplete.txt") {
		t.Error("without patterns nothing matches")
	}
}
