package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/internal/amount"
)

// mostEnv is how many inputs have a variable of their own: the environment is bounded.
const mostEnv = 100

// findCommand refuses a command that is not a program here, before anything is fetched, and records one that is named by a path. Such
// a path is searched in the work folder first, since it may be an input, and then in the user's working directory.
func (r *run) findCommand() error {
	if len(r.Command) == 0 {
		return invalid("there is no command")
	}
	name := r.Command[0]
	if filepath.Base(name) == name {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: %s is not in PATH", ErrNotFound, name)
		}
		return nil
	}
	program, err := hashFile(r.fromHere(name))
	switch {
	case err == nil:
		r.record.Program = program
	case filepath.IsAbs(name):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return nil
}

// hashFile is hash of what is in a file, which may be a container of gigabytes.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // only read from
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// fromHere returns a path relative to the user's working directory.
func (r *run) fromHere(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.From, path)
}

// checkProgram refuses a command that is neither here nor among the inputs.
func (r *run) checkProgram() error {
	name := r.Command[0]
	if r.record.Program != "" || filepath.Base(name) == name || filepath.IsAbs(name) {
		return nil
	}
	for _, it := range r.items {
		if it.rel == filepath.ToSlash(filepath.Clean(name)) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s is neither in %s nor among the inputs", ErrNotFound, name, r.From)
}

// program returns the path of the command's program, once the inputs are there.
func (r *run) program() (string, error) {
	name := r.Command[0]
	if filepath.Base(name) == name {
		return exec.LookPath(name)
	}
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, path := range []string{filepath.Join(r.folder.work(), name), filepath.Join(r.From, name)} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s is neither in the work folder nor in %s", ErrNotFound, name, r.From)
}

// expand replaces {workdir}, {in.N}, {out} and {out.N} by paths. Other braces stay.
func (r *run) expand() ([]string, error) {
	words := make([]string, len(r.Command))
	var bad error
	for i, word := range r.Command {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(word, "{")
			b.WriteString(before)
			if !found {
				break
			}
			name, after, closed := strings.Cut(rest, "}")
			path, ok, err := r.named(name)
			if bad == nil {
				bad = err
			}
			if !closed || !ok {
				b.WriteByte('{')
				word = rest
				continue
			}
			b.WriteString(path)
			word = after
		}
		words[i] = b.String()
	}
	return words, bad
}

// named returns the path that a placeholder stands for.
func (r *run) named(name string) (path string, ok bool, err error) {
	kind, number, numbered := strings.Cut(name, ".")
	n, nerr := strconv.Atoi(number)
	switch {
	case name == "workdir":
		return r.folder.work(), true, nil
	case name == "out":
		n, numbered, nerr = 0, true, nil
	case kind != "in" && kind != "out" || !numbered || nerr != nil:
		return "", false, nil
	}
	switch {
	case n >= 0 && kind == "in" && n < len(r.Inputs):
		return r.folder.file(r.Inputs[n].place()), true, nil
	case n >= 0 && kind == "out" && n < len(r.Outputs):
		return r.folder.file(r.Outputs[n].fixed()), true, nil
	}
	return "", true, invalid("{%s} stands for nothing: there are %s and %s, counted from 0", name, amount.Count(len(r.Inputs), "input"), amount.Count(len(r.Outputs), "output"))
}

// environment is the command's.
func (r *run) environment() []string {
	env := append([]string(nil), r.Env...)
	env = append(env, workVariable+"="+r.folder.work())
	for i := range min(len(r.Inputs), mostEnv) {
		env = append(env, fmt.Sprintf("HAUL_IN_%d=%s", i, r.folder.file(r.Inputs[i].place())))
	}
	for i := range min(len(r.Outputs), mostEnv) {
		path := r.folder.file(r.Outputs[i].fixed())
		if i == 0 {
			env = append(env, "HAUL_OUT="+path)
		}
		env = append(env, fmt.Sprintf("HAUL_OUT_%d=%s", i, path))
	}
	return env
}

// workVariable has the work folder, for the command, and for a later run to find processes that an earlier command left behind.
const workVariable = "HAUL_WORKDIR"

