package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"haul.example/haul/lab/bench/nullstore"
)

// Sample is what one run of one tool took.
type Sample struct {
	Wall float64 `json:"wall_s"`
	User float64 `json:"user_s"`
	Sys  float64 `json:"sys_s"`
	// RSS is the peak of the resident memory, in MiB.
	RSS   float64         `json:"rss_mib"`
	Stats nullstore.Stats `json:"endpoint"`
}

// CPU is user and system time, in seconds.
func (s Sample) CPU() float64 { return s.User + s.Sys }

// Bytes is how much crossed the wire, both ways.
func (s Sample) Bytes() int64 { return s.Stats.BytesIn + s.Stats.BytesOut }

// runError says how a tool failed, with the end of what it said.
type runError struct {
	err  error
	said string
}

func (e *runError) Error() string {
	return fmt.Sprintf("%v: %s", e.err, strings.TrimSpace(e.said))
}

func (e *runError) Unwrap() error { return e.err }

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 2048
	t.text = append(t.text, b...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(b), nil
}

// spend runs a command to its end on the core for clients, within a time, and measures it.
func (b *bench) spend(ctx context.Context, limit time.Duration, args, env []string) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Dir = env, b.home
	said := &tail{}
	cmd.Stderr = said
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	if err := startOn(cmd, b.clientCore); err != nil {
		return Sample{}, err
	}
	stop := make(chan struct{})
	high := make(chan int64)
	go func() { high <- watchMemory(cmd.Process.Pid, stop) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(stop)
	watched := <-high
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return Sample{Wall: took.Seconds()}, &runError{err, string(said.text)}
	}
	s := Sample{Wall: took.Seconds(), User: cmd.ProcessState.UserTime().Seconds(), Sys: cmd.ProcessState.SystemTime().Seconds()}
	peak := watched
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		// The kernel begins a child's peak with that of its parent, this driver: below that it says nothing.
		if rss := int64(u.Maxrss) * rssUnit; rss > ownPeak() || watched == 0 {
			peak = max(rss, watched)
		}
	}
	s.RSS = float64(peak) / (1 << 20)
	return s, nil
}

// watchMemory looks at the peak of a process's memory until stop is closed: often at first, for the sake of short runs, then seldom.
func watchMemory(pid int, stop <-chan struct{}) int64 {
	const seldom = 20 * time.Millisecond
	every := time.Millisecond
	tick := time.NewTimer(every)
	defer tick.Stop()
	path := fmt.Sprintf("/proc/%d/status", pid)
	var most int64
	for {
		most = max(most, peakOf(path))
		select {
		case <-stop:
			return most
		case <-tick.C:
			every = min(every*5/4, seldom)
			tick.Reset(every)
		}
	}
}

func ownPeak() int64 { return peakOf("/proc/self/status") }

// peakOf reads VmHWM, in bytes; 0 where there is none.
func peakOf(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	var buf [4096]byte
	n, err := io.ReadFull(f, buf[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0
	}
	kb, _ := kilobytes(buf[:n], "VmHWM:")
	return kb << 10
}

// kilobytes finds a line such as "VmHWM:   123 kB".
func kilobytes(text []byte, name string) (int64, error) {
	_, after, ok := bytes.Cut(text, []byte(name))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	words := bytes.Fields(line)
	if !ok || len(words) == 0 {
		return 0, fmt.Errorf("no %s", name)
	}
	return strconv.ParseInt(string(words[0]), 10, 64)
}

// memInfo reads a line of /proc/meminfo, in bytes.
func memInfo(name string) (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	kb, err := kilobytes(text, name)
	return kb << 10, err
}
