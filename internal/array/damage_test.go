package array_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/array"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// What a power cut left of a progress keeps nobody from doing the shard again, nor from the end.
func TestTornProgress(t *testing.T) {
	for _, torn := range []string{"", "\x00\x00\x00", `{"plan": "`} {
		f := newFloor(t, mirror.Upload)
		f.put(map[string]string{"a": "a", "b": "b"})
		if _, err := f.make(f.request(1)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(f.dir, "plan", "progress", "00000.json")
		writeFile(t, path, torn)
		if err := f.work(0); err != nil {
			t.Errorf("%q: work: %v", torn, err)
		}
		writeFile(t, path, torn)
		if v, err := f.finish(); err != nil || !v.Proved {
			t.Errorf("%q: finish: %+v, %v", torn, v, err)
		}
	}
}

// What ends finish early is its error, also where tasks had failed before.
func TestFinishBreaksOff(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a", "b": "b"})
	if _, err := f.make(f.request(2)); err != nil {
		t.Fatal(err)
	}
	if err := f.work(1); err != nil { // and shard 0 was never begun
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(f.dir, "plan", "results", "00001.jsonl"), "{")
	if v, err := f.finish(); err == nil {
		t.Errorf("%+v", v)
	}
}

// A plan that somebody else wrote is refused, and takes no process down.
func TestHostilePlan(t *testing.T) {
	for name, change := range map[string][3]string{
		"no shards":     {"plan.json", `"shards": [`, `"was": [`},
		"negative":      {"plan.json", `"objects": 1,`, `"objects": -1,`},
		"huge":          {"plan.json", `"objects": 1,`, `"objects": 9223372036854775807,`},
		"no part size":  {"shared.jsonl", `"part_size":16`, `"part_size":0`},
		"negative size": {"shared.jsonl", `"size":300`, `"size":-300`},
		"huge size":     {"shared.jsonl", `"size":300`, `"size":9223372036854775807`},
	} {
		f := newFloor(t, mirror.Upload)
		f.put(map[string]string{"a": "a", "b": random(300, 1)})
		if _, err := f.make(f.request(1)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(f.dir, "plan", change[0])
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), change[1]) {
			t.Fatalf("%s: %s, %v", name, text, err)
		}
		writeFile(t, path, strings.ReplaceAll(string(text), change[1], change[2]))
		if err := f.work(0); !errors.Is(err, array.ErrPlan) {
			t.Errorf("%s: work: %v", name, err)
		}
		if v, err := f.finish(); v.Proved || err != nil && !errors.Is(err, array.ErrPlan) {
			t.Errorf("%s: finish: %+v, %v", name, v, err)
		}
	}
}

// A plan that could not be written leaves nothing below its prefix that keeps the next from being made.
func TestPlanAgain(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.prefix = true
	f.put(map[string]string{"b": random(300, 1)})
	d := array.Prefix(f.client(&headless{f.m}), at("plan"), t.TempDir())
	if _, err := array.Make(context.Background(), f.client(f.m), d, f.request(1)); !errors.Is(err, store.Denied) {
		t.Fatal(err)
	}
	if open := f.open(); len(open) > 0 {
		t.Errorf("open: %q", open)
	}
	if _, err := f.make(f.request(1)); err != nil {
		t.Error(err)
	}
}

// headless is a store that takes no plan.json.
type headless struct{ store.Store }

func (h *headless) Put(ctx context.Context, r store.PutRequest) (store.Object, error) {
	if strings.HasSuffix(r.Ref.Key, "plan.json") {
		return store.Object{}, store.Denied
	}
	return h.Store.Put(ctx, r)
}

func (h *headless) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	if strings.HasSuffix(ref.Key, "plan.json") {
		return store.Upload{}, store.Denied
	}
	return h.Store.Create(ctx, ref, want, a)
}

// A plan may lie beside its source, under a name that begins alike.
func TestPlanBeside(t *testing.T) {
	f := newFloor(t, mirror.Copying)
	f.prefix = true
	f.from = mirror.Remote(at("pl"))
	f.m.PutBytes(at("pl/a"), []byte("a"))
	if h, err := f.make(f.request(1)); err != nil || h.Objects != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

// The root of a bucket is a target as any other.
func TestBucketRoot(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.to = mirror.Remote(store.Ref{Bucket: "root"})
	f.m.PutBytes(store.Ref{Bucket: "root", Key: "x"}, nil)
	f.put(map[string]string{"d/a": "a"})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	if keys := f.m.Keys("root", ""); !slices.Equal(keys, []string{"d/a", "x"}) {
		t.Errorf("%q", keys)
	}
}

// To throw a plan away is to throw away what its dead tasks had open, too.
func TestAbortOfDead(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": random(90, 1)})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	f.kill(0, 3)
	if len(f.open()) == 0 {
		t.Fatal("nothing was open")
	}
	if _, err := array.Abort(context.Background(), f.client(f.m), f.planDir(f.m)); err != nil {
		t.Fatal(err)
	}
	if open := f.open(); len(open) > 0 {
		t.Errorf("open: %q", open)
	}
}

// A verdict that is damaged is found again.
func TestTornVerdict(t *testing.T) {
	f := newFloor(t, mirror.Upload)
	f.put(map[string]string{"a": "a"})
	if _, err := f.make(f.request(1)); err != nil {
		t.Fatal(err)
	}
	if err := f.work(0); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(f.dir, "plan", "finish.json"), "")
	if v, err := f.finish(); err != nil || !v.Proved {
		t.Errorf("%+v, %v", v, err)
	}
}

// FuzzPlan: a shard of a plan of any bytes is refused or done; neither takes the process down, or writes beside the target.
func FuzzPlan(f *testing.F) {
	const memory = "/dev/shm" // where a sync costs nothing
	if _, err := os.Stat(memory); err == nil {
		f.Setenv("TMPDIR", memory)
	}
	names := []string{"plan.json", "shared.jsonl", "shards/00000.jsonl"}
	fl := newFloor(f, mirror.Upload)
	fl.put(map[string]string{"a": "a", "b": random(300, 1)})
	if _, err := fl.make(fl.request(1)); err != nil {
		f.Fatal(err)
	}
	plan := filepath.Join(fl.dir, "plan")
	var whole [][]byte
	for i, name := range names {
		text, err := os.ReadFile(filepath.Join(plan, name))
		if err != nil {
			f.Fatal(err)
		}
		whole = append(whole, text)
		f.Add(i, text)
		f.Add(i, text[:len(text)/2])
	}
	f.Fuzz(func(t *testing.T, which int, text []byte) {
		which = ((which % len(names)) + len(names)) % len(names)
		for i, name := range names {
			if i == which {
				writeFile(t, filepath.Join(plan, name), string(text))
			} else {
				writeFile(t, filepath.Join(plan, name), string(whole[i]))
			}
		}
		run := *fl // with the test that a panic or a failure belongs to
		run.tb = t
		_ = run.work(0)
		for page, err := range fl.m.List(t.Context(), storetest.Bucket, "", "", nil) {
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page {
				if !strings.HasPrefix(o.Key, "to/") {
					t.Errorf("%s was written", o.Ref)
				}
			}
		}
	})
}
