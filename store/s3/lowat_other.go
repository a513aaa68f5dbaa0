//go:build !linux

package s3

import "syscall"

// limitAhead is for systems with TCP_NOTSENT_LOWAT.
func limitAhead(syscall.RawConn) {}
