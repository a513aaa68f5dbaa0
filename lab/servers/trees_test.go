package servers_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
)

// TestTrees syncs and moves whole trees to and from real servers: what is equal does not move, by time, by content, and by the
// times kept in metadata; what has no source goes.
func TestTrees(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		v := &verbs{T: t, s: s, program: built.Haul(t), home: t.TempDir(), bucket: s.Bucket(t)}
		dir := filepath.Join(v.home, "run")
		for i := range 30 {
			v.write(filepath.Join(dir, fmt.Sprintf("d%d", i%3), fmt.Sprintf("ü %02d.txt", i)), bytes.Repeat([]byte("x"), i*100))
		}
		v.write(filepath.Join(dir, "large"), bytes.Repeat([]byte("0123456789abcdef"), 11<<16))
		v.syncs(dir)
		v.changes(dir)
		v.moves(dir)
	})
}

// write makes a file that is an hour old.
func (v *verbs) write(path string, b []byte) {
	v.Helper()
	old := time.Now().Add(-time.Hour)
	for _, err := range []error{os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, b, 0o600), os.Chtimes(path, old, old)} {
		if err != nil {
			v.Fatal(err)
		}
	}
}

func (v *verbs) syncs(dir string) {
	v.has(v.haul(0, "sync --times --part-size 5M "+dir+" s3://b/run"), "copied 31 objects, ")
	for _, how := range []string{"", "--size-only ", "--checksum ", "--times "} {
		v.has(v.haul(0, "sync "+how+dir+" s3://b/run"), "copied 0 objects, 0 B in ")
	}
	v.has(v.haul(0, "sync --times s3://b/run "+dir+"2"), "copied 31 objects, ")
	v.has(v.haul(0, "sync --times "+dir+"2 s3://b/run"), "; 31 unchanged")
	v.has(v.haul(0, "sync s3://b/run s3://b/copy"), "copied 31 objects, ")
	for _, how := range []string{"", "--checksum ", "--times "} {
		v.has(v.haul(0, "sync "+how+"s3://b/run s3://b/copy"), "; 31 unchanged")
	}
}

func (v *verbs) changes(dir string) {
	v.write(filepath.Join(dir, "d1", "ü 10.txt"), bytes.Repeat([]byte("y"), 1000))
	v.write(filepath.Join(dir, "large"), append(bytes.Repeat([]byte("0123456789abcdef"), 11<<16-1), "0123456789abcdeF"...))
	v.has(v.haul(0, "sync "+dir+" s3://b/run"), "; 31 unchanged")
	v.has(v.haul(0, "sync --checksum --dryrun "+dir+" s3://b/run"), "would copy 2 objects, ")
	v.has(v.haul(0, "sync --checksum "+dir+" s3://b/run"), "copied 2 objects, ")
	v.has(v.haul(0, "sync --checksum s3://b/run s3://b/copy"), "copied 2 objects, ")
	if err := os.Remove(filepath.Join(dir, "d0", "ü 00.txt")); err != nil {
		v.Fatal(err)
	}
	v.has(v.haul(0, "sync --delete --exclude d1/* "+dir+" s3://b/run"), "; deleted 1; 20 unchanged")
	v.has(v.haul(0, "sync --delete s3://b/run "+dir+"2"), "; deleted 1; 30 unchanged")
	v.has(v.haul(0, "cp --copy-props none s3://b/run/large s3://b/bare"), "verified")
	if said := v.haul(0, "stat s3://b/bare"); bytes.Contains([]byte(said), []byte("mtime=")) {
		v.Errorf("metadata was copied:\n%s", said)
	}
}

func (v *verbs) moves(dir string) {
	v.has(v.haul(0, "mv s3://b/run/**/*.txt s3://b/moved/"), "moved 29 objects, ")
	v.has(v.haul(0, "mv -r s3://b/moved "+dir+"3"), "moved 29 objects, ")
	if v.s.Kind != servers.SeaweedFS { // it lists a folder for a while after its last object went
		v.haul(3, "ls s3://b/moved/")
	}
	v.has(v.haul(0, "mv -r "+dir+"3 s3://b/back"), "moved 29 objects, ")
	plan := filepath.Join(v.home, "plan")
	v.haul(0, "sync --delete --plan "+plan+" s3://b/copy s3://b/back")
	v.has(v.haul(0, "apply "+plan), "all verified")
	v.has(v.haul(0, "sync --delete --checksum s3://b/copy s3://b/back"), "; 31 unchanged")
}
