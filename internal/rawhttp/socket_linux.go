package rawhttp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acked returns the bytes that the other side has acknowledged since c was opened; false if the kernel does not report
// them.
func acked(c *countedConn) (n int64, ok bool) {
	if c.raw == nil {
		return 0, false
	}
	err := c.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if ok = err == nil && info.Bytes_acked > 0; ok {
			n = int64(info.Bytes_acked)
		}
	})
	return n, ok && err == nil
}

// unsent returns the bytes that the kernel holds of what was written to c, or 0 if it does not report them.
func unsent(c syscall.RawConn) int64 {
	var n int
	_ = c.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return int64(n)
}

// AnswerFactor stretches the patience for a response if the kernel does not report unsent bytes: then a request that is
// still leaving looks like one that waits for its response.
const AnswerFactor = 1

// sendAhead is how many bytes of an upload a socket accepts beyond those that are in flight. More of them make nothing
// faster, since the kernel keeps a whole congestion window apart from these; but they would count as moved although they
// are not, and be sent for nothing when an attempt is cut or a run is killed (doc/performance.md, How many connections).
const sendAhead = 256 << 10

// limitAhead sets TCP_NOTSENT_LOWAT, which is advice: if the kernel does not support it, sockets accept more.
func limitAhead(c syscall.RawConn) {
	_ = c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, sendAhead)
	})
}
