package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// families draws trees that have members of families in them.
var families = rapid.Custom(func(r *rapid.T) tree {
	t := tree{}
	names := rapid.SliceOfDistinct(rapid.Custom(func(r *rapid.T) string {
		dir := rapid.SampledFrom([]string{"", "d/", "d/e/", "z/"}).Draw(r, "dir")
		if rapid.Bool().Draw(r, "whole") {
			return dir + rapid.SampledFrom([]string{"RTAComplete.txt", "_SUCCESS", "align.done", "md5sum.txt", "MANIFEST", "sheet.csv"}).Draw(r, "name")
		}
		stem := rapid.SampledFrom([]string{"a", "a-b", "x", "x.y"}).Draw(r, "stem")
		return dir + stem + rapid.SampledFrom([]string{
			".bam", ".bam.bai", ".bai", ".bam.csi", ".cram", ".crai", ".cram.crai", ".fa", ".fa.fai", ".dict", ".fa.gz", ".fa.gz.gzi", ".vcf.gz",
			".vcf.gz.tbi", ".bam.md5", "_R1.fastq.gz", "_R2.fastq.gz",
		}).Draw(r, "end")
	}), func(s string) string { return s }).Draw(r, "names")
	for _, name := range names {
		t[name] = rapid.SampledFrom([]string{"", "x", strings.Repeat("long", 50)}).Draw(r, "text")
	}
	return t
})

// inOrder fails where in the order of events an index comes before its data, or what goes last before what does not.
func inOrder(t *rapid.T, events []mirror.Event, kind mirror.EventKind) {
	var names []string
	for _, e := range events {
		if e.Kind == kind && e.Verb != "delete" {
			names = append(names, filepath.ToSlash(e.Target))
		}
	}
	most := seqfile.Data
	for i, name := range names {
		role := seqfile.RoleOf(name)
		if role >= seqfile.Manifest || most >= seqfile.Manifest {
			if role < most {
				t.Fatalf("%s comes late: %q", name, names)
			}
			most = max(most, role)
		}
		for _, data := range seqfile.DataOf(name) {
			if slices.Contains(names[i+1:], data) {
				t.Fatalf("%s comes before %s: %q", name, data, names)
			}
			if slices.Contains(names[:i], data) {
				break // one is enough
			}
		}
	}
}

// TestFamiliesInOrder: in whatever tree and direction, an index is done after its data, manifests after all data, markers last; so
// it is in a dry run, and with a plan; and all is there at the end.
func TestFamiliesInOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := families.Draw(r, "tree")
		way := rapid.SampledFrom(ways).Draw(r, "way")
		if len(files) == 0 && way != mirror.Upload {
			return
		}
		m := inParts(t)
		p := ends(t, m, way, files, tree{})
		c := client(t, m, haul.Options{})
		var log protocol
		o := mirror.Options{Transfer: small.Transfer, Observe: log.observe}
		dry := o
		dry.DryRun = true
		var plan bytes.Buffer
		w, err := mirror.NewPlanWriter(&plan, c, p.from, p.to, dry)
		if err != nil {
			r.Fatal(err)
		}
		dry.Observe = func(e mirror.Event) { log.observe(e); w.Add(e) }
		if s, err := mirror.Tree(t.Context(), c, p.from, p.to, dry); err != nil || s.Planned != len(files) {
			r.Fatalf("%+v, %v", s, err)
		}
		inOrder(r, log.events, mirror.Planned)
		log.events = nil
		var s mirror.Summary
		switch rapid.SampledFrom([]string{"tree", "sync", "plan", "list"}).Draw(r, "how") {
		case "tree":
			s, err = mirror.Tree(t.Context(), c, p.from, p.to, o)
		case "sync":
			s, err = mirror.Sync(t.Context(), c, p.from, p.to, mirror.SyncOptions{Options: o, Delete: true})
		case "plan":
			if _, err := w.End(); err != nil {
				r.Fatal(err)
			}
			s, err = mirror.Apply(t.Context(), c, bytes.NewReader(plan.Bytes()), o)
		case "list":
			names := rapid.Permutation(files.names()).Draw(r, "order")
			o.Select.Pairs = func(yield func(mirror.Pair, error) bool) {
				for _, name := range names {
					if !yield(mirror.Pair{Source: name}, nil) {
						return
					}
				}
			}
			s, err = mirror.Tree(t.Context(), c, p.from, p.to, o)
		}
		if err != nil || s.Done != len(files) || s.Found != len(files) {
			r.Fatalf("%+v, %v", s, err)
		}
		inOrder(r, log.events, mirror.Done)
		if got := p.read(t, p.to); !maps.Equal(got, files) {
			r.Fatalf("the target is %q, want %q", got, files)
		}
		for _, rules := range []mirror.Rules{{}, {ExactTimes: way == mirror.Download}} {
			again, err := mirror.Sync(t.Context(), c, p.from, p.to, mirror.SyncOptions{Options: o, Rules: rules})
			if o.Select.Pairs == nil && (err != nil || again.Done != 0) {
				r.Fatalf("again: %+v, %v", again, err)
			}
		}
	})
}

