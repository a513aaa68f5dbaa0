package rawhttp

import "net"

// records makes fewer and larger reads and writes of those of TLS, which are of one record of 16 KiB at a time. Writes are
// passed on at once except between hold and flush.
type records struct {
	net.Conn
	held []byte
	hold bool
	read []byte
	r, w int // read[r:w] was read from Conn and is not returned yet
}

// recordsSize is about how much is read or written at once, in bytes.
const recordsSize = 64 << 10

// ahead returns how many bytes were read that TLS has not asked for.
func (r *records) ahead() int { return r.w - r.r }

// Read returns what has come.
func (r *records) Read(p []byte) (int, error) {
	if r.r == r.w {
		if len(p) >= len(r.read) {
			return r.Conn.Read(p)
		}
		n, err := r.Conn.Read(r.read)
		if r.r, r.w = 0, n; n == 0 {
			return 0, err
		}
	}
	n := copy(p, r.read[r.r:r.w])
	r.r += n
	return n, nil
}

// Write buffers the bytes or passes them on.
func (r *records) Write(p []byte) (int, error) {
	if !r.hold {
		return r.Conn.Write(p)
	}
	if len(r.held)+len(p) > recordsSize {
		if err := r.pass(); err != nil {
			return 0, err
		}
	}
	r.held = append(r.held, p...)
	return len(p), nil
}

func (r *records) flush() error {
	r.hold = false
	return r.pass()
}

func (r *records) pass() error {
	if len(r.held) == 0 {
		return nil
	}
	_, err := r.Conn.Write(r.held)
	r.held = r.held[:0]
	return err
}
