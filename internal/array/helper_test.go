package array_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/array"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// limits make parts of a few bytes.
var limits = store.Limits{MinPart: 4, MaxPart: 1 << 20, MaxParts: 1000, MaxPut: 64, MaxCopy: 1000, MaxObject: 1 << 30}

// floor is what a test has around it: a store with the bucket, and a folder that all tasks see.
type floor struct {
	tb   testing.TB
	m    *storetest.Memory
	dir  string
	way  mirror.Way
	from mirror.End
	to   mirror.End
	// seen is the store as shards and finish see it.
	seen store.Store
	// plan is below a prefix where it is true, else in a folder.
	prefix bool
}

func newFloor(tb testing.TB, way mirror.Way) *floor {
	f := &floor{tb: tb, m: storetest.New(storetest.Limits(limits)), dir: tb.TempDir(), way: way}
	f.seen = f.m
	f.from, f.to = mirror.Local(filepath.Join(f.dir, "from")), mirror.Remote(at("to"))
	switch way {
	case mirror.Download:
		f.from, f.to = mirror.Remote(at("from")), mirror.Local(filepath.Join(f.dir, "to"))
	case mirror.Copying:
		f.from = mirror.Remote(at("from"))
	}
	return f
}

func at(key string) store.Ref { return store.Ref{Bucket: storetest.Bucket, Key: key} }

// client is a new one, as a new process has.
func (f *floor) client(s store.Store) *haul.Client {
	return haul.New(s, haul.Options{StateDir: f.tb.TempDir(), Patience: time.Second})
}

func (f *floor) planDir(s store.Store) *array.PlanDir {
	if f.prefix {
		return array.Prefix(f.client(s), at("plan"), f.tb.TempDir())
	}
	return array.Folder(filepath.Join(f.dir, "plan"))
}

// put makes the source.
func (f *floor) put(tree map[string]string) {
	for name, text := range tree {
		if f.from.Path == "" {
			f.m.PutBytes(at("from/"+name), []byte(text))
			continue
		}
		writeFile(f.tb, filepath.Join(f.from.Path, filepath.FromSlash(name)), text)
	}
}

func writeFile(tb testing.TB, path, text string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// got reads the target, hidden files too.
func (f *floor) got() map[string]string {
	got := map[string]string{}
	if f.to.Path == "" {
		for _, key := range f.m.Keys(storetest.Bucket, "to/") {
			got[strings.TrimPrefix(key, "to/")] = string(f.m.Bytes(at(key)))
		}
		return got
	}
	_ = filepath.WalkDir(f.to.Path, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(f.to.Path, path)
		got[filepath.ToSlash(rel)] = string(b)
		return err
	})
	return got
}

// request is a plan of small parts.
func (f *floor) request(shards int) array.Request {
	r := array.Request{From: f.from, To: f.to, Shards: shards, Cut: 100}
	r.Options.Transfer = mirror.TransferOptions{PartSize: 16}
	r.Options.Select.EmptyOK = true
	return r
}

func (f *floor) make(r array.Request) (array.Header, error) {
	return array.Make(context.Background(), f.client(f.m), f.planDir(f.m), r)
}

func (f *floor) work(shard int) error {
	_, err := array.Work(context.Background(), f.client(f.seen), f.planDir(f.m), array.WorkOptions{Shard: shard, Host: "n1"})
	return err
}

// kill does a shard until the store was asked n times for something, and then nothing of it happens any more, as if the process
// had been killed: no clean-up, no results but those of an earlier run.
func (f *floor) kill(shard, n int) {
	name := fmt.Sprintf("results/%05d.jsonl", shard)
	before, there := f.file(name)
	f.failing(shard, n)
	path := filepath.Join(f.dir, "plan", filepath.FromSlash(name))
	var err error
	switch {
	case there && f.prefix:
		f.m.PutBytes(at("plan/"+name), before)
	case there:
		err = os.WriteFile(path, before, 0o600)
	case f.prefix:
		err = f.client(f.m).Store().Delete(context.Background(), at("plan/"+name), nil)
	default:
		err = os.RemoveAll(path)
	}
	if err != nil {
		f.tb.Fatal(err)
	}
}

