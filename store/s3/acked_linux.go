package s3

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acked returns the bytes that the other side has acknowledged since c was opened; false if the kernel does not report
// them.
func acked(c syscall.RawConn) (n int64, ok bool) {
	if c == nil {
		return 0, false
	}
	err := c.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if ok = err == nil && info.Bytes_acked > 0; ok {
			n = int64(info.Bytes_acked)
		}
	})
	return n, ok && err == nil
}
