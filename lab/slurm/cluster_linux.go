// Package slurm starts a real Slurm cluster for tests, from the programs that the system has (Debian's slurm-wlm and munge): one munged, one
// slurmctld, and three slurmd on this one host, on loopback ports that are free, with all they write in a temporary folder.
//
// The daemons run in the foreground as children of the test, die with it, and are ended by their process IDs. There is no
// accounting and no cgroup: a node n1, n2 or n3 runs one task at a time.
package slurm

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Nodes is the number of nodes.
const Nodes = 3

// Cluster is a running cluster.
type Cluster struct {
	dir  string
	conf string
}

// programs are what it takes; all but those of munge are Slurm's.
var programs = []string{"munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo"}

// Start starts a cluster, and returns when its nodes are idle. It skips the test where a program is missing, or the test is not root's.
func Start(tb testing.TB) *Cluster {
	tb.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			tb.Skipf("no %s here: install slurm-wlm and munge", p)
		}
	}
	if os.Geteuid() != 0 {
		tb.Skip("slurmd starts tasks as root only")
	}
	dir, err := os.MkdirTemp("", "haul-slurm-") // a short path: a socket's name has at most 107 bytes
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cluster{dir: dir, conf: filepath.Join(dir, "slurm.conf")}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := c.configure(); err != nil {
		tb.Fatal(err)
	}
	socket := c.file("munge.sock")
	c.run(tb, "munged", "--foreground", "--force", "--key-file="+c.file("munge.key"), "--socket="+socket,
		"--pid-file="+c.file("munged.pid"), "--log-file="+c.file("munged.log"), "--seed-file="+c.file("munge.seed"))
	c.await(tb, "munged", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	c.run(tb, "slurmctld", "-D", "-f", c.conf)
	for n := range Nodes {
		c.run(tb, "slurmd", "-D", "-f", c.conf, "-N", fmt.Sprintf("n%d", n+1))
	}
	c.await(tb, "the nodes", func() bool {
		out, err := c.Command("sinfo", "--noheader", "--Node", "--format=%T").Output()
		return err == nil && strings.Count(string(out), "idle\n") == Nodes
	})
	return c
}

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

// configure writes the key and slurm.conf.
func (c *Cluster) configure() error {
	key := make([]byte, 128)
	_, _ = rand.Read(key)
	if err := os.WriteFile(c.file("munge.key"), key, 0o600); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	host, _, _ = strings.Cut(host, ".")
	ports, err := freePorts(1 + Nodes)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "ClusterName=haul\nSlurmctldHost=%s(127.0.0.1)\nSlurmctldPort=%d\nSlurmUser=root\n", host, ports[0])
	// A job that is queued again waits until its credential is of no use any more: two minutes, were it not for cred_expire.
	fmt.Fprintf(&b, "AuthType=auth/munge\nAuthInfo=socket=%s,cred_expire=5\nCredType=cred/munge\n", c.file("munge.sock"))
	fmt.Fprintf(&b, "StateSaveLocation=%s\nSlurmdSpoolDir=%s\n", c.file("state"), c.file("spool-%n"))
	fmt.Fprintf(&b, "SlurmctldPidFile=%s\nSlurmdPidFile=%s\n", c.file("slurmctld.pid"), c.file("slurmd-%n.pid"))
	b.WriteString(`ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=2
`)
	for n := range Nodes {
		fmt.Fprintf(&b, "NodeName=n%d NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=1 RealMemory=256\n", n+1, host, ports[1+n])
	}
	fmt.Fprintf(&b, "PartitionName=lab Nodes=n[1-%d] Default=YES MaxTime=INFINITE State=UP\n", Nodes)
	if err := os.Mkdir(c.file("state"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(c.conf, b.Bytes(), 0o600)
}

// freePorts gives ports of the loopback interface that nobody listened on a moment ago.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at once, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// run starts a daemon, which ends with the test.
func (c *Cluster) run(tb testing.TB, program string, args ...string) {
	tb.Helper()
	var mu sync.Mutex
	var said bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Env = c.Env()
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out := writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return said.Write(p)
	})
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if tb.Failed() {
			mu.Lock()
			defer mu.Unlock()
			tb.Logf("%s said:\n%s", program, said.String())
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// await looks until something is so.
func (c *Cluster) await(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	Await(ctx, tb, what, so)
}

// Await looks until something is so, and fails the test when ctx ends before.
func Await(ctx context.Context, tb testing.TB, what string, so func() bool) {
	tb.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			tb.Fatalf("waited in vain for %s: %v", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Env is an environment in which Slurm's programs, and what they start, find the cluster.
func (c *Cluster) Env() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "SLURM_CONF=" + c.conf, "LC_ALL=C.UTF-8"}
}

// Command makes a command of Slurm's, such as scancel.
func (c *Cluster) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = c.Env()
	return cmd
}
