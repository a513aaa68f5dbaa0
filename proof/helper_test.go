package proof_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// data is a file's content that is nowhere the same.
func data(size int, seed uint64) []byte {
	b := make([]byte, size)
	_, _ = storetest.Generated(int64(size), seed).ReadAt(b, 0)
	return b
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func write(tb testing.TB, dir, name string, b []byte) string {
	tb.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func at(key string) store.Ref { return store.Ref{Bucket: storetest.Bucket, Key: key} }

func client(tb testing.TB, m *storetest.Memory) *haul.Client {
	return haul.New(m, haul.Options{StateDir: tb.TempDir()})
}

func entries(c *haul.Client, e mirror.End) iter.Seq2[mirror.Entry, error] {
	return mirror.Entries(context.Background(), c, e, mirror.Options{Select: mirror.Select{EmptyOK: true}})
}

// verify gives the findings by name.
func verify(tb testing.TB, c *haul.Client, truth proof.Expected, target iter.Seq2[mirror.Entry, error], o proof.Options) (map[string]proof.Finding, proof.Summary) {
	tb.Helper()
	found, last := map[string]proof.Finding{}, ""
	o.Observe = func(f proof.Finding, _ proof.Counts) {
		if f.Name <= last && len(found) > 0 {
			tb.Errorf("%q comes after %q", f.Name, last)
		}
		found[f.Name], last = f, f.Name
	}
	s, err := proof.Verify(context.Background(), c, truth, target, o)
	if err != nil {
		tb.Fatal(err)
	}
	if truth.Close != nil {
		if err := truth.Close(); err != nil {
			tb.Error(err)
		}
	}
	return found, s
}
