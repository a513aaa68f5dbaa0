package s3

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// sendAhead is how many bytes of an upload a socket accepts beyond those that are in flight. More of them make nothing
// faster, since the kernel keeps a whole congestion window apart from these; but they would count as moved although they
// are not, and be sent for nothing when a try is cut or a run is killed.
const sendAhead = 256 << 10

// limitAhead sets TCP_NOTSENT_LOWAT, which is advice: if the kernel does not support it, sockets accept more.
func limitAhead(c syscall.RawConn) {
	_ = c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, sendAhead)
	})
}
