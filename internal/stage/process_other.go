//go:build !unix

package stage

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

// group is the command. Here it is ended without being asked, and what it started goes on.
type group struct{ process *os.Process }

func startGroup(cmd *exec.Cmd, _ *os.File) (*group, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &group{cmd.Process}, nil
}

func outliveUser() func() { return func() {} }

func (p *group) close() {}

func (p *group) signal(os.Signal) { p.kill() }

func (p *group) kill() { _ = p.process.Kill() }

func (p *group) linger(time.Duration, func(string)) {}

// exitOf gives the exit code.
func exitOf(s *os.ProcessState) (code int, name string) {
	if s == nil {
		return 0, ""
	}
	return s.ExitCode(), ""
}

// peakMemory is not told here.
func peakMemory(*os.ProcessState) int64 { return 0 }

func isPipeGone(err error) bool { return errors.Is(err, io.ErrClosedPipe) }

// hasOtherNames is not asked here: an open file cannot be removed.
func hasOtherNames(string) bool { return false }

func makeFIFO(string) error {
	return errors.Join(invalid("a stream as an input needs named pipes"), errors.ErrUnsupported)
}

func readFIFO(path string) (*os.File, error) { return nil, errors.ErrUnsupported }

// SignalNamed knows of one that ends a process at once.
func SignalNamed(name string) (os.Signal, bool) { return os.Kill, name == "KILL" || name == "TERM" }
