package array_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// guard is a store that looks, whenever bytes of a manifest or marker begin to move, whether all that must come before is there.
type guard struct {
	store.Store
	f    *floor
	tree map[string]string

	mu   sync.Mutex
	late []string
}

func (g *guard) moves(key string) {
	role := seqfile.RoleOf(key)
	if role < seqfile.Manifest {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, text := range g.tree {
		if there, ok := g.f.target(name); seqfile.RoleOf(name) < role && (!ok || there != text) {
			g.late = append(g.late, fmt.Sprintf("%s before %s", key, name))
		}
	}
}

func (g *guard) Put(ctx context.Context, r store.PutRequest) (store.Object, error) {
	g.moves(r.Ref.Key)
	return g.Store.Put(ctx, r)
}

func (g *guard) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	g.moves(ref.Key)
	return g.Store.Create(ctx, ref, want, a)
}

func (g *guard) Copy(ctx context.Context, r store.CopyRequest) (store.Object, error) {
	g.moves(r.To.Key)
	return g.Store.Copy(ctx, r)
}

func (g *guard) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	g.moves(r.Ref.Key)
	return g.Store.Get(ctx, r)
}

// TestLastIsLast: in whatever order shards are done, twice, failing or killed, and however often finish is tried meanwhile: no manifest
// moves before all data is there, and no marker before all else is; and at the end all is there.
func TestLastIsLast(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { lastIsLast(t, rt) })
}

