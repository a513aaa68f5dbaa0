//go:build !unix

package rawhttp

import "syscall"

// readable is not supported on this system.
type readable struct{}

func newReadable(syscall.RawConn) *readable { return &readable{} }

func (*readable) now() bool { return false }
