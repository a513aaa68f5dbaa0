package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// trees generates files with names that sort in odd ways, in folders of which none is a file as well.
var trees = rapid.Custom(func(t *rapid.T) tree {
	name := rapid.SampledFrom([]string{"a", "a-b", "a.b", "ab", "b c", "d+%20", "ü読", "-", ".hidden", "'\"\n", "_"})
	all := tree{}
	for range rapid.IntRange(0, 12).Draw(t, "files") {
		path := strings.Join(rapid.SliceOfN(name, 1, 4).Draw(t, "path"), "/")
		taken := false
		for other := range all {
			taken = taken || strings.HasPrefix(other+"/", path+"/") || strings.HasPrefix(path+"/", other+"/")
		}
		if !taken {
			size := rapid.SampledFrom([]int{0, 1, 10, 100, 1000}).Draw(t, "size")
			all[path] = strings.Repeat(rapid.StringN(1, 1, 1).Draw(t, "letter"), size)
		}
	}
	return all
})

// inParts lets files of over 64 bytes travel in parts.
func inParts(tb testing.TB) *storetest.Memory {
	return storetest.New(storetest.For(tb), storetest.ListPage(3), storetest.Limits(store.Limits{MinPart: 1, MaxParts: 100}))
}

var small = mirror.Options{Transfer: mirror.TransferOptions{PartSize: 64}}

func TestUpThenDown(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := trees.Draw(r, "tree")
		m := inParts(t)
		put(m, tree{"run-2/x": "other", "run": "other"})
		c := client(t, m, haul.Options{})
		up, err := mirror.Up(t.Context(), c, files.write(t), at("run"), small)
		if err != nil || up.Done != len(files) || up.Found != up.Done || !up.All || up.Unverified != 0 {
			r.Fatalf("up: %+v, %v", up, err)
		}
		if got := stored(m, "run/"); !maps.Equal(got, files) {
			r.Fatalf("stored are %q, want %q", got.names(), files.names())
		}
		if len(files) == 0 {
			return // of an empty folder nothing is stored
		}
		copied, err := mirror.Copy(t.Context(), c, at("run/"), at("copy"), small)
		if err != nil || copied.Done != len(files) {
			r.Fatalf("copy: %+v, %v", copied, err)
		}
		dir := filepath.Join(t.TempDir(), "new", "folder")
		down, err := mirror.Down(t.Context(), c, at("copy"), dir, small)
		if err != nil || down.Done != len(files) || down.Size != up.Size || down.Unverified != 0 {
			r.Fatalf("down: %+v, %v", down, err)
		}
		if got := read(t, dir); !maps.Equal(got, files) {
			r.Fatalf("read are %q, want %q", got.names(), files.names())
		}
	})
}

// TestFaults: whatever happens to requests in passing, nothing is lost; what fails for good is named, and only that.
func TestFaults(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files, doomed := trees.Draw(r, "tree"), map[string]bool{}
		for _, name := range files.names() {
			if rapid.IntRange(0, 5).Draw(r, "doomed") == 0 {
				doomed[name] = true
			}
		}
		calls := rapid.SliceOfN(rapid.IntRange(1, 9), 6, 6).Draw(r, "calls")
		var err error
		synctest.Test(t, func(t *testing.T) { err = faults(t, files, doomed, calls) })
		if err != nil {
			r.Fatal(err)
		}
	})
}