func lastIsLast(t *testing.T, rt *rapid.T) {
	f := newFloor(t, rapid.SampledFrom(ways).Draw(rt, "way"))
	f.prefix = rapid.Bool().Draw(rt, "prefix")
	tree := trees(rapid.SliceOfN(rapid.SampledFrom([]int{0, 15, 99, 101, 300}), 1, 6).Draw(rt, "sizes"))
	names := []string{"md5sum.txt", "d1/f1.md5", "CopyComplete.txt", "d0/align.done", "_SUCCESS", "d2/x.bam", "d2/x.bam.bai"}
	for i, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(rt, "last") {
		tree[name] = random(rapid.SampledFrom([]int{0, 40, 150}).Draw(rt, "size"), uint64(i))
	}
	f.put(tree)
	g := &guard{Store: f.m, f: f, tree: tree}
	f.seen = g
	shards := rapid.IntRange(1, 3).Draw(rt, "shards")
	if h, err := f.make(f.request(shards)); err != nil || h.Objects != len(tree) {
		rt.Fatalf("%+v, %v", h, err)
	}
	for _, shard := range rapid.Permutation(numbers(shards)).Draw(rt, "order") {
		for _, what := range rapid.SliceOfN(rapid.SampledFrom([]string{"do", "kill", "fail", "finish"}), 0, 4).Draw(rt, "runs") {
			switch what {
			case "do":
				_ = f.work(shard)
			case "kill":
				f.kill(shard, rapid.IntRange(0, 12).Draw(rt, "after"))
			case "fail":
				f.failing(shard, rapid.IntRange(0, 12).Draw(rt, "after"))
			case "finish":
				_, _ = f.finish()
			}
		}
	}
	v, err := f.finish()
	if err != nil || v.Proved != (len(v.Requeue) == 0) || v.Proved == (v.Withheld > 0) && f.has("CopyComplete.txt") {
		rt.Fatalf("%+v, %v", v, err)
	}
	for _, shard := range v.Requeue {
		if err := f.work(shard); err != nil {
			rt.Fatal(err)
		}
	}
	if v, err = f.finish(); err != nil || !v.Proved || v.Withheld > 0 || v.Objects != len(tree) {
		rt.Fatalf("%+v, %v", v, err)
	}
	if len(g.late) > 0 {
		rt.Fatal(g.late)
	}
	if got := f.got(); !maps.Equal(got, tree) || len(f.receipt()) != len(tree) || len(f.open()) > 0 {
		rt.Fatalf("got %v, want %v; open %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(tree)), f.open())
	}
}

// planned makes a floor with a plan of one shard for data, two manifests and a marker.
func planned(t *testing.T, way mirror.Way) *floor {
	f := newFloor(t, way)
	f.put(map[string]string{"a": "a", "md5sum.txt": "sums", "x.md5": "sum", "CopyComplete.txt": ""})
	if h, err := f.make(f.request(1)); err != nil || h.Objects != 4 || h.Shards[0].Objects != 1 || h.Manifests.Objects != 2 || h.Markers.Objects != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	return f
}

// TestLastWaits: nothing of it moves where a shard is to be done again; a marker does not where a manifest failed; and what has moved
// does not move again.
func TestLastWaits(t *testing.T) {
	f := planned(t, mirror.Upload)
	v, err := f.finish()
	if err != nil || v.Withheld != 3 || v.Last != 0 || !slices.Equal(v.Requeue, []int{0}) || len(f.got()) > 0 {
		t.Fatalf("%+v, %v, %v", v, err, f.got())
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	f.m.Fault(storetest.Put).Key("to/x.md5").Error(store.Denied)
	v, err = f.finish()
	if err != nil || v.Proved || v.Failed != 1 || len(v.Requeue) > 0 || v.Withheld != 1 || f.has("CopyComplete.txt") {
		t.Fatalf("%+v, %v", v, err)
	}
	if !strings.HasPrefix(v.Problems[0], "manifests: ") || !strings.Contains(v.Problems[0], "x.md5: ") {
		t.Error(v.Problems)
	}
	f.m.FaultsFired(t)
	before := f.m.Counts()[storetest.Put].Calls
	if v, err = f.finish(); err != nil || !v.Proved || v.Last != 3 || v.Withheld != 0 || v.Objects != 4 {
		t.Fatalf("%+v, %v", v, err)
	}
	if puts := f.m.Counts()[storetest.Put].Calls - before; puts != 2 {
		t.Errorf("%d objects moved, want x.md5 and CopyComplete.txt", puts)
	}
}

// TestUnprovedWithholdsMarkers: that nobody vouches for data keeps markers back, and manifests not.
func TestUnprovedWithholdsMarkers(t *testing.T) {
	f := newFloor(t, mirror.Download)
	f.m.SetChecksums(storetest.NoChecksums)
	f.put(map[string]string{"a": "a", "md5sum.txt": "sums", "CopyComplete.txt": ""})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	v, err := f.finish()
	if err != nil || v.Proved || v.Failed > 0 || v.Unproved == 0 || v.Withheld != 1 || f.has("CopyComplete.txt") || !f.has("md5sum.txt") {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestNoFamilies: all is in shards.
func TestNoFamilies(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a", "md5sum.txt": "sums", "CopyComplete.txt": ""})
	r := f.request(1)
	r.Options.NoFamilies = true
	if h, err := f.make(r); err != nil || h.Shards[0].Objects != 3 || h.Manifests.Objects+h.Markers.Objects > 0 {
		t.Fatalf("%+v, %v", h, err)
	}
	if err := f.work(0); err != nil || !f.has("CopyComplete.txt") {
		t.Error(err)
	}
}

// TestMarkerOfIncompletePlan: where something that a list names cannot move, its marker is not in the plan.
func TestMarkerOfIncompletePlan(t *testing.T) {
	for _, way := range []mirror.Way{mirror.Copying, mirror.Upload} {
		markerOfIncompletePlan(t, newFloor(t, way))
	}
}

func markerOfIncompletePlan(t *testing.T, f *floor) {
	f.put(map[string]string{"a": "a", "_SUCCESS": ""})
	r := f.request(1)
	r.Options.Select.Pairs = func(yield func(mirror.Pair, error) bool) {
		_ = yield(mirror.Pair{Source: "_SUCCESS"}, nil) && yield(mirror.Pair{Source: "none"}, nil) && yield(mirror.Pair{Source: "a"}, nil)
	}
	var failed []string
	r.Options.Observe = func(e mirror.Event) {
		if e.Kind == mirror.Failed {
			failed = append(failed, e.Source+": "+e.Err.Error())
		}
	}
	h, err := f.make(r)
	var part *mirror.IncompleteError
	if !errors.As(err, &part) || part.Failed != 2 || h.Objects != 1 || h.Markers.Objects > 0 {
		t.Fatalf("%+v, %v", h, err)
	}
	if !strings.HasSuffix(failed[1], "failed") || !strings.Contains(failed[1], "_SUCCESS: it comes last, and 1 ") {
		t.Error(failed)
	}
}

// TestNewerIndex: on the way down an index becomes newer than its data, also than what several shards have moved.
func TestNewerIndex(t *testing.T) {
	for _, no := range []bool{false, true} {
		f := newFloor(t, mirror.Download)
		for _, name := range []string{"a.bam.bai", "big.bai", "a.bam", "big.bam"} {
			text := "x"
			if name == "big.bam" {
				text = random(500, 1)
			}
			f.m.PutBytes(at("from/"+name), []byte(text))
		}
		r := f.request(3)
		r.Options.NoFamilies = no
		if _, err := f.make(r); err != nil {
			t.Fatal(err)
		}
		for _, shard := range []int{2, 0, 1} {
			if err := f.work(shard); err != nil {
				t.Fatal(err)
			}
		}
		if v, err := f.finish(); err != nil || !v.Proved {
			t.Fatalf("%+v, %v", v, err)
		}
		for index, data := range map[string]string{"a.bam.bai": "a.bam", "big.bai": "big.bam"} {
			i, ierr := os.Stat(filepath.Join(f.to.Path, index))
			d, derr := os.Stat(filepath.Join(f.to.Path, data))
			if ierr != nil || derr != nil || i.ModTime().After(d.ModTime()) == no {
				t.Errorf("no families %v: %s is of %v, %s of %v", no, index, i.ModTime(), data, d.ModTime())
			}
		}
	}
}

// TestSweepLeavesOthers: of two open uploads for one key, that which a shard wrote down is aborted, and the other, which has a part, stays.
func TestSweepLeavesOthers(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": random(90, 1)})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	f.kill(0, 2)
	f.kill(0, 0)
	other := f.create("to/a", "half")
	if len(f.open()) != 2 {
		t.Fatal(f.open())
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	var said []string
	v, err := array.Finish(t.Context(), f.client(f.m), f.planDir(f.m), array.FinishOptions{Note: func(text string) { said = append(said, text) }})
	if err != nil || !v.Proved || len(said) != 1 || !strings.HasSuffix(said[0], "of failed tasks: 1") {
		t.Fatalf("%+v, %v, %q", v, err, said)
	}
	if open := f.m.OpenUploads(); len(open) != 1 || open[0].ID != other.ID {
		t.Error("open:", open)
	}
}

// TestSweepEmpty: a task that was killed while it opened an upload leaves an empty one without a record. It is aborted by finish and by
// finish --abort; one that the plan's tasks cannot have opened stays, as does one with parts.
func TestSweepEmpty(t *testing.T) {
	for _, way := range []mirror.Way{mirror.Upload, mirror.Copying} {
		for _, abort := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f := newFloor(t, way)
				f.put(map[string]string{"a": random(90, 1), "b": random(90, 2), "md5sum.txt": random(90, 3)})
				older := f.create("to/a", "")
				time.Sleep(time.Hour)
				if _, err := f.make(f.request(1)); err != nil {
					t.Fatal(err)
				}
				f.kill(0, 0)
				lost, half, elsewhere := f.create("to/a", ""), f.create("to/b", "half"), f.create("to/other", "")
				time.Sleep(time.Hour)
				stay := []store.Upload{older, half, elsewhere}
				var err error
				if abort {
					_, err = array.Abort(t.Context(), f.client(f.m), f.planDir(f.m))
				} else {
					if err := f.work(0); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Hour)
					stay = append(stay, f.create("to/a", ""))
					_, err = f.finish()
				}
				if err != nil {
					t.Fatal(err)
				}
				var open []string
				for _, u := range f.m.OpenUploads() {
					open = append(open, u.ID)
				}
				for _, u := range stay {
					if !slices.Contains(open, u.ID) {
						t.Errorf("%s, abort %v: the upload %s of %s, started %v, is gone", way, abort, u.ID, u.Key, u.Started)
					}
				}
				if slices.Contains(open, lost.ID) {
					t.Errorf("%s, abort %v: the empty upload stays", way, abort)
				}
			})
		}
	}
}

// create opens an upload, with one part unless text is empty.
func (f *floor) create(key, text string) store.Upload {
	u, err := f.m.Create(context.Background(), at(key), checksum.Scheme{}, nil)
	if err == nil && text != "" {
		r := store.PutPartRequest{Upload: u, Number: 1, Body: io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))}
		if u.Scheme.Algorithm != checksum.None {
			r.Sum = checksum.Bytes(u.Scheme.Algorithm, []byte(text))
		}
		_, err = f.m.PutPart(context.Background(), r)
	}
	if err != nil {
		f.tb.Fatal(err)
	}
	return u
}
