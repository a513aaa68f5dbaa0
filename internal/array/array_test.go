package array_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

var ways = []mirror.Way{mirror.Upload, mirror.Download, mirror.Copying}

// trees makes the files of a source of sizes: small ones, ones in parts, and some that are cut among shards.
func trees(sizes []int) map[string]string {
	tree := map[string]string{}
	for i, size := range sizes {
		tree[fmt.Sprintf("d%d/f%d", i%3, i)] = random(size, uint64(i+1))
	}
	return tree
}

// TestAnyPlan: whatever the tree, however many shards, done in whatever order, twice, or killed: at the end either all is there,
// equal, proved and on the receipt, and nothing is left open; or what is missing is named, and to do just these shards
// again makes it good.
func TestAnyPlan(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { anyPlan(t, rt) })
}

func anyPlan(t *testing.T, rt *rapid.T) {
	way := rapid.SampledFrom(ways).Draw(rt, "way")
	f := newFloor(t, way)
	f.prefix = rapid.Bool().Draw(rt, "prefix")
	tree := trees(rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 15, 40, 99, 101, 300, 700}), 0, 12).Draw(rt, "sizes"))
	f.put(tree)
	if f.from.Path != "" {
		if err := os.MkdirAll(f.from.Path, 0o777); err != nil {
			rt.Fatal(err)
		}
	}
	shards := rapid.IntRange(1, 4).Draw(rt, "shards")
	h, err := f.make(f.request(shards))
	if err != nil || h.Objects != len(tree) {
		rt.Fatalf("%+v, %v", h, err)
	}
	var again []int
	for _, shard := range rapid.Permutation(numbers(shards)).Draw(rt, "order") {
		done := h.Shards[shard].Objects+h.Shards[shard].Ranges == 0
		for _, what := range rapid.SliceOfN(rapid.SampledFrom([]string{"do", "kill"}), 0, 3).Draw(rt, "runs") {
			if what == "kill" {
				f.kill(shard, rapid.IntRange(0, 12).Draw(rt, "after"))
				continue
			}
			if err := f.work(shard); err != nil {
				rt.Fatal(err)
			}
			done = true
		}
		if !done {
			again = append(again, shard)
		}
	}
	slices.Sort(again)
	v, err := f.finish()
	if err != nil || v.Proved != (len(again) == 0) || !slices.Equal(v.Requeue, again) {
		rt.Fatalf("%+v, %v, want %v to be done again", v, err, again)
	}
	for _, shard := range v.Requeue {
		if err := f.work(shard); err != nil {
			rt.Fatal(err)
		}
	}
	if v, err = f.finish(); err != nil || !v.Proved || v.Objects != len(tree) {
		rt.Fatalf("%+v, %v", v, err)
	}
	if got := f.got(); !maps.Equal(got, tree) {
		rt.Fatalf("got %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(tree)))
	}
	if receipt := f.receipt(); len(receipt) != len(tree) {
		rt.Fatalf("%d lines in the receipt, want %d", len(receipt), len(tree))
	}
	if open := f.open(); len(open) > 0 {
		rt.Fatalf("uploads are left open: %v", open)
	}
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// TestBalance: bytes and numbers are even, and no shard has more than another by more than twice the largest thing.
func TestBalance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFloor(t, mirror.Copying)
		tree := map[string]string{}
		for i := range rapid.IntRange(50, 120).Draw(rt, "files") {
			tree[fmt.Sprint("f", i)] = random(rapid.IntRange(0, 90).Draw(rt, "size"), 1)
		}
		f.put(tree)
		h, err := f.make(f.request(rapid.IntRange(1, 8).Draw(rt, "shards")))
		if err != nil {
			rt.Fatal(err)
		}
		least, most := h.Shards[0].Objects, h.Shards[0].Objects
		for _, s := range h.Shards {
			least, most = min(least, s.Objects), max(most, s.Objects)
		}
		if most > least+1 { // all are of one class
			rt.Fatalf("%+v", h.Shards)
		}
	})
}

// TestSharedByShards: a big object is moved by several shards, in one upload.
func TestSharedByShards(t *testing.T) {
	for _, way := range ways {
		f := newFloor(t, way)
		f.put(map[string]string{"big": random(1000, 1), "small": "x"})
		h, err := f.make(f.request(4))
		if err != nil || h.Shared != 1 {
			t.Fatalf("%+v, %v", h, err)
		}
		for i, s := range h.Shards {
			if s.Ranges == 0 {
				t.Errorf("%s: shard %d has no part of the big object: %+v", way, i, h.Shards)
			}
			if err := f.work(i); err != nil {
				t.Fatal(err)
			}
		}
		if v, err := f.finish(); err != nil || !v.Proved || v.Bytes != 1001 {
			t.Fatalf("%+v, %v", v, err)
		}
		for target, r := range f.receipt() {
			if strings.HasSuffix(target, "big") && (r.Size != 1000 || r.PartSize != 16 || len(r.Parts) != 63 || !r.Proved) {
				t.Errorf("%s: %+v", way, r)
			}
		}
		if v, err := f.finish(); err != nil || !v.Proved {
			t.Errorf("finished again: %+v, %v", v, err)
		}
	}
}

