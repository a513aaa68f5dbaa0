package nullstore

import (
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// dropSize is how much one system call may throw away.
const dropSize = 1 << 20

// nowhere is where recv is told to put what it throws away. With MSG_TRUNC it never writes there.
var nowhere = make([]byte, dropSize)

// drop throws away up to n bytes that have come, in the kernel, waiting for the first of them.
func drop(raw syscall.RawConn, n int64) (int64, error) {
	var got int
	var err error
	waited := raw.Read(func(fd uintptr) bool {
		for {
			got, _, err = unix.Recvfrom(int(fd), nowhere[:min(n, dropSize)], unix.MSG_TRUNC)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
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

// sendFile sends n bytes of a file from its page cache.
func sendFile(raw syscall.RawConn, p *Pattern, at, n int64) error {
	file := int(p.file.Fd())
	var err error
	waited := raw.Write(func(fd uintptr) bool {
		for n > 0 {
			var sent int
			sent, err = unix.Sendfile(int(fd), file, &at, int(n))
			switch {
			case err == unix.EINTR:
			case err == unix.EAGAIN:
				return false
			case err != nil:
				return true
			case sent == 0:
				err = io.ErrUnexpectedEOF
				return true
			}
			n -= int64(max(sent, 0))
		}
		return true
	})
	if waited != nil {
		return waited
	}
	return err
}

// keepSmall makes the receive buffer of a connection so small that the sender feels it when nobody reads.
func keepSmall(c *net.TCPConn, bytes int) { _ = c.SetReadBuffer(bytes) }

// gone reports whether the other end has closed the connection, without reading from it.
func gone(raw syscall.RawConn) bool {
	const established = 1
	closed := false
	err := raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		closed = err != nil || info.State != established
	})
	return closed || err != nil
}
