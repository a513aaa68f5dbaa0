package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/lab/built"
)

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
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "peak %d\n", cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss*1024) // Linux counts in KiB
}

// measure is what a run of haul took.
type measure struct {
	peak int64 // of memory, in bytes
	took time.Duration
}

// measured runs haul, which must end well.
func (b *bench) measured(stdin io.Reader, stdout io.Writer, args ...string) (m measure) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, append(args, "--endpoint-url", b.server.URL)...)
	home := b.TempDir()
	cmd.Env = []string{
		measuring + "=" + built.Haul(b), "PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home,
		"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_EC2_METADATA_DISABLED=true",
	}
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &said
	began := time.Now()
	err = cmd.Run()
	m.took = time.Since(began)
	lines := bytes.Split(bytes.TrimSpace(said.Bytes()), []byte("\n"))
	if _, scan := fmt.Sscanf(string(lines[len(lines)-1]), "peak %d", &m.peak); err != nil || scan != nil {
		b.Fatalf("haul %v: %v\n%s", args, err, &said)
	}
	return m
}