// TestFamiliesFail: where data fails, its indexes do not go, and no marker does; all the rest does.
func TestFamiliesFail(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := families.Draw(r, "tree")
		if len(files) == 0 {
			return
		}
		bad := rapid.SampledFrom(files.names()).Draw(r, "bad")
		m := inParts(t)
		p := ends(t, m, mirror.Upload, files, tree{})
		op := storetest.Put
		if len(files[bad]) > int(small.Transfer.PartSize) {
			op = storetest.Create
		}
		m.Fault(op).Key("to/" + bad).Error(store.Denied).Always()
		var log protocol
		s, err := mirror.Tree(t.Context(), client(t, m, haul.Options{}), p.from, p.to, mirror.Options{Transfer: small.Transfer, Observe: log.observe})
		if part := new(mirror.IncompleteError); !errors.As(err, &part) || s.Done+s.Failed != len(files) {
			r.Fatalf("%+v, %v", s, err)
		}
		there := stored(m, "to/")
		for name := range files {
			_, ok := there[name]
			role, lastOnes := seqfile.RoleOf(name), seqfile.RoleOf(bad) == seqfile.Marker
			data := seqfile.DataOf(name)
			alone := !slices.ContainsFunc(data, func(other string) bool { _, ok := files[other]; return ok && other != bad })
			want := name != bad && !(role == seqfile.Marker && !lastOnes) && !(slices.Contains(data, bad) && alone)
			if ok != want && (role != seqfile.Index || alone) {
				r.Fatalf("%s is there: %v, want %v, where %s failed: %v", name, ok, want, bad, log.of(mirror.Failed))
			}
		}
	})
}

func TestMarkerAfterFailure(t *testing.T) {
	m := inParts(t)
	dir := tree{"a.bam": "x", "a.bam.bai": "x", "b.txt": "x", "md5sum.txt": "x", "CopyComplete.txt": "x"}.write(t)
	fault := m.Fault(storetest.Put).Key("run/a.bam").Error(store.Denied).Times(1)
	var log protocol
	o := mirror.Options{Observe: log.observe}
	c := client(t, m, haul.Options{})
	s, err := mirror.Up(t.Context(), c, dir, at("run"), o)
	if err == nil || s.Failed != 3 || s.Done != 2 {
		t.Fatalf("%+v, %v, %v", s, err, fault)
	}
	failed := log.of(mirror.Failed)
	for name, want := range map[string]string{
		"a.bam.bai":        "it is an index, and its data a.bam failed",
		"CopyComplete.txt": "it comes last, and 2 objects failed",
	} {
		if got := failed[filepath.Join(dir, name)]; got == nil || got.Error() != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	if s, err := mirror.Up(t.Context(), c, dir, at("run"), o); err != nil || s.Done != 3 || s.Unchanged != 2 {
		t.Fatalf("again: %+v, %v", s, err)
	}
}

// TestIndexTimes: on the way down an index that was stored before its data becomes newer than it; sync then finds nothing to do,
// by whichever rule; and without families times stay those of the objects.
func TestIndexTimes(t *testing.T) {
	m := inParts(t)
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	mtime := func(at time.Time) storetest.Made {
		return storetest.Made{Attrs: &store.Attrs{Metadata: map[string]string{"mtime": fmt.Sprint(at.Unix())}}}
	}
	for key, made := range map[string]storetest.Made{"run/a.bam": mtime(old), "run/a.bam.bai": mtime(old.Add(-time.Hour)), "run/b.bam": mtime(old), "run/b.bai": mtime(old.Add(time.Hour))} {
		m.Make(at(key), bytes.NewReader([]byte(key)), made)
	}
	c := client(t, m, haul.Options{})
	o := mirror.Options{Transfer: mirror.TransferOptions{Times: true}}
	dir := t.TempDir()
	if _, err := mirror.Down(t.Context(), c, at("run"), dir, o); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]time.Time{"a.bam": old, "a.bam.bai": old.Add(time.Second), "b.bam": old, "b.bai": old.Add(time.Hour)} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || !fi.ModTime().Equal(want) {
			t.Errorf("%s: %v, %v; want %v", name, fi.ModTime(), err, want)
		}
	}
	again, err := mirror.Sync(t.Context(), c, mirror.Remote(at("run")), mirror.Local(dir), mirror.SyncOptions{Options: o, Rules: mirror.Rules{Times: true}})
	if err != nil || again.Done != 0 || again.Unchanged != 4 {
		t.Fatalf("again: %+v, %v", again, err)
	}

	for _, families := range []bool{true, false} { // by the store's times, which are those of now
		dir, o := t.TempDir(), mirror.SyncOptions{Options: mirror.Options{NoFamilies: !families}}
		run := mirror.Remote(at("run"))
		if _, err := mirror.Sync(t.Context(), c, run, mirror.Local(dir), o); err != nil {
			t.Fatal(err)
		}
		data, err := os.Stat(filepath.Join(dir, "a.bam"))
		index, ierr := os.Stat(filepath.Join(dir, "a.bam.bai"))
		if err != nil || ierr != nil || families && !index.ModTime().After(data.ModTime()) || !families && !index.ModTime().Equal(m.Object(at("run/a.bam.bai")).Modified) {
			t.Errorf("families %v: data %v, index %v, %v, %v", families, data.ModTime(), index.ModTime(), err, ierr)
		}
		for _, rules := range []mirror.Rules{{}, {ExactTimes: true}, {SizeOnly: true}, {Checksum: true}} {
			o.Rules = rules
			if again, err := mirror.Sync(t.Context(), c, run, mirror.Local(dir), o); err != nil || again.Done != 0 {
				t.Errorf("families %v, %+v: %+v, %v", families, rules, again, err)
			}
		}
	}
}

