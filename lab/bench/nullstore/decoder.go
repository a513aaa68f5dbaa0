package nullstore

import (
	"io"
	"strconv"
	"strings"
)

// decoder undoes the coding "chunked", of HTTP or of S3, whose lengths carry signatures.
type decoder struct {
	r interface {
		io.Reader
		io.ByteReader
	}
	ended   func() // called at the end
	left    int64  // of the run of bytes that it is in
	begun   bool
	over    bool
	trailer []byte // the lines after the last run
}

func (d *decoder) Read(p []byte) (int, error) {
	if d.left == 0 && !d.over {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	if d.over {
		return 0, io.EOF
	}
	n, err := d.r.Read(p[:min(int64(len(p)), d.left)])
	d.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the line before the next run of bytes, or, after the last, the trailer.
func (d *decoder) next() error {
	if d.begun {
		if line, err := d.line(); err != nil || line != "" {
			return errHead
		}
	}
	d.begun = true
	line, err := d.line()
	if err != nil {
		return err
	}
	digits, _, _ := strings.Cut(line, ";")
	if d.left, err = strconv.ParseInt(strings.TrimSpace(digits), 16, 64); err != nil || d.left < 0 {
		return errHead
	}
	if d.left > 0 {
		return nil
	}
	for {
		line, err := d.line()
		if err != nil && err != io.EOF { // S3's coding may end without the empty line
			return err
		}
		if line == "" {
			d.over = true
			d.ended()
			return nil
		}
		d.trailer = append(append(d.trailer, line...), '\n')
	}
}

// line reads one line, of at most a sensible length.
func (d *decoder) line() (string, error) {
	var line []byte
	for len(line) < 4096 {
		b, err := d.r.ReadByte()
		if err != nil {
			return string(line), err
		}
		if b == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b)
	}
	return "", errHead
}
