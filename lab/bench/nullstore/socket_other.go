//go:build !linux

package nullstore

import (
	"io"
	"net"
	"syscall"
)

const dropSize = 1 << 20

// drop reads up to n bytes that have come, and forgets them.
func drop(raw syscall.RawConn, n int64) (int64, error) {
	into := make([]byte, min(n, 256<<10))
	var got int
	var err error
	waited := raw.Read(func(fd uintptr) bool {
		got, err = syscall.Read(int(fd), into)
		return err != syscall.EAGAIN
	})
	switch {
	case waited != nil:
		return 0, waited
	case err != nil:
		return 0, err
	case got == 0:
		return 0, io.ErrUnexpectedEOF
	}
	return int64(got), nil
}

// sendFile sends n bytes of the pattern.
func sendFile(raw syscall.RawConn, p *Pattern, at, n int64) error {
	rest := p.data[at : at+n]
	var err error
	waited := raw.Write(func(fd uintptr) bool {
		for len(rest) > 0 {
			var sent int
			sent, err = syscall.Write(int(fd), rest)
			if err != nil {
				return err != syscall.EAGAIN
			}
			rest = rest[sent:]
		}
		return true
	})
	if waited != nil {
		return waited
	}
	return err
}

func keepSmall(c *net.TCPConn, bytes int) { _ = c.SetReadBuffer(bytes) }

// gone is not known here before something is read or written.
func gone(syscall.RawConn) bool { return false }
