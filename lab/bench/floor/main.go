// Command floor moves bytes with the least work that Go can do it with: what a client is measured against.
//
//	floor send     pread 256 KiB, CRC64NVME, write; requests that are ready made, on a few connections
//	floor receive  read 256 KiB, pwrite into a preallocated file
//
// There are no signatures, no retries and no proof: the sums go nowhere. With -count it moves small objects, each in one request.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/wide"
)

const slice = 256 << 10

// settings is the command line.
type settings struct {
	addr, ca, path, local string
	size, part            int64
	connections, count    int
}

func main() {
	var s settings
	flag.StringVar(&s.addr, "addr", "", "`host:port` of the endpoint")
	flag.StringVar(&s.ca, "ca", "", "`file` of the certificate to trust; turns TLS on")
	flag.StringVar(&s.path, "path", "", "path of the object, such as /bucket/key; sent parts append a number to it, small objects too")
	flag.StringVar(&s.local, "local", "", "`file`, or folder of small ones, to read or write")
	flag.Int64Var(&s.size, "size", 0, "`bytes` of the object")
	flag.Int64Var(&s.part, "part", 8<<20, "`bytes` of a request")
	flag.IntVar(&s.connections, "connections", 4, "`number` of connections")
	flag.IntVar(&s.count, "count", 0, "`number` of small objects, each of -size")
	flag.Parse()
	if err := run(flag.Arg(0), s); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(what string, s settings) error {
	work, finish, err := jobOf(what, s)
	if err != nil {
		return err
	}
	requests := int64(s.count)
	if s.count == 0 {
		requests = (s.size + s.part - 1) / s.part
	}
	var next atomic.Int64
	errs := make([]error, s.connections)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			l, err := dial(s)
			if err != nil {
				errs[i] = err
				return
			}
			defer func() { _ = l.c.Close() }()
			for n := next.Add(1) - 1; n < requests && errs[i] == nil; n = next.Add(1) - 1 {
				errs[i] = work(l, n)
			}
		})
	}
	all.Wait()
	return errors.Join(append(errs, finish())...)
}

// jobOf gives what is to be done for each request, numbered from 0, and at the end.
func jobOf(what string, s settings) (work func(*line, int64) error, finish func() error, err error) {
	nothing := func() error { return nil }
	switch {
	case what == "send" && s.count > 0:
		return s.sendSmall, nothing, nil
	case what == "receive" && s.count > 0:
		return s.receiveSmall, nothing, nil
	case what == "send":
		f, err := os.Open(s.local)
		return func(l *line, n int64) error { return s.send(l, f, n) }, nothing, err
	case what == "receive":
		f, err := os.Create(s.local)
		if err == nil {
			err = preallocate(f, s.size)
		}
		return func(l *line, n int64) error { return s.receive(l, f, n) }, f.Close, err
	}
	return nil, nil, fmt.Errorf("send or receive, not %q", what)
}

// line is a connection and its buffer.
type line struct {
	c    net.Conn
	wide *wide.Conn // nil without TLS
	buf  []byte
}

func dial(s settings) (*line, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	l := &line{c: c, buf: make([]byte, slice)}
	if s.ca == "" {
		return l, nil
	}
	pem, err := os.ReadFile(s.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	l.wide = wide.New(c, slice)
	l.c = tls.Client(l.wide, &tls.Config{RootCAs: pool, ServerName: "localhost", DynamicRecordSizingDisabled: true})
	return l, nil
}

// put sends one body of n bytes.
func (l *line) put(path string, r io.ReaderAt, offset, n int64) error {
	head := fmt.Appendf(nil, "PUT %s HTTP/1.1\r\nHost: floor\r\nContent-Length: %d\r\n\r\n", path, n)
	if _, err := l.c.Write(head); err != nil {
		return err
	}
	sum := checksum.CRC64NVME.New()
	for done := int64(0); done < n; {
		b := l.buf[:min(n-done, slice)]
		if _, err := r.ReadAt(b, offset+done); err != nil && err != io.EOF {
			return err
		}
		sum.Write(b)
		if _, err := l.c.Write(b); err != nil {
			return err
		}
		done += int64(len(b))
	}
	if l.wide != nil {
		if err := l.wide.Flush(); err != nil {
			return err
		}
	}
	_, _, err := l.answer()
	return err
}

// answer reads the head of an answer, and gives its length and how much of the body is in the buffer after it.
func (l *line) answer() (length int64, rest []byte, err error) {
	have := 0
	for {
		if i := bytes.Index(l.buf[:have], []byte("\r\n\r\n")); i >= 0 {
			length, err = parse(l.buf[:i+2])
			return length, l.buf[i+4 : have], err
		}
		n, err := l.c.Read(l.buf[have:])
		if err != nil {
			return 0, nil, err
		}
		have += n
	}
}

func parse(head []byte) (int64, error) {
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 2")) {
		return 0, fmt.Errorf("answer: %s", head)
	}
	_, after, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	digits, _, _ := bytes.Cut(after, []byte("\r\n"))
	if !ok {
		return 0, fmt.Errorf("no length: %s", head)
	}
	return strconv.ParseInt(string(digits), 10, 64)
}

func (s settings) send(l *line, f *os.File, n int64) error {
	offset := n * s.part
	return l.put(fmt.Sprintf("%s%05d", s.path, n), f, offset, min(s.part, s.size-offset))
}

func (s settings) receive(l *line, f *os.File, n int64) error {
	offset := n * s.part
	last := min(offset+s.part, s.size) - 1
	return l.get(s.path, fmt.Sprintf("Range: bytes=%d-%d\r\n", offset, last), f, offset)
}

// get fetches a body and writes it at an offset.
func (l *line) get(path, extra string, w io.WriterAt, offset int64) error {
	if _, err := fmt.Fprintf(l.c, "GET %s HTTP/1.1\r\nHost: floor\r\n%s\r\n", path, extra); err != nil {
		return err
	}
	left, rest, err := l.answer()
	if err != nil {
		return err
	}
	// What has come with the head makes way for whole slices after it.
	have := copy(l.buf, rest)
	for left > 0 {
		want := int(min(left, slice))
		if have < want {
			n, err := io.ReadFull(l.c, l.buf[have:want])
			have += n
			if err != nil {
				return err
			}
		}
		if _, err := w.WriteAt(l.buf[:have], offset); err != nil {
			return err
		}
		offset += int64(have)
		left -= int64(have)
		have = 0
	}
	return nil
}

func name(n int64) string { return fmt.Sprintf("%05d", n) }

func (s settings) sendSmall(l *line, n int64) error {
	f, err := os.Open(filepath.Join(s.local, name(n)))
	if err != nil {
		return err
	}
	return errors.Join(l.put(s.path+name(n), f, 0, s.size), f.Close())
}

func (s settings) receiveSmall(l *line, n int64) error {
	f, err := os.Create(filepath.Join(s.local, name(n)))
	if err != nil {
		return err
	}
	return errors.Join(l.get(s.path+name(n), "", f, 0), f.Close())
}