// execute runs the command to its end, and records its resources. The error is an *ExitError, or why the command did not start, or
// the error of a stream; after the end of ctx it has no meaning.
func (r *run) execute(ctx context.Context) error {
	words, err := r.expand()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Args: words, Dir: r.folder.work(), Env: r.environment(), Stdin: r.Stdin, WaitDelay: r.Grace}
	if cmd.Path, err = r.program(); err != nil {
		return err
	}
	logs, err := r.logs(cmd)
	if err != nil {
		return err
	}
	ctx, spoil := context.WithCancelCause(ctx)
	defer spoil(nil)
	streams, err := r.openStreams(ctx, spoil)
	if err != nil {
		return errors.Join(err, logs.Close())
	}
	r.record.Began = time.Now().UTC()
	err = r.runCommand(ctx, cmd)
	r.record.Ended = time.Now().UTC()
	if cmd.ProcessState == nil { // it did not start
		r.record.Began, r.record.Ended = time.Time{}, time.Time{}
	} else {
		r.measure(cmd.ProcessState)
	}
	return errors.Join(err, streams(), logs.Close())
}

// runCommand starts the command, and waits until it ends, or stops it when ctx ends.
func (r *run) runCommand(ctx context.Context, cmd *exec.Cmd) error {
	p, err := startGroup(cmd, r.Stdin)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	defer p.close()
	defer r.Report.Last(p.kill)()
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	select {
	case err = <-waited:
	case <-ctx.Done():
		r.stopCommand(ctx, p, waited)
		p.waitForRest(r.Grace, r.Report.Note)
		return context.Cause(ctx)
	}
	p.waitForRest(r.Grace, r.Report.Note)
	var exit *exec.ExitError
	if code, signal := exitOf(cmd.ProcessState); code != 0 {
		return &ExitError{Code: code, Signal: signal}
	} else if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) && !isPipeGone(err) {
		return fmt.Errorf("wait for the command: %w", err)
	}
	return nil
}

// stopCommand asks the command to stop, and kills it after Grace.
func (r *run) stopCommand(ctx context.Context, p *group, waited <-chan error) {
	r.Report.Note(fmt.Sprintf("%v: asked the command to stop; it has %s", context.Cause(ctx), r.Grace))
	p.signal(r.Signal)
	timer := time.NewTimer(r.Grace)
	defer timer.Stop()
	select {
	case <-waited:
	case <-timer.C:
		r.Report.Note("the time is over; killing the command")
		p.kill()
		<-waited
	}
}

func (r *run) measure(s *os.ProcessState) {
	rec := &r.record
	rec.Code, rec.Signal = exitOf(s)
	rec.Times.Wall = seconds(rec.Ended.Sub(rec.Began))
	rec.Times.User, rec.Times.System = seconds(s.UserTime()), seconds(s.SystemTime())
	rec.Memory, rec.Disk = peakMemory(s), r.folder.size()
}

// logs sets the command's outputs, which are saved in the work folder as well.
func (r *run) logs(cmd *exec.Cmd) (io.Closer, error) {
	cmd.Stdout, cmd.Stderr = r.Stdout, r.Stderr
	if r.NoLogs {
		return closers(nil), nil
	}
	var files closers
	for _, l := range []struct {
		name string
		to   *os.File
		set  *io.Writer
	}{{logOut, r.Stdout, &cmd.Stdout}, {logErr, r.Stderr, &cmd.Stderr}} {
		f, err := os.Create(r.folder.file(l.name))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("keep the command's output: %w", err), files.Close())
		}
		files = append(files, f)
		*l.set = &tee{to: l.to, log: f, note: r.Report.Note}
	}
	return files, nil
}

type closers []*os.File

// Close closes all.
func (c closers) Close() error {
	var err error
	for _, f := range c {
		err = errors.Join(err, f.Close())
	}
	return err
}

// tee writes the command's output to its destination, and to a log as long as that can be written. If the destination is closed, the
// command gets the error.
type tee struct {
	to, log *os.File
	note    func(string)
	mute    bool // the log could not be written
}

// Write writes to both.
func (t *tee) Write(p []byte) (int, error) {
	if !t.mute {
		if _, err := t.log.Write(p); err != nil {
			t.mute = true
			t.note(fmt.Sprintf("the command's output is no longer saved: %v", err))
		}
	}
	return t.to.Write(p)
}
