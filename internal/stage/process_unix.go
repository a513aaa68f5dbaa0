//go:build unix

package stage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// groupPoll is how often a group is checked for its end.
const groupPoll = 20 * time.Millisecond

// group is the command and what it starts, as long as that stays in its process group.
type group struct {
	pid      int
	terminal *os.File // whose foreground it is; nil: none
	passed   chan os.Signal
	passing  sync.WaitGroup
}

// startGroup starts a command in a group of its own, which gets the terminal if stdin is one, and SIGUSR1 and SIGUSR2 if this process
// gets them.
func startGroup(cmd *exec.Cmd, stdin *os.File) (*group, error) {
	adoptOrphans()
	p := &group{passed: make(chan os.Signal, 2)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if stdin != nil && hasForeground(stdin) {
		p.terminal = stdin
		cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, int(stdin.Fd())
	}
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE) // so that a closed output is an error here, and does not kill this process
	if err := cmd.Start(); err != nil {
		p.takeTerminal()
		return nil, err
	}
	p.pid = cmd.Process.Pid
	hearUser(p.passed)
	p.passing.Go(func() {
		for s := range p.passed {
			p.signal(s)
		}
	})
	return p, nil
}

// hasForeground reports whether a file is a terminal, and this process in its foreground: what a shell runs in its background does not
// take the terminal from it.
func hasForeground(f *os.File) bool {
	if !term.IsTerminal(int(f.Fd())) {
		return false
	}
	front, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && front == unix.Getpgrp()
}

// hearUser sends SIGUSR1 and SIGUSR2 to c, unless this process was started with them ignored.
func hearUser(c chan<- os.Signal) {
	for _, s := range []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
}

// outliveUser keeps them from killing this process, until the func is called.
func outliveUser() func() {
	c := make(chan os.Signal, 1)
	hearUser(c)
	return func() { signal.Stop(c) }
}

// close stops passing signals on, and takes the terminal back.
func (p *group) close() {
	signal.Stop(p.passed)
	close(p.passed)
	p.passing.Wait()
	p.takeTerminal()
}

func (p *group) takeTerminal() {
	if p.terminal == nil {
		return
	}
	signal.Ignore(syscall.SIGTTOU) // or it would stop this process, which is in the background now
	defer signal.Reset(syscall.SIGTTOU)
	_ = unix.IoctlSetPointerInt(int(p.terminal.Fd()), unix.TIOCSPGRP, unix.Getpgrp())
}

// signal sends a signal to all of the group; nil is SIGTERM.
func (p *group) signal(s os.Signal) {
	n, ok := s.(syscall.Signal)
	if !ok {
		n = syscall.SIGTERM
	}
	_ = syscall.Kill(-p.pid, n)
	_ = syscall.Kill(-p.pid, syscall.SIGCONT) // a stopped process handles no other signal
}

func (p *group) kill() { _ = syscall.Kill(-p.pid, syscall.SIGKILL) }

// waitForRest waits, after the command has ended, for the rest of the group, and kills it if that takes too long: a shell leaves
// processes running after its own end, such as >(gzip > a.gz).
func (p *group) waitForRest(grace time.Duration, note func(string)) {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	tick := time.NewTicker(groupPoll)
	defer tick.Stop()
	for p.isThere() {
		select {
		case <-tick.C:
		case <-timer.C:
			note("the command has exited; killing the processes that it left running")
			p.kill()
			timer.Reset(grace)
		}
	}
}

func (p *group) isThere() bool {
	for {
		pid, err := unix.Wait4(-p.pid, nil, unix.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) || err == nil && pid > 0 {
			continue
		}
		return syscall.Kill(-p.pid, 0) == nil
	}
}

// exitOf returns the exit code as a shell has it, and the signal that killed it.
func exitOf(s *os.ProcessState) (code int, name string) {
	if s == nil {
		return 0, ""
	}
	w, ok := s.Sys().(syscall.WaitStatus)
	if ok && w.Signaled() {
		return 128 + int(w.Signal()), unix.SignalName(w.Signal())
	}
	return s.ExitCode(), ""
}

// peakMemory is the most that the command, or one process that it waited for, had in memory, in bytes.
func peakMemory(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin", runtime.GOOS == "ios": // in bytes there, see getrusage(2)
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

func isPipeGone(err error) bool { return errors.Is(err, syscall.EPIPE) }

// hasOtherNames reports whether a file has more than one name: a run has it as an input.
func hasOtherNames(path string) bool {
	fi, err := os.Lstat(path)
	if err != nil {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Nlink > 1
}

func makeFIFO(path string) error {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return fmt.Errorf("make the pipe %s: %w", path, err)
	}
	return nil
}

// readFIFO opens a FIFO for reading, which unblocks an open for writing.
func readFIFO(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// SignalNamed returns the signal of a name such as TERM or SIGINT.
func SignalNamed(name string) (os.Signal, bool) {
	for _, prefix := range []string{"", "SIG"} {
		if s := unix.SignalNum(prefix + name); s != 0 {
			return s, true
		}
	}
	return nil, false
}