// failing does a shard, all requests of which fail after so many.
func (f *floor) failing(shard, n int) {
	dead := &mortal{Store: f.seen}
	dead.left.Store(int64(n))
	_, _ = array.Work(context.Background(), f.client(dead), f.planDir(f.m), array.WorkOptions{Shard: shard, Host: "n2"})
}

// target reads one file or object of the target; others may be under way.
func (f *floor) target(name string) (string, bool) {
	if f.to.Path == "" {
		ref := at("to/" + name)
		if !f.m.Exists(ref) {
			return "", false
		}
		return string(f.m.Bytes(ref)), true
	}
	b, err := os.ReadFile(filepath.Join(f.to.Path, filepath.FromSlash(name)))
	return string(b), err == nil
}

// has reports whether something is there in the target.
func (f *floor) has(name string) bool {
	_, ok := f.target(name)
	return ok
}

// file reads a file of the plan.
func (f *floor) file(name string) ([]byte, bool) {
	if f.prefix {
		if !slices.Contains(f.m.Keys(storetest.Bucket, "plan/"+name), "plan/"+name) {
			return nil, false
		}
		return f.m.Bytes(at("plan/" + name)), true
	}
	b, err := os.ReadFile(filepath.Join(f.dir, "plan", filepath.FromSlash(name)))
	return b, err == nil
}

func (f *floor) finish() (array.Verdict, error) {
	return array.Finish(context.Background(), f.client(f.seen), f.planDir(f.m), array.FinishOptions{})
}

// receipt reads the receipt: by its target, each object.
func (f *floor) receipt() map[string]proof.Record {
	all := map[string]proof.Record{}
	text, ok := f.file("receipt.jsonl")
	if !ok {
		f.tb.Fatal("there is no receipt")
	}
	for r, err := range proof.ReadReceipt(bytes.NewReader(text)) {
		if err != nil {
			f.tb.Fatal(err)
		}
		if r.Verb != proof.RunVerb {
			all[r.Target] = r
		}
	}
	return all
}

// random gives text that depends on seed alone.
func random(n int, seed uint64) string {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// mortal is a store that a process dies before: after so many requests, none has an effect any more.
type mortal struct {
	store.Store
	left atomic.Int64
}

func (m *mortal) alive() error {
	if m.left.Add(-1) < 0 {
		return store.Denied
	}
	return nil
}

func (m *mortal) Put(ctx context.Context, r store.PutRequest) (store.Object, error) {
	if err := m.alive(); err != nil {
		return store.Object{}, err
	}
	return m.Store.Put(ctx, r)
}

func (m *mortal) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	if err := m.alive(); err != nil {
		return store.Upload{}, err
	}
	return m.Store.Create(ctx, ref, want, a)
}

func (m *mortal) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	if err := m.alive(); err != nil {
		return store.Part{}, err
	}
	return m.Store.PutPart(ctx, r)
}

func (m *mortal) CopyPart(ctx context.Context, r store.CopyPartRequest) (store.Part, error) {
	if err := m.alive(); err != nil {
		return store.Part{}, err
	}
	return m.Store.CopyPart(ctx, r)
}

func (m *mortal) Copy(ctx context.Context, r store.CopyRequest) (store.Object, error) {
	if err := m.alive(); err != nil {
		return store.Object{}, err
	}
	return m.Store.Copy(ctx, r)
}

func (m *mortal) Complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	if err := m.alive(); err != nil {
		return store.Object{}, err
	}
	return m.Store.Complete(ctx, r)
}

func (m *mortal) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Get(ctx, r)
}

func (m *mortal) Abort(ctx context.Context, u store.Upload, a *store.Attrs) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.Store.Abort(ctx, u, a)
}

// open gives the keys of the uploads that are open.
func (f *floor) open() []string {
	var keys []string
	for _, u := range f.m.OpenUploads() {
		keys = append(keys, u.Key)
	}
	slices.Sort(keys)
	return keys
}
