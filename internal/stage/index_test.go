//go:build unix

package stage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul/internal/stage"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// An index is newer than its data when the command starts, whichever way the two came, and in whichever order they were stored.
func TestIndexNewerThanData(t *testing.T) {
	pairs := [][2]string{{"x.bam", "x.bam.bai"}, {"x.bam", "x.bai"}, {"x.vcf.gz", "x.vcf.gz.tbi"}}
	parse := func(cell string) (store.Ref, error) {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(cell, "s3://"), "/")
		return store.Ref{Bucket: bucket, Key: key}, nil
	}
	prefix := input("run/")
	prefix.Folder, prefix.Dest = true, "in"
	match := input("run/")
	match.Pattern, match.Dest = "*", "in"
	for _, pair := range pairs {
		data, index := pair[0], pair[1]
		m := newStore(t)
		for _, key := range []string{index, data} { // the index is stored first
			made(m, "run/"+key, 1000, 1)
		}
		sheet := filepath.Join(t.TempDir(), "sheet.csv")
		must(t, os.WriteFile(sheet, []byte(fmt.Sprintf("s3://lab/run/%s,s3://lab/run/%s\n", index, data)), 0o600))
		two := func(key string) stage.Input {
			in := input("run/" + key)
			in.Dest = "in/"
			return in
		}
		cached := stage.Cache{Dir: t.TempDir()}
		for what, with := range map[string]func(*stage.Request){
			"two inputs": func(q *stage.Request) { q.Inputs = []stage.Input{two(index), two(data)} },
			"a prefix":   func(q *stage.Request) { q.Inputs = []stage.Input{prefix} },
			"wildcards":  func(q *stage.Request) { q.Inputs = []stage.Input{match} },
			"a sheet": func(q *stage.Request) {
				q.Inputs, q.Address = []stage.Input{{Source: mirror.Local(sheet), Sheet: true}}, parse
			},
			"a cache": func(q *stage.Request) { q.Inputs, q.Cache = []stage.Input{prefix}, cached },
		} {
			for range 2 { // the second finds what the first has left: a cache, a work folder
				q := request(t, "sh", "-c", fmt.Sprintf(`cd in 2>/dev/null || cd s3/lab/run; test %s -nt %s`, index, data))
				with(&q)
				if _, err := stage.Run(t.Context(), client(t, m), q); err != nil {
					t.Errorf("%s and %s by %s: %v", data, index, what, err)
				}
			}
		}
		if got := m.Counts()[storetest.Get].Out; got != 9*2000 {
			t.Errorf("%s: %d bytes were fetched; the cache was not used for the second of its runs", index, got)
		}
	}
}

// The time of somebody's own file is not changed; beside fetched data a copy of it stands in.
func TestIndexOfOthers(t *testing.T) {
	m := newStore(t)
	made(m, "x.bam", 1000, 1)
	dir := t.TempDir()
	old := time.Unix(1_000_000_000, 0)
	for _, name := range []string{"x.bam.bai", "y.bam.bai", "y.bam"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
		must(t, os.Chtimes(filepath.Join(dir, name), old, old))
	}
	own := func(name string) stage.Input { return stage.Input{Source: mirror.Local(filepath.Join(dir, name))} }
	must(t, run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "test x.bam.bai -nt x.bam && test $(cat x.bam.bai) = x.bam.bai && test -h y.bam.bai"}
		q.Inputs = []stage.Input{own("x.bam.bai"), input("x.bam"), own("y.bam"), own("y.bam.bai")}
	}))
	for _, name := range []string{"x.bam.bai", "y.bam.bai"} {
		fi, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if !fi.ModTime().Equal(old) {
			t.Errorf("%s now has the time %v", name, fi.ModTime())
		}
	}
}
