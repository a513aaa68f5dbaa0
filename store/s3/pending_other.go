//go:build !unix

package s3

import "syscall"

// pending cannot be told here.
func pending(syscall.RawConn) bool { return false }
