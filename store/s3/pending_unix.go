//go:build unix

package s3

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pending tells whether bytes, or the end, wait to be read from c.
func pending(c syscall.RawConn) bool {
	waits := false
	_ = c.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		waits = err == nil
	})
	return waits
}
