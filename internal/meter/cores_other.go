//go:build !linux

package meter

import "time"

// Cores returns 0: it is not known on this system.
func Cores() (busy, all time.Duration) { return 0, 0 }
