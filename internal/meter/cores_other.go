//go:build !linux

package meter

import "time"

// Cores is not told here.
func Cores() (busy, all time.Duration) { return 0, 0 }
