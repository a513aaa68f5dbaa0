package workflow_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCache lets sixteen runs on one machine ask for one reference at the same time: it is fetched once.
func TestCache(t *testing.T) {
	const size, runs = 24 << 20, 16
	g := newRig(t, "refs")
	content := random(size, 2)
	g.put("refs", "hg38.fa", content)
	g.write("hg38.fa", content)
	all := make([]*process, runs)
	for i := range all {
		all[i] = g.command("run", "--cache", "cache", "--in", "s3://refs/hg38.fa", "--", "sh", "-c", fmt.Sprintf("cmp hg38.fa %s && echo run %d", filepath.Join(g.dir, "hg38.fa"), i))
		all[i].begin("\x00")
	}
	for i, p := range all {
		p.end(0)
		if got := p.stdout.String(); got != fmt.Sprintf("run %d\n", i) {
			t.Errorf("run %d said %q", i, got)
		}
	}
	g.fetchedOnce("/refs/hg38.fa", size)
	t.Logf("%d runs fetched %d bytes of a reference of %d", runs, g.relay.sent("/refs/hg38.fa"), size)
}

// TestCacheFetcherKilled kills the run that fetches while others wait for it: they go on, with what it had brought.
func TestCacheFetcherKilled(t *testing.T) {
	const size, runs = 40 << 20, 8
	g := newRig(t, "refs")
	content := random(size, 3)
	g.put("refs", "hg38.fa", content)
	g.write("hg38.fa", content)
	line := func(i int) []string {
		return []string{"run", "--concurrency", "1", "--cache", "cache", "--in", "s3://refs/hg38.fa", "--", "sh", "-c", fmt.Sprintf("cmp hg38.fa %s && echo run %d", filepath.Join(g.dir, "hg38.fa"), i)}
	}
	ranges := 0
	h := g.relay.hold(func(r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/refs/hg38.fa" {
			ranges++
		}
		return ranges == 3
	})
	first := g.command(line(0)...)
	first.begin("\x00")
	first.await(h.reached)
	all := make([]*process, runs)
	waits := make([]chan struct{}, runs)
	for i := range all {
		all[i] = g.command(line(i + 1)...)
		waits[i] = make(chan struct{})
		all[i].stderr.want, all[i].stderr.seen = "waiting for s3://refs/hg38.fa", waits[i]
		all[i].begin("\x00")
	}
	for i, w := range waits {
		all[i].await(w)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.end(-1)
	before := g.relay.sent("/refs/hg38.fa")
	close(h.released)
	for _, p := range all {
		p.end(0)
	}
	rest := g.relay.sent("/refs/hg38.fa") - before
	if rest >= size {
		t.Errorf("all of it was fetched again: %d bytes after %d", rest, before)
	}
	t.Logf("the killed one had brought %d MiB of %d, and all others together fetched %d MiB", before>>20, size>>20, rest>>20)
	left, err := filepath.Glob(filepath.Join(g.dir, "cache", "user-*", ".*.haul-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("partial files are left in the cache: %q, %v", left, err)
	}
	locks, err := filepath.Glob(filepath.Join(g.dir, "cache", "user-*", "locks", "*"))
	if err != nil || len(locks) > 0 {
		t.Errorf("locks are left: %v, %v", locks, err)
	}
}

// TestCacheSpoilt finds that an entry is not what it was.
func TestCacheSpoilt(t *testing.T) {
	g := newRig(t, "refs")
	g.put("refs", "a", []byte("aaaa"))
	run := func(flags ...string) string {
		return g.run(0, append(append([]string{"run", "--cache", "cache"}, flags...), "--in", "s3://refs/a", "--", "cat", "a")...).stderr.String()
	}
	run()
	names, err := filepath.Glob(filepath.Join(g.dir, "cache", "user-*", strings.Repeat("?", 64)))
	if err != nil || len(names) != 1 {
		t.Fatalf("%q, %v", names, err)
	}
	fi, err := os.Stat(names[0])
	if err != nil {
		t.Fatal(err)
	}
	// Bytes that changed without a trace are seen by their sum alone.
	for _, err := range []error{os.Chmod(names[0], 0o600), os.WriteFile(names[0], []byte("bbbb"), 0o600), os.Chtimes(names[0], fi.ModTime(), fi.ModTime())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if said := run("--cache-verify"); !strings.Contains(said, "is damaged, and is fetched again") {
		t.Errorf("haul said: %s", said)
	}
	if said := run("--cache-verify"); !strings.Contains(said, "1 from the cache") {
		t.Errorf("haul said: %s", said)
	}
}
