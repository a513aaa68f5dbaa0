package wide_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"testing"

	"haul.example/haul/lab/bench/wide"
)

// counted counts the calls that reach the connection.
type counted struct {
	net.Conn
	writes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes++
	return c.Conn.Write(b)
}

// TestEcho sends writes of many sizes to an echo, and reads them back by reads of other sizes.
func TestEcho(t *testing.T) {
	here, there := net.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(there, there)
		done <- err
	}()
	under := &counted{Conn: here}
	c := wide.New(under, 1000)
	sent := make([]byte, 1500) // what an unbuffered echo can hold back is no more than was written at once
	if _, err := rand.Read(sent); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(sent))
	for from := 0; from < 900; from += 90 {
		if _, err := c.Write(sent[from : from+90]); err != nil {
			t.Fatal(err)
		}
	}
	if under.writes != 0 {
		t.Errorf("%d writes before the buffer is full", under.writes)
	}
	// The read sends what was gathered, at once.
	if _, err := io.ReadFull(c, got[:7]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got[7:900]); err != nil {
		t.Fatal(err)
	}
	if under.writes != 1 || !bytes.Equal(got[:900], sent[:900]) {
		t.Errorf("%d writes; the same bytes: %t", under.writes, bytes.Equal(got[:900], sent[:900]))
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
