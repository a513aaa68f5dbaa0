package s3server

import (
	"bytes"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Canned starts an S3 endpoint on the loopback interface that has one answer, head and body, to all requests of a method.
// It allocates nothing while it serves, so that what a test counts is the client's. It returns the endpoint's URL, and ends
// with the test.
func Canned(tb testing.TB, answers map[string][]byte) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() { serveCanned(c, answers) })
		}
	})
	tb.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// serveCanned answers the requests of one connection, until it ends.
func serveCanned(c net.Conn, answers map[string][]byte) {
	defer c.Close()
	buf := make([]byte, 256<<10)
	for {
		n, end := 0, -1
		for end < 0 {
			k, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			n += k
			end = bytes.Index(buf[:n], []byte("\r\n\r\n"))
		}
		method, _, _ := bytes.Cut(buf[:end], []byte(" "))
		answer := answers[string(method)]
		for left := lengthOf(buf[:end]) - (n - end - 4); left > 0; { // of the body, which is discarded
			k, err := c.Read(buf[:min(left, len(buf))])
			if err != nil {
				return
			}
			left -= k
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// lengthOf returns the length of the body that a head announces.
func lengthOf(head []byte) int {
	_, value, _ := bytes.Cut(head, []byte("\r\nContent-Length: "))
	value, _, _ = bytes.Cut(value, []byte("\r\n"))
	n, _ := strconv.Atoi(string(value))
	return n
}
