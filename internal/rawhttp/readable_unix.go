//go:build unix

package rawhttp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// readable reports whether bytes, or the end, wait to be read from a connection. It is called after every slice of a body,
// so its arguments are made once.
type readable struct {
	raw   syscall.RawConn
	look  func(fd uintptr)
	waits bool
}

func newReadable(c syscall.RawConn) *readable {
	r := &readable{raw: c}
	r.look = func(fd uintptr) {
		fds := [...]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds[:], 0)
		r.waits = err == nil && n > 0
	}
	return r
}

func (r *readable) now() bool {
	r.waits = false
	return r.raw.Control(r.look) == nil && r.waits
}