// TestIncomplete: what lacks in the source is told, and fails nothing; also where it is there already; not what the filters leave out.
func TestIncomplete(t *testing.T) {
	for _, c := range []struct {
		filter string
		off    bool
		want   []string
	}{
		{"", false, []string{"b.bam has no index, but others in its folder do", "c_R1.fastq has no R2", "d.vcf.gz.tbi is an index whose data is missing"}},
		{"*.bam", false, []string{"c_R1.fastq has no R2", "d.vcf.gz.tbi is an index whose data is missing"}},
		{"", true, nil},
	} {
		m := inParts(t)
		put(m, tree{"run/a.bam": "x", "run/a.bam.bai": "x", "run/b.bam": "x", "run/c_R1.fastq": "x", "run/d.vcf.gz.tbi": "x", "run/e_R1.fastq": "", "run/e_R2.fastq": ""})
		var got []string
		o := mirror.SyncOptions{Options: mirror.Options{NoFamilies: c.off, Observe: func(e mirror.Event) {
			if e.Kind == mirror.Incomplete {
				got = append(got, path.Base(e.Source)+" "+e.Why)
			}
		}}}
		if c.filter != "" {
			o.Select.Filter.Exclude(c.filter)
		}
		dir := mirror.Local(t.TempDir())
		for range 2 {
			got = nil
			s, err := mirror.Sync(t.Context(), client(t, m, haul.Options{}), mirror.Remote(at("run")), dir, o)
			slices.Sort(got)
			if err != nil || s.Incomplete != len(c.want) || !slices.Equal(got, c.want) {
				t.Errorf("%+v: %q, %+v, %v", c, got, s.Counts, err)
			}
		}
	}
}

// TestManyGoLast: manifests by the thousand wait in a file, and come out as they went in.
func TestManyGoLast(t *testing.T) {
	m := storetest.New(storetest.For(t))
	const n = 15_000
	for i := range n {
		m.PutBytes(at(fmt.Sprintf("run/%s%05d.bam.md5", strings.Repeat("long", 20), i)), []byte("x"))
	}
	m.PutBytes(at("run/zzz.txt"), []byte("x"))
	first := ""
	o := mirror.Options{Observe: func(e mirror.Event) {
		if e.Kind == mirror.Done && first == "" {
			first = e.Source
		}
	}}
	s, err := mirror.Copy(context.Background(), client(t, m, haul.Options{}), at("run"), at("to"), o)
	if err != nil || s.Done != n+1 || !strings.HasSuffix(first, "zzz.txt") {
		t.Fatalf("%+v, %v; first came %s", s, err, first)
	}
}

// TestListOutOfOrder: in a list an index waits, whatever comes between it and its data.
func TestListOutOfOrder(t *testing.T) {
	m := inParts(t)
	put(m, tree{"run/a.bam": "x", "run/a.bam.bai": "x", "run/z.txt": "x"})
	m.Fault(storetest.Get).Key("run/a.bam").Error(store.Network).Times(1) // it takes its time
	var done []string
	o := mirror.Options{Observe: func(e mirror.Event) {
		if e.Kind == mirror.Done {
			done = append(done, path.Base(e.Source))
		}
	}}
	o.Select.Pairs = func(yield func(mirror.Pair, error) bool) {
		_ = yield(mirror.Pair{Source: "a.bam.bai"}, nil) && yield(mirror.Pair{Source: "z.txt"}, nil) && yield(mirror.Pair{Source: "a.bam"}, nil)
	}
	s, err := mirror.Down(t.Context(), client(t, m, haul.Options{}), at("run"), t.TempDir(), o)
	if err != nil || s.Done != 3 || slices.Index(done, "a.bam.bai") < slices.Index(done, "a.bam") {
		t.Errorf("%q, %+v, %v", done, s, err)
	}
}
