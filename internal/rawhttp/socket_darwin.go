package rawhttp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acked returns the bytes that the other side has acknowledged since c was opened: what was written, but for what the
// kernel still holds. While a write waits for room, that is up to a write less than it is.
func acked(c *countedConn) (int64, bool) {
	if c.raw == nil {
		return 0, false
	}
	return max(0, c.out.Load()-unsent(c.raw)), true
}

// unsent returns the bytes in the send buffer of c, which keeps them until they are acknowledged; 0 if the kernel does not
// report them.
func unsent(c syscall.RawConn) int64 {
	var n int
	_ = c.Control(func(fd uintptr) { n, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NWRITE) })
	return int64(n)
}

// AnswerFactor is as on systems that do not report unsent bytes (socket_other.go): it has not been tried here.
const AnswerFactor = 3

// limitAhead does nothing: a socket has a small send buffer here, which grows with what the link needs.
func limitAhead(syscall.RawConn) {}