// TestSync leaves out what is equal.
func TestSync(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "same", "b": "longer"})
	f.m.PutBytes(at("to/a"), []byte("same"))
	f.m.PutBytes(at("to/b"), []byte("short"))
	r := f.request(2)
	r.Sync, r.Options.Rules.SizeOnly = true, true
	if h, err := f.make(r); err != nil || h.Objects != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
}

// TestChangedSource: what is not as the plan saw it is named, and does not move.
func TestChangedSource(t *testing.T) {
	for _, way := range ways {
		f := newFloor(t, way)
		f.put(map[string]string{"a": "one", "b": "two", "big": random(500, 1)})
		if _, err := f.make(f.request(1)); err != nil {
			t.Fatal(err)
		}
		f.put(map[string]string{"a": "three", "big": random(501, 2)})
		var part *mirror.IncompleteError
		if err := f.work(0); !errors.As(err, &part) {
			t.Errorf("%s: %v", way, err)
		}
		v, err := f.finish()
		text := strings.Join(v.Problems, "\n")
		if err != nil || v.Proved || !slices.Equal(v.Requeue, []int{0}) || !strings.Contains(text, "from/a") || !strings.Contains(text, "big") {
			t.Errorf("%s: %+v, %v", way, v, err)
		}
		if strings.Contains(text, "from/b:") {
			t.Errorf("%s: names what is good: %s", way, text)
		}
	}
}

// TestAbort throws a plan away, also half a one, with all that it opened.
func TestAbort(t *testing.T) {
	for _, way := range ways {
		for _, half := range []bool{false, true} {
			f := newFloor(t, way)
			f.put(map[string]string{"big": random(1000, 1), "large": random(2000, 1), "a": "a"})
			if _, err := f.make(f.request(3)); err != nil {
				t.Fatal(err)
			}
			if half {
				if err := os.Remove(filepath.Join(f.dir, "plan", "plan.json")); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := f.make(f.request(3)); !errors.Is(err, store.Exists) {
				t.Errorf("planned over a plan: %v", err)
			}
			n, err := array.Abort(t.Context(), f.client(f.m), f.planDir(f.m))
			if err != nil || n != 2 || len(f.open()) > 0 || len(f.got()) > 0 {
				t.Errorf("%s: %d, %v, open %v, there %v", way, n, err, f.open(), f.got())
			}
			if err := f.work(0); !errors.Is(err, array.ErrPlan) {
				t.Errorf("work on what was thrown away: %v", err)
			}
			if _, err := f.make(f.request(3)); err != nil {
				t.Errorf("planned anew: %v", err)
			}
		}
	}
}

// TestPlanFails: a plan that cannot be made leaves nothing open.
func TestPlanFails(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"big": random(1000, 1), "large": random(2000, 1)})
	f.m.Fault(storetest.Create).Key("to/large").Error(store.Denied)
	if _, err := f.make(f.request(3)); !errors.Is(err, store.Denied) {
		t.Error(err)
	}
	if open := f.open(); len(open) > 0 {
		t.Error("left open:", open)
	}
	f.m.FaultsFired(t)
	if _, err := f.make(f.request(3)); err != nil {
		t.Error(err)
	}
}

