package mirror_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// tree is a folder's files, by their names below it with slashes.
type tree map[string]string

func (t tree) names() []string { return slices.Sorted(maps.Keys(t)) }

// write makes the files in a new folder.
func (t tree) write(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	t.writeTo(tb, dir)
	return dir
}

func (t tree) writeTo(tb testing.TB, dir string) {
	tb.Helper()
	for name, text := range t {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

// read reads the files of a folder; nothing else may be in it.
func read(tb testing.TB, dir string) tree {
	tb.Helper()
	t := tree{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, rerr := filepath.Rel(dir, path)
		if err != nil || rerr != nil {
			return err
		}
		t[filepath.ToSlash(rel)] = string(b)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// stored reads the objects below a prefix.
func stored(m *storetest.Memory, prefix string) tree {
	t := tree{}
	for _, key := range m.Keys(storetest.Bucket, prefix) {
		t[key[len(prefix):]] = string(m.Bytes(at(key)))
	}
	return t
}

func at(key string) store.Ref { return store.Ref{Bucket: storetest.Bucket, Key: key} }

func put(m *storetest.Memory, t tree) {
	for key, text := range t {
		m.PutBytes(at(key), []byte(text))
	}
}

func client(tb testing.TB, m store.Store, o haul.Options) *haul.Client {
	o.StateDir = tb.TempDir()
	return haul.New(m, o)
}

// protocol keeps the events of a run.
type protocol struct {
	mu     sync.Mutex
	events []mirror.Event
}

func (p *protocol) observe(e mirror.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
}

// of gives the errors of the events of a kind, by source.
func (p *protocol) of(k mirror.EventKind) map[string]error {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]error{}
	for _, e := range p.events {
		if e.Kind == k {
			all[e.Source] = e.Err
		}
	}
	return all
}