// faults moves files up and down; those doomed fail for good, and other calls, by their numbers, in passing.
func faults(t *testing.T, files tree, doomed map[string]bool, calls []int) error {
	m := storetest.New(storetest.ListPage(3))
	for name := range doomed {
		m.Fault(storetest.Put).Key("up/" + name).Error(store.Denied).Always()
		m.Fault(storetest.Get).Key("down/" + name).Error(store.Archived).Always()
	}
	for i, op := range []storetest.Op{storetest.Put, storetest.Get, storetest.List} {
		m.Fault(op).Nth(calls[2*i]).Error(store.Network).Times(2)
		m.Fault(op).Nth(calls[2*i+1]).LoseAnswer()
	}
	c := client(t, m, haul.Options{})
	survivors := maps.Clone(files)
	maps.DeleteFunc(survivors, func(name, _ string) bool { return doomed[name] })
	check := func(what string, s mirror.Summary, p *protocol, err error, got tree) error {
		var part *mirror.IncompleteError
		if len(doomed) == 0 && err != nil || len(doomed) > 0 && (!errors.As(err, &part) || part.Failed != len(doomed)) {
			return fmt.Errorf("%s: %+v, %v", what, s, err)
		}
		if s.Failed != len(doomed) || len(s.Failures) != min(len(doomed), 10) || s.Done != len(survivors) || len(p.of(mirror.Failed)) != len(doomed) {
			return fmt.Errorf("%s: %+v", what, s)
		}
		for source := range p.of(mirror.Failed) {
			_, name, _ := strings.Cut(source, what+"/")
			if !doomed[name] {
				return fmt.Errorf("%s: %s failed", what, source)
			}
		}
		if !maps.Equal(got, survivors) {
			return fmt.Errorf("%s: %q, want %q", what, got.names(), survivors.names())
		}
		return nil
	}
	var p protocol
	from := filepath.Join(t.TempDir(), "up")
	if err := os.Mkdir(from, 0o777); err != nil {
		t.Fatal(err)
	}
	files.writeTo(t, from)
	s, err := mirror.Up(t.Context(), c, from, at("up/"), mirror.Options{Observe: p.observe})
	if err := check("up", s, &p, err, stored(m, "up/")); err != nil || len(files) == 0 {
		return err
	}
	for name, text := range files {
		m.PutBytes(at("down/"+name), []byte(text))
	}
	p, to := protocol{}, t.TempDir()
	s, err = mirror.Down(t.Context(), c, at("down/"), to, mirror.Options{Observe: p.observe, Archived: mirror.FailArchived})
	return check("down", s, &p, err, read(t, to))
}

func TestContentType(t *testing.T) {
	m := storetest.New(storetest.For(t))
	guess := func(name string) string { return "type/" + strings.TrimPrefix(filepath.Ext(name), ".") }
	dir := tree{"a.x": "1", "d/b.y": "2"}.write(t)
	if _, err := mirror.Up(t.Context(), client(t, m, haul.Options{}), dir, at("p"), mirror.Options{ContentType: guess}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"p/a.x": "type/x", "p/d/b.y": "type/y"} {
		if got := m.Object(at(key)).Attrs.Headers.ContentType; got != want {
			t.Errorf("%s is %q", key, got)
		}
	}
}