// TestFinishNamesFailures: what failed is named with its reason, and the rest is kept for the next time.
func TestFinishNamesFailures(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a", "b": "b", "big": random(1000, 1)})
	h, err := f.make(f.request(2))
	if err != nil {
		t.Fatal(err)
	}
	fault := f.m.Fault(storetest.Put).Key("to/b").Error(store.Denied)
	for i := range h.Shards {
		_ = f.work(i)
	}
	v, err := f.finish()
	if err != nil || v.Proved || len(v.Requeue) != 1 || v.Failed != 1 || !strings.Contains(v.Problems[0], "from/b") || len(f.open()) != 1 {
		t.Errorf("%+v, %v, open %v", v, err, f.open())
	}
	if fault.Fired() != 1 {
		t.Error("the fault did not happen")
	}
	before := f.m.Counts()
	if err := f.work(v.Requeue[0]); err != nil {
		t.Fatal(err)
	}
	after := f.m.Counts()
	if puts := after[storetest.Put].Calls - before[storetest.Put].Calls; puts != 1 || after[storetest.PutPart].Calls != before[storetest.PutPart].Calls {
		t.Errorf("moved again what was there: %d objects, %v parts", puts, after[storetest.PutPart].Calls-before[storetest.PutPart].Calls)
	}
	if v, err = f.finish(); err != nil || !v.Proved || len(f.open()) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestRefuses: what can be no plan, and no shard.
func TestRefuses(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a"})
	for _, n := range []int{0, -1, array.MaxShards + 1} {
		if _, err := f.make(f.request(n)); !errors.Is(err, store.Invalid) {
			t.Errorf("%d shards: %v", n, err)
		}
	}
	r := f.request(1)
	r.Options.Transfer.Attrs.Encryption.Customer.Key = "01234567890123456789012345678901"
	if _, err := f.make(r); !errors.Is(err, store.Unsupported) {
		t.Errorf("with a customer's key: %v", err)
	}
	if err := f.work(0); !errors.Is(err, array.ErrPlan) {
		t.Errorf("without a plan: %v", err)
	}
	if _, err := f.finish(); !errors.Is(err, array.ErrPlan) {
		t.Errorf("without a plan: %v", err)
	}
	if _, err := f.make(f.request(2)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{-1, 2} {
		if err := f.work(n); !errors.Is(err, store.Invalid) {
			t.Errorf("shard %d: %v", n, err)
		}
	}
	in := array.Folder(filepath.Join(f.from.Path, "plan"))
	if _, err := array.Make(t.Context(), f.client(f.m), in, f.request(1)); !errors.Is(err, store.Invalid) {
		t.Errorf("a plan in its source: %v", err)
	}
}

// TestNamed: a list names what moves, and where to; what of it is not there is named.
func TestNamed(t *testing.T) {
	f := newFloor(t, mirror.Copying)
	f.put(map[string]string{"x/a": "a", "x/b": "b", "big": random(300, 1)})
	r := f.request(2)
	r.Options.Select.Pairs = func(yield func(mirror.Pair, error) bool) {
		_ = yield(mirror.Pair{Source: "x/a", Target: "one"}, nil) && yield(mirror.Pair{Source: "big", Target: "two"}, nil) && yield(mirror.Pair{Source: "none"}, nil)
	}
	var part *mirror.IncompleteError
	h, err := f.make(r)
	if !errors.As(err, &part) || part.Failed != 1 || h.Objects != 2 || h.Shared != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	for i := range h.Shards {
		if err := f.work(i); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := f.finish(); err != nil || !v.Proved {
		t.Fatalf("%+v, %v", v, err)
	}
	if got := f.got(); got["one"] != "a" || len(got["two"]) != 300 || len(got) != 2 {
		t.Error(got)
	}
}

// TestOddNames: names that are no UTF-8 come through.
func TestOddNames(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a\xff": "odd", "b\xfe": random(300, 1), "<&>": "html"})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	if v, err := f.finish(); err != nil || !v.Proved || f.got()["a\xff"] != "odd" || len(f.got()["b\xfe"]) != 300 {
		t.Errorf("%+v, %v, %v", v, err, f.got())
	}
}

// TestSweep: what a task left that died is removed when its object is proved, and what others left is not.
func TestSweep(t *testing.T) {
	f := newFloor(t, mirror.Download)
	f.put(map[string]string{"d/a": "a", "d/b": "b"})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.work(0); err != nil {
			t.Fatal(err)
		}
	}
	left := filepath.Join(f.to.Path, "d", localfile.TempName("a"))
	writeFile(t, left, "half")
	other := filepath.Join(f.to.Path, "d", localfile.TempName("c"))
	writeFile(t, other, "half")
	if v, err := f.finish(); err != nil || !v.Proved {
		t.Fatalf("%+v, %v", v, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("the hidden file stays:", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("the hidden file of another is gone:", err)
	}

	f = newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": random(90, 1)})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	f.kill(0, 2) // an upload, and a part of it
	if open := f.open(); !slices.Equal(open, []string{"to/a"}) {
		t.Fatal("open:", open)
	}
	if _, err := f.m.Create(t.Context(), at("to/ab"), checksum.Scheme{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	if v, err := f.finish(); err != nil || !v.Proved || !slices.Equal(f.open(), []string{"to/ab"}) {
		t.Errorf("%+v, %v, open %v", v, err, f.open())
	}
}

// TestDamagedPlan: a shard that lost tasks, or its results, is not taken for done.
func TestDamagedPlan(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a", "b": "b", "c": "c"})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	tasks, _ := f.file("shards/00000.jsonl")
	path := filepath.Join(f.dir, "plan", "shards", "00000.jsonl")
	first, _, _ := strings.Cut(string(tasks), "\n")
	writeFile(t, path, first+"\n")
	if err := f.work(0); !errors.Is(err, array.ErrPlan) {
		t.Error(err)
	}
	if _, err := f.finish(); !errors.Is(err, array.ErrPlan) {
		t.Error(err)
	}
	writeFile(t, path, string(tasks))
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	results, _ := f.file("results/00000.jsonl")
	writeFile(t, filepath.Join(f.dir, "plan", "results", "00000.jsonl"), string(results[:len(results)/2]))
	if v, err := f.finish(); err == nil && v.Proved {
		t.Error("half of the results prove all")
	}
	writeFile(t, filepath.Join(f.dir, "plan", "plan.json"), `{"haul_array": 9}`)
	if err := f.work(0); !errors.Is(err, array.ErrPlan) {
		t.Error(err)
	}
}
