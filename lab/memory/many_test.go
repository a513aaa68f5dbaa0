package memory_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"haul/lab/built"
	"haul/store"
	"haul/store/storetest"
)

func count() int {
	if os.Getenv("HAUL_BIG") != "" {
		return 1_000_000
	}
	return 200_000
}

// TestManyObjects lists, counts and deletes many objects. What haul takes must not grow with their number.
func TestManyObjects(t *testing.T) {
	b := newBench(t)
	for i := range count() {
		b.memory.Make(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("runs/%03d/%06d.fastq.gz", i/1000, i)}, storetest.Generated(0, 0), storetest.Made{})
	}
	const most = 80 * mib
	for _, args := range [][]string{
		{"ls", "--recursive", "s3://bucket"}, {"ls", "--json", "--recursive", "s3://bucket/runs/"}, {"ls", "s3://bucket/runs/"},
		{"du", "--max-depth", "2", "s3://bucket"}, {"rm", "--recursive", "--dryrun", "s3://bucket"}, {"rm", "--recursive", "s3://bucket"},
	} {
		lines, peak, took := b.measured(args...)
		t.Logf("haul %v: %d lines, peak memory %d MiB, %s in all", args, lines, peak/mib, took.Round(time.Second/10))
		if peak > most {
			t.Errorf("haul %v: peak memory is %d MiB, over %d", args, peak/mib, most/mib)
		}
	}
	if left := b.memory.Keys(storetest.Bucket, ""); len(left) > 0 {
		t.Errorf("%d objects are left", len(left))
	}
}

// measuring names the program that a process of this test runs and measures, in place of the tests.
const measuring = "HAUL_LAB_MEASURE"

// TestMain lets a small process start haul: Linux counts what the starting process holds as a peak of the started one, and this
// test holds the store.
func TestMain(m *testing.M) {
	program := os.Getenv(measuring)
	if program == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "peak %d\n", cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss*1024) // Linux counts in KiB
}

// measured runs haul, and gives how many lines it wrote, its peak memory in bytes, and how long it took.
func (b *bench) measured(args ...string) (lines int, peak int64, took time.Duration) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, append(args, "--endpoint-url", b.server.URL)...)
	cmd.Env = []string{
		measuring + "=" + built.Haul(b), "PATH=" + os.Getenv("PATH"), "HOME=" + b.TempDir(),
		"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_EC2_METADATA_DISABLED=true",
	}
	counted, said := &lineCount{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = counted, said
	began := time.Now()
	err = cmd.Run()
	if _, scan := fmt.Sscanf(said.String(), "peak %d", &peak); err != nil || scan != nil {
		b.Fatalf("haul %v: %v\n%s", args, err, said)
	}
	return counted.n, peak, time.Since(began)
}

// lineCount counts lines and forgets them.
type lineCount struct{ n int }

func (c *lineCount) Write(b []byte) (int, error) {
	for _, x := range b {
		if x == '\n' {
			c.n++
		}
	}
	return len(b), nil
}
