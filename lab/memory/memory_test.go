package memory_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

const (
	mib    = 1 << 20
	budget = 128 * mib // haul's default for buffers
	beside = 40 * mib  // what the rest of the process may take
)

func size() int64 {
	if os.Getenv("HAUL_BIG") != "" {
		return 50 << 30
	}
	return 3 << 30
}

var object = store.Ref{Bucket: storetest.Bucket, Key: "huge.bam"}

// bench is a store that keeps nothing, and a haul to run against it.
type bench struct {
	*testing.T
	memory *storetest.Memory
	server *s3server.Server
}

func newBench(t *testing.T) *bench {
	m := storetest.New(storetest.For(t), storetest.Discard())
	return &bench{T: t, memory: m, server: s3server.Serve(t, m)}
}

// haul runs the program and checks its peak memory.
func (b *bench) haul(stdin io.Reader, args ...string) {
	b.Helper()
	var out bytes.Buffer
	m := b.measured(stdin, &out, args...)
	b.Logf("peak memory %d MiB, %s in all\n%s", m.peak/mib, m.took.Round(time.Second/10), &out)
	if m.peak > budget+beside {
		b.Errorf("peak memory is %d MiB, over %d", m.peak/mib, (budget+beside)/mib)
	}
}

func TestSparseFile(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(t.TempDir(), "huge.bam")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size()); err != nil {
		t.Fatal(err)
	}
	b.haul(nil, "cp", path, "s3://bucket/")
	if got := b.memory.Object(object).Size; got != size() {
		t.Errorf("stored %d bytes, want %d", got, size())
	}
}

func TestStreamUp(t *testing.T) {
	b := newBench(t)
	content := storetest.Generated(size(), 1)
	b.haul(content.Section(), "cp", "-", "s3://bucket/huge.bam")
	if got := b.memory.Object(object).Size; got != size() {
		t.Errorf("stored %d bytes, want %d", got, size())
	}
}

func TestStreamDown(t *testing.T) {
	b := newBench(t)
	b.memory.Make(object, storetest.Generated(size(), 1), storetest.Made{Parts: []int64{8 * mib}})
	b.haul(nil, "cp", "s3://bucket/huge.bam", "/dev/null")
}
