package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"haul.example/haul"
)

// errReaderGone says that whoever read standard output, or a pipe, wants no more. Like any tool in a pipe, haul then ends quietly.
var errReaderGone = errors.New("the reader of the output went away")

// uploadStream sends standard input, or another stream that has a name.
func (a *app) uploadStream(ctx context.Context, c *haul.Client, r copyRequest) (haul.Result, error) {
	in, err := a.openSource(ctx, r.from)
	if err != nil {
		return haul.Result{}, err
	}
	defer in.Close() // only read from
	if r.transfer.ExpectedSize == 0 {
		r.transfer.ExpectedSize = restOf(in)
	}
	return c.UploadStream(ctx, &source{in, ctx.Err}, r.to.ref, r.transfer.Upload())
}

// downloadStream writes to standard output, or to another stream that has a name.
func (a *app) downloadStream(ctx context.Context, c *haul.Client, r copyRequest) (haul.Result, error) {
	out, err := a.openSink(ctx, r.to)
	if err != nil {
		return haul.Result{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = out.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	result, err := c.DownloadStream(ctx, r.from.ref, sink{out}, r.transfer.Download())
	return result, errors.Join(err, out.Close())
}

// source is a stream that does not take the end of a writer that Ctrl-C ended as well for the end of the data.
type source struct {
	io.Reader
	ended func() error
}

// Read reads.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && s.ended() != nil {
		return n, s.ended()
	}
	return n, err
}

// sink tells a reader that went away from any other error.
type sink struct{ io.Writer }

// Write writes.
func (s sink) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return n, errReaderGone
	}
	return n, err
}

// restOf gives how many bytes a regular file still has to give, or 0 where it is none.
func restOf(f *os.File) int64 {
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(0, fi.Size()-at)
}

func (a *app) openSource(ctx context.Context, l location) (*os.File, error) {
	if l.kind == stream {
		return a.sys.in()
	}
	return openStream(ctx, l.text, os.O_RDONLY)
}

func (a *app) openSink(ctx context.Context, l location) (*os.File, error) {
	if l.kind == stream {
		return a.sys.out()
	}
	return openStream(ctx, l.text, os.O_WRONLY|os.O_APPEND) // a file behind /dev/fd/3 has other things in it
}

// in gives standard input as a source of data. One that is closed is no empty file.
func (s System) in() (*os.File, error) {
	if isClosed(s.Stdin) {
		return nil, errors.New("standard input is closed: nothing can be read from it; redirect a file or a pipe into it, or </dev/null for no bytes")
	}
	return s.Stdin, nil
}

// out gives standard output for data, in a form whose writing can be ended.
func (s System) out() (*os.File, error) {
	if isClosed(s.Stdout) {
		return nil, errors.New("standard output is closed: the data has nowhere to go; redirect it into a file or a pipe, or to >/dev/null to drop it")
	}
	return reopen(s.Stdout), nil
}

// reopen gives a pipe whose writing can be ended while it blocks: the standard streams are shared with other processes and must
// stay as they are, but Linux lets us open the same pipe once more. Anything else is given back as it is.
func reopen(f *os.File) *os.File {
	fi, err := f.Stat()
	if err != nil || fi.Mode()&os.ModeNamedPipe == 0 || runtime.GOOS != "linux" {
		return f
	}
	again, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return f
	}
	return again
}

// openStream opens a FIFO, device or process substitution. A FIFO opens only when its other end does; where ctx ends before,
// we are the other end ourselves.
func openStream(ctx context.Context, path string, flag int) (*os.File, error) {
	var other *os.File
	release := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(release)
		if fi, err := os.Stat(path); err == nil && fi.Mode()&os.ModeNamedPipe != 0 {
			other, _ = os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		}
	})
	f, err := os.OpenFile(path, flag, 0)
	if stop() {
		return f, err
	}
	<-release
	if other != nil {
		err = errors.Join(err, other.Close())
	}
	if f != nil {
		err = errors.Join(err, f.Close())
	}
	return nil, errors.Join(context.Cause(ctx), err)
}

// isStdout tells the names of standard output.
func isStdout(path string) bool {
	switch filepath.Clean(path) {
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return true
	}
	return false
}

// isStreamTarget tells what is written in order and never replaced: a pipe, a device, or a descriptor that another program opened.
func isStreamTarget(path string) bool {
	if isStdout(path) {
		return true
	}
	fi, err := os.Stat(path)
	if err != nil || fi.IsDir() {
		return false
	}
	dir := filepath.Dir(filepath.Clean(path))
	return !fi.Mode().IsRegular() || dir == "/dev/fd" || dir == "/proc/self/fd" || filepath.Clean(path) == "/dev/stderr"
}
