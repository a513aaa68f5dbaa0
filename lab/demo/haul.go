package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/link"
)

// program is the haul binary with the environment that it runs in.
type program struct {
	path string
	dir  string
	env  []string
}

func newProgram(path, work, url string) program {
	e := endpoint.Endpoint{URL: url, AccessKey: accessKey, SecretKey: secretKey}
	return program{path: path, dir: filepath.Join(work, "work"), env: e.Env(filepath.Join(work, "home"))}
}

// run runs haul to its end, shows what it says, and gives that and the time it took.
func (p program) run(ctx context.Context, args ...string) (string, time.Duration, error) {
	said := &shown{}
	cmd := p.command(ctx, said, args)
	began := time.Now()
	err := cmd.Run()
	said.end()
	if err != nil {
		err = fmt.Errorf("haul %s: %w", strings.Join(args, " "), err)
	}
	return said.all.String(), time.Since(began), err
}

// errTooFast is in the chain of an error when haul ended before it could be killed.
var errTooFast = errors.New("haul ended before it was killed")

// killed runs haul, and kills it with SIGKILL when n bytes have passed.
func (p program) killed(ctx context.Context, f *link.Flow, n int64, args ...string) (time.Duration, error) {
	reached, mark := context.WithCancel(ctx)
	defer mark()
	said := &shown{}
	cmd := p.command(ctx, said, args)
	f.At(n, mark)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		said.end()
		return 0, errors.Join(errTooFast, err)
	case <-reached.Done():
	}
	_ = cmd.Process.Kill()
	took := time.Since(began)
	var exit *exec.ExitError
	err := <-ended
	said.end()
	if !errors.As(err, &exit) {
		return 0, errors.Join(errTooFast, err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() != syscall.SIGKILL {
		return 0, fmt.Errorf("haul ended with %v, not by the kill", exit)
	}
	return took, ctx.Err()
}

// errNotStopped is in the chain of an error when haul did not end as Ctrl-C asks it to.
var errNotStopped = errors.New("haul was not stopped by Ctrl-C")

// stopped runs haul, presses Ctrl-C after a while, and gives what it says.
func (p program) stopped(ctx context.Context, after time.Duration, args ...string) (string, error) {
	said := &shown{}
	cmd := p.command(ctx, said, args)
	if err := cmd.Start(); err != nil {
		return "", err
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(os.Interrupt) })
	defer timer.Stop()
	err := cmd.Wait()
	said.end()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		return "", errors.Join(errNotStopped, err)
	}
	return said.all.String(), ctx.Err()
}

func (p program) command(ctx context.Context, out *shown, args []string) *exec.Cmd {
	fmt.Printf("     $ haul %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

// shown prints what haul says, line by line, set off from the story, and keeps it.
type shown struct {
	all  bytes.Buffer
	line []byte
}

// Write is called by one goroutine, since it takes both streams.
func (s *shown) Write(b []byte) (int, error) {
	s.all.Write(b)
	s.line = append(s.line, b...)
	for {
		i := bytes.IndexByte(s.line, '\n')
		if i < 0 {
			return len(b), nil
		}
		fmt.Printf("     | %s\n", s.line[:i])
		s.line = s.line[i+1:]
	}
}

func (s *shown) end() {
	if len(s.line) > 0 {
		fmt.Printf("     | %s\n", s.line)
		s.line = nil
	}
}