// TestBounded: what is under way and what was listed do not grow with the number of objects.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2500
		m := storetest.New(storetest.For(t))
		for i := range n {
			m.PutBytes(at(fmt.Sprintf("d/%04d", i)), nil)
		}
		stalled := m.Fault(storetest.Get).Stall().Always()
		var p protocol
		c := client(t, m, haul.Options{Concurrency: 20})
		var s mirror.Summary
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			s, err = mirror.Down(context.Background(), c, at("d"), filepath.Join(t.TempDir(), "x"), mirror.Options{Observe: p.observe})
		}()
		synctest.Wait()
		if found := len(p.of(mirror.Found)); found > mirror.Ahead+2*20+2 || found < mirror.Ahead {
			t.Errorf("%d objects were found before one was there", found)
		}
		if calls := m.Counts()[storetest.Get].Calls; calls != 20 {
			t.Errorf("%d requests at once", calls)
		}
		stalled.Release()
		<-done
		if err != nil || s.Done != n {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestEndsEarly(t *testing.T) {
	files := tree{}
	for i := range 100 {
		files[fmt.Sprint(i)] = "x"
	}
	dir := files.write(t)
	for kind, early := range map[store.Kind]bool{store.NoBucket: true, store.NoCredentials: true, store.ClockSkew: true, store.Denied: false, store.Invalid: false} {
		m := storetest.New(storetest.For(t))
		m.Fault(storetest.Put).Error(kind).Always()
		var p protocol
		s, err := mirror.Up(t.Context(), client(t, m, haul.Options{}), dir, at(""), mirror.Options{Observe: p.observe})
		if early && (!errors.Is(err, kind) || s.Failed > 0) || !early && (errors.Is(err, kind) || s.Failed != 100 || len(s.Failures) != 10) {
			t.Errorf("%s: %+v, %v", kind, s, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t))
		m.Fault(storetest.Put).Error(store.Network).Always()
		s, err := mirror.Up(context.Background(), client(t, m, haul.Options{Concurrency: 4}), dir, at(""), mirror.Options{})
		if !errors.Is(err, store.Network) || s.Done+s.Failed > 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

var errStopped = errors.New("stopped by the test")

func TestStop(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.Limits(store.Limits{MinPart: 1, MaxParts: 100}))
	ctx, cancel := context.WithCancelCause(t.Context())
	m.Fault(storetest.PutPart).Part(3).Hook(func() { cancel(errStopped) }).Stall()
	dir := tree{"big": strings.Repeat("x", 300), "a": "1"}.write(t)
	c := client(t, m, haul.Options{Concurrency: 1})
	var p protocol
	s, err := mirror.Up(ctx, c, dir, at("d"), mirror.Options{Transfer: small.Transfer, Observe: p.observe})
	if !errors.Is(err, errStopped) || s.Failed > 0 || s.Left.Uploads != 1 || s.Left.Bytes != 128 || len(p.of(mirror.Failed)) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = mirror.Up(t.Context(), c, dir, at("d"), mirror.Options{Transfer: small.Transfer})
	if err != nil || s.Kept != 128 || s.Done+s.Unchanged != 2 || m.Keys(storetest.Bucket, "")[1] != "d/big" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestNothingThere(t *testing.T) {
	m := storetest.New(storetest.For(t))
	c := client(t, m, haul.Options{})
	if _, err := mirror.Down(t.Context(), c, at(""), t.TempDir(), mirror.Options{}); err != nil {
		t.Errorf("an empty bucket: %v", err)
	}
	put(m, tree{"dirs/x": "", "dir": ""})
	if _, err := mirror.Down(t.Context(), c, at("dir"), t.TempDir(), mirror.Options{}); !errors.Is(err, store.NotFound) {
		t.Errorf("an empty prefix: %v", err)
	}
	if _, err := mirror.Up(t.Context(), c, filepath.Join(t.TempDir(), "none"), at(""), mirror.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := mirror.Down(t.Context(), c, store.Ref{Bucket: "none"}, t.TempDir(), mirror.Options{}); !errors.Is(err, store.NoBucket) {
		t.Errorf("no bucket: %v", err)
	}
}

// TestListingBreaks: what was told before the listing broke is moved all the same.
func TestListingBreaks(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.ListPage(2))
	put(m, tree{"d/1": "1", "d/2": "2", "d/3": "3"})
	m.Fault(storetest.List).Nth(2).Error(store.Denied)
	dir := t.TempDir()
	s, err := mirror.Down(t.Context(), client(t, m, haul.Options{}), at("d"), dir, mirror.Options{})
	if !errors.Is(err, store.Denied) || s.Done != 2 || s.All || len(read(t, dir)) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestCopyIntoItself(t *testing.T) {
	m := storetest.New(storetest.For(t))
	put(m, tree{"a/b/x": "1", "a/b/b/y": "2", "a/ab": "3"})
	c := client(t, m, haul.Options{})
	for _, to := range []string{"a", "a/"} {
		if _, err := mirror.Copy(t.Context(), c, at("a"), at(to), mirror.Options{}); !errors.Is(err, store.Invalid) {
			t.Errorf("a to %s: %v", to, err)
		}
	}
	s, err := mirror.Copy(t.Context(), c, at("a/b"), at("a"), mirror.Options{})
	if err == nil || s.Done != 1 || s.Failed != 1 || s.Failures[0].Source != at("a/b/b/y").String() {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := mirror.Copy(t.Context(), c, at("a"), at("ab"), mirror.Options{}); err != nil {
		t.Error(err)
	}
}

// TestLargestFirst: of what is known and waits, the largest begins first.
func TestLargestFirst(t *testing.T) {
	files := tree{"zzz": "the largest"}
	for i := range 100 {
		files[fmt.Sprintf("%03d", i)] = "x"
	}
	dir := files.write(t)
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t))
		stalled := m.Fault(storetest.Put).Stall().Always()
		var mu sync.Mutex
		var begun []string
		c := client(t, m, haul.Options{Concurrency: 4, Observe: func(e haul.Event) {
			if e.Kind == haul.EventStart {
				mu.Lock()
				defer mu.Unlock()
				begun = append(begun, filepath.Base(e.Source))
			}
		}})
		done := make(chan error)
		go func() {
			_, err := mirror.Up(context.Background(), c, dir, at("d"), mirror.Options{})
			done <- err
		}()
		synctest.Wait()
		stalled.Release()
		if err := <-done; err != nil || len(begun) != 101 {
			t.Fatalf("%d began, %v", len(begun), err)
		}
		if i := slices.Index(begun, "zzz"); i > 70 { // some were under way when all were known, and goroutines overtake each other
			t.Errorf("the largest began as number %d of 101", i)
		}
	})
}
