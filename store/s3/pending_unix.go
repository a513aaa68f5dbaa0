//go:build unix

package s3

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pending reports whether bytes, or the end, wait to be read from a connection. It is called after every slice of a body,
// so its arguments are made once.
type pending struct {
	raw   syscall.RawConn
	look  func(fd uintptr)
	waits bool
}

func newPending(c syscall.RawConn) *pending {
	p := &pending{raw: c}
	p.look = func(fd uintptr) {
		fds := [...]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds[:], 0)
		p.waits = err == nil && n > 0
	}
	return p
}

func (p *pending) now() bool {
	p.waits = false
	return p.raw.Control(p.look) == nil && p.waits
}
