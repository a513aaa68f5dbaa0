//go:build unix

package meter

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU time that this process has used so far, in user and system mode; 0 if the system does not report it.
func CPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
