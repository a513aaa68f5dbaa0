//go:build !unix

package stage

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

// group is the command. On this system it is killed at once, and what it started keeps running.
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

func (p *group) waitForRest(time.Duration, func(string)) {}

// exitOf returns the exit code.
func exitOf(s *os.ProcessState) (code int, name string) {
	if s == nil {
		return 0, ""
	}
	return s.ExitCode(), ""
}

// peakMemory is not known on this system.
func peakMemory(*os.ProcessState) int64 { return 0 }

func isPipeGone(err error) bool { return errors.Is(err, io.ErrClosedPipe) }

// hasOtherNames is not needed here: an open file cannot be removed.
func hasOtherNames(string) bool { return false }

func makeFIFO(string) error {
	return errors.Join(invalid("a stream as an input needs named pipes"), errors.ErrUnsupported)
}

func readFIFO(path string) (*os.File, error) { return nil, errors.ErrUnsupported }

// SignalNamed knows only the one that kills a process.
func SignalNamed(name string) (os.Signal, bool) { return os.Kill, name == "KILL" || name == "TERM" }
