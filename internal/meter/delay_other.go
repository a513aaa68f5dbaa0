//go:build !linux

package meter

import "time"

// Delay returns 0: it is not known on this system.
func Delay() time.Duration { return 0 }
