//go:build unix

package stage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"haul.example/haul/internal/stage"
	"haul.example/haul/store/storetest"
)

// folderOf is the folder of this user in a cache.
func folderOf(dir string) string { return filepath.Join(dir, fmt.Sprintf("user-%d", os.Geteuid())) }

// cached runs a command that needs s3://lab/a, and returns what the run said.
func cached(t *testing.T, m *storetest.Memory, cache stage.Cache) string {
	t.Helper()
	q := request(t)
	q.Inputs, q.Cache = []stage.Input{input("a")}, cache
	other := filepath.Join(t.TempDir(), "b")
	must(t, os.WriteFile(other, m.Bytes(ref("a")), 0o600))
	q.Command = []string{"cmp", "a", other}
	_, err := stage.Run(t.Context(), client(t, m), q)
	must(t, err)
	return q.Report.(*report).said()
}

// Another user's entries save a download where the store's checksum says that they are right, and nothing else of theirs is used.
func TestCacheOfOthers(t *testing.T) {
	const size = 100_000
	for what, c := range map[string]struct {
		spoil func(t *testing.T, entry string)
		want  string // in what the run says
		used  bool
	}{
		"a good entry": {func(*testing.T, string) {}, "0 downloaded, 0 B; 1 from the cache; all verified", true},
		"a good entry without a record": {func(t *testing.T, entry string) { must(t, os.Remove(entry+".json")) },
			"0 downloaded, 0 B; 1 from the cache; all verified", true},
		"other bytes of the same size and time": {func(t *testing.T, entry string) {
			fi, err := os.Stat(entry)
			must(t, err)
			must(t, os.Chmod(entry, 0o600))
			must(t, os.WriteFile(entry, make([]byte, size), 0o600))
			must(t, os.Chtimes(entry, fi.ModTime(), fi.ModTime()))
		}, "another user's copy of s3://lab/a: it is not what the store has", false},
		"a longer file": {func(t *testing.T, entry string) {
			must(t, os.Chmod(entry, 0o600))
			must(t, os.Truncate(entry, 1<<30))
		}, "it is not what the store has", false},
		"a link": {func(t *testing.T, entry string) {
			must(t, os.Rename(entry, entry+".moved"))
			must(t, os.Symlink(entry+".moved", entry))
		}, "1 downloaded", false},
		"a pipe": {func(t *testing.T, entry string) {
			must(t, os.Remove(entry))
			must(t, syscall.Mkfifo(entry, 0o666))
		}, "1 downloaded", false},
		"a folder that is a link": {func(t *testing.T, entry string) {
			dir := filepath.Dir(entry)
			must(t, os.Rename(dir, dir+".moved"))
			must(t, os.Symlink(dir+".moved", dir))
			must(t, os.Rename(dir+".moved", filepath.Join(filepath.Dir(dir), "moved")))
		}, "1 downloaded", false},
	} {
		t.Run(what, func(t *testing.T) {
			m := newStore(t)
			made(m, "a", size, 1)
			cache := stage.Cache{Dir: t.TempDir(), Size: 1 << 20}
			cached(t, m, cache)
			theirs := filepath.Join(cache.Dir, "user-99999")
			must(t, os.Rename(folderOf(cache.Dir), theirs))
			sides, err := filepath.Glob(filepath.Join(theirs, "*.json"))
			must(t, err)
			c.spoil(t, strings.TrimSuffix(sides[0], ".json"))
			if said := cached(t, m, cache); !strings.Contains(said, c.want) {
				t.Errorf("it said: %s; want %q", said, c.want)
			}
			if got, want := m.Counts()[storetest.Get].Out, int64(size); (got == want) != c.used {
				t.Errorf("%d bytes were fetched, and the entry used: %v", got, c.used)
			}
			if said := cached(t, m, cache); !c.used && !strings.Contains(said, "0 downloaded, 0 B; 1 from the cache") {
				t.Errorf("what was fetched did not stay: %s", said)
			}
		})
	}
}

// What the store keeps no checksum of cannot be verified, and another user's copy of it is not used.
func TestCacheOfOthersUnverifiable(t *testing.T) {
	m := newStore(t, storetest.Takes(storetest.NoChecksums))
	m.Make(ref("a"), storetest.Generated(100_000, 1), storetest.Made{}) // whose ETag is not an MD5
	cache := stage.Cache{Dir: t.TempDir()}
	cached(t, m, cache)
	must(t, os.Rename(folderOf(cache.Dir), filepath.Join(cache.Dir, "user-99999")))
	if said := cached(t, m, cache); !strings.Contains(said, "1 downloaded") || !strings.Contains(said, "it cannot be verified: ") {
		t.Errorf("it said: %s", said)
	}
}

// Nothing is written through what somebody put into a cache, and a folder of somebody else is not used.
func TestCachePlanted(t *testing.T) {
	for what, plant := range map[string]func(t *testing.T, own, victim string){
		"a link in place of the count": func(t *testing.T, own, victim string) {
			must(t, os.Mkdir(own, 0o755))
			must(t, os.Symlink(victim, filepath.Join(own, "total")))
		},
		"a link in place of the folder": func(t *testing.T, own, victim string) { must(t, os.Symlink(filepath.Dir(victim), own)) },
		"a file in place of the folder": func(t *testing.T, own, victim string) { must(t, os.Link(victim, own)) },
		"a folder that all can write to": func(t *testing.T, own, victim string) {
			must(t, os.Mkdir(own, 0o755))
			must(t, os.Chmod(own, 0o777))
			must(t, os.Symlink(victim, filepath.Join(own, "total")))
		},
		"a folder of another user": func(t *testing.T, own, victim string) {
			must(t, os.Mkdir(own, 0o777))
			if err := os.Chown(own, 99999, 99999); err != nil {
				t.Skip("only root can give a folder away")
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			m := newStore(t)
			made(m, "a", 1000, 1)
			victim := filepath.Join(t.TempDir(), "victim")
			must(t, os.WriteFile(victim, []byte("precious"), 0o600))
			cache := stage.Cache{Dir: t.TempDir(), Size: 1 << 20}
			plant(t, folderOf(cache.Dir), victim)
			cached(t, m, cache)
			cached(t, m, cache)
			if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
				t.Errorf("the victim is now %q, %v", text, err)
			}
			around, err := os.ReadDir(filepath.Dir(victim))
			must(t, err)
			if len(around) != 1 {
				t.Errorf("beside the victim is now %v", around)
			}
		})
	}
}
