package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
)

// ErrReaderGone reports that the reader of standard output, or of a pipe, closed it. Like any tool in a pipe, haul then ends quietly.
var ErrReaderGone = errors.New("the reader of standard output closed it")

// UploadStream uploads standard input, or a stream that has a name. If o has no ExpectedSize and from is a regular file, that is set.
func (s System) UploadStream(ctx context.Context, c *haul.Client, from Location, to store.Ref, o haul.UploadOptions) (haul.Result, error) {
	in, err := s.openSource(ctx, from)
	if err != nil {
		return haul.Result{}, err
	}
	defer in.Close() // only read from
	if o.ExpectedSize == 0 {
		o.ExpectedSize = restOf(in)
	}
	return c.UploadStream(ctx, &source{in, ctx.Err}, to, o)
}

// DownloadStream writes an object to standard output, or to a stream that has a name.
func (s System) DownloadStream(ctx context.Context, c *haul.Client, from store.Ref, to Location, o haul.DownloadOptions) (haul.Result, error) {
	out, err := s.openSink(ctx, to)
	if err != nil {
		return haul.Result{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = out.SetWriteDeadline(time.Unix(1, 0)) })()
	result, err := c.DownloadStream(ctx, from, sink{out}, o)
	return result, errors.Join(err, out.Close())
}

// source reads a stream. If Ctrl-C stopped the writer as well, the end of the stream is not the end of the data.
type source struct {
	io.Reader
	ended func() error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && s.ended() != nil {
		return n, s.ended()
	}
	return n, err
}

// sink writes a stream, and reports a reader that went away by ErrReaderGone.
type sink struct{ io.Writer }

// Write implements io.Writer.
func (s sink) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return n, ErrReaderGone
	}
	return n, err
}

// restOf returns how many bytes are left to read of a regular file, and 0 for anything else.
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

func (s System) openSource(ctx context.Context, l Location) (*os.File, error) {
	if l.Kind == Stream {
		return s.stdin()
	}
	return openStream(ctx, l.Text, os.O_RDONLY)
}

func (s System) openSink(ctx context.Context, l Location) (*os.File, error) {
	if l.Kind == Stream {
		return s.stdout()
	}
	return openStream(ctx, l.Text, os.O_WRONLY|os.O_APPEND) // a file behind /dev/fd/3 has other things in it
}

// stdin returns standard input as a source of data. One that is closed is not an empty file.
func (s System) stdin() (*os.File, error) {
	if isClosed(s.Stdin) {
		return nil, errors.New("standard input is closed; redirect a file or a pipe into it, or </dev/null for empty input")
	}
	return s.Stdin, nil
}

// stdout returns standard output for data, in a form whose writing can be interrupted.
func (s System) stdout() (*os.File, error) {
	if isClosed(s.Stdout) {
		return nil, errors.New("standard output is closed; redirect it to a file or a pipe, or to >/dev/null to discard the data")
	}
	return reopen(s.Stdout), nil
}

// Output is standard output for the bytes of objects. Writing fails once the context that it was opened with ends.
type Output struct {
	sink
	close func() error
}

// OpenOutput opens it.
func (s System) OpenOutput(ctx context.Context) (*Output, error) {
	out, err := s.stdout()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = out.SetWriteDeadline(time.Unix(1, 0)) })
	return &Output{sink{out}, func() error {
		stop()
		return out.Close()
	}}, nil
}

// Close closes it, and reports what could not be written.
func (o *Output) Close() error { return o.close() }

// reopen returns a pipe whose writing can be interrupted while it blocks: the standard streams are shared with other processes and
// must stay as they are, but Linux can open the same pipe once more. Anything else is returned as it is.
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

// openStream opens a FIFO, device or process substitution. A FIFO opens only when its other end does; if ctx ends before that,
// openStream opens the other end itself.
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

// IsStdout reports whether a path is a name of standard output.
func IsStdout(path string) bool {
	switch filepath.Clean(path) {
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return true
	}
	return false
}

// IsStreamTarget reports whether a path is written sequentially and never replaced: a pipe, a device, or a descriptor that another
// program opened.
func IsStreamTarget(path string) bool {
	if IsStdout(path) {
		return true
	}
	fi, err := os.Stat(path)
	if err != nil || fi.IsDir() {
		return false
	}
	dir := filepath.Dir(filepath.Clean(path))
	return !fi.Mode().IsRegular() || dir == "/dev/fd" || dir == "/proc/self/fd" || filepath.Clean(path) == "/dev/stderr"
}

// FileMode returns the mode of a file, and follows links. A file that is not there is a *MissingError.
func FileMode(path string) (fs.FileMode, error) {
	fi, err := os.Stat(path)
	switch {
	case err == nil:
		return fi.Mode(), nil
	case errors.Is(err, fs.ErrNotExist):
		return 0, &MissingError{fmt.Sprintf("no such file: %s", path)}
	}
	return 0, err
}
