package memory_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"haul/lab/built"
	"haul/store"
	"haul/store/storetest"
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
	server *storetest.Server
}

func newBench(t *testing.T) *bench {
	m := storetest.New(storetest.For(t), storetest.Discard())
	return &bench{T: t, memory: m, server: storetest.Serve(t, m)}
}

// haul runs the program and checks its peak memory.
func (b *bench) haul(stdin io.Reader, args ...string) {
	b.Helper()
	cmd := exec.Command(built.Haul(b), append(args, "--endpoint-url", b.server.URL)...)
	home := b.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_EC2_METADATA_DISABLED=true"}
	cmd.Stdin = stdin
	var said bytes.Buffer
	cmd.Stderr = &said
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("haul %v: %v\n%s", args, err, said.String())
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024 // Linux counts in KiB
	b.Logf("peak memory %d MiB, %s CPU, %s in all\n%s", peak/mib, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Second/10), time.Since(began).Round(time.Second/10), out)
	if peak > budget+beside {
		b.Errorf("peak memory is %d MiB, over %d", peak/mib, (budget+beside)/mib)
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
