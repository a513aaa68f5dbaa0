//go:build !linux && !darwin

package rawhttp

import "syscall"

// acked returns the bytes that the other side has acknowledged since c was opened; false if the kernel does not report
// them.
func acked(*countedConn) (int64, bool) { return 0, false }

// unsent returns the bytes that the kernel holds of what was written to c, or 0 if it does not report them.
func unsent(syscall.RawConn) int64 { return 0 }

// AnswerFactor stretches the patience for a response if the kernel does not report unsent bytes: then a request that is
// still leaving looks like one that waits for its response.
const AnswerFactor = 3

// limitAhead is for systems with TCP_NOTSENT_LOWAT.
func limitAhead(syscall.RawConn) {}
