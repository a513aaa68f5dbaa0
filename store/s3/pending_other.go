//go:build !unix

package s3

import "syscall"

// pending cannot be told here.
type pending struct{}

func newPending(syscall.RawConn) *pending { return &pending{} }

func (*pending) now() bool { return false }
