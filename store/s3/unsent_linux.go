package s3

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent returns the bytes that the kernel holds of what was written to c, or 0 if it does not report them.
func unsent(c syscall.RawConn) int64 {
	var n int
	_ = c.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return int64(n)
}

// answerFactor stretches the patience for an answer if the sending of unsent bytes cannot be observed.
const answerFactor = 1
