//go:build !unix

package s3

import "syscall"

// pending is not supported on this system.
type pending struct{}

func newPending(syscall.RawConn) *pending { return &pending{} }

func (*pending) now() bool { return false }
