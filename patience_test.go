//go:build linux

package haul_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Patience bounds how long a transfer waits for nothing, whatever the store asks for, and at whichever request.
func TestPatienceBoundsRetryAfter(t *testing.T) {
	for _, patience := range []time.Duration{20 * time.Second, time.Minute, 3 * time.Minute} {
		for _, after := range []time.Duration{0, 5 * time.Second, time.Minute, time.Hour} {
			for op, size := range map[storetest.Op]int{storetest.Put: 20, storetest.Create: 200, storetest.PutPart: 200} {
				t.Run(fmt.Sprint(patience, after, op), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := newBench(t)
						b.Fault(op).Throttle(after).Always()
						began := time.Now()
						c := haul.New(b.Memory, haul.Options{StateDir: b.state, Patience: patience, Concurrency: 4})
						_, err := c.Upload(t.Context(), b.file("x", random(size, 1)), object, haul.UploadOptions{PartSize: 50 * int64(size/200)})
						if !errors.Is(err, store.Throttled) {
							t.Fatalf("got %v", err)
						}
						if took := time.Since(began); took > patience+patience/2 {
							t.Errorf("took %v", took)
						}
					})
				})
			}
		}
	}
}

// What waits for a descriptor gets one as others are closed.
func TestTooManyOpenFiles(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Skip(err)
	}
	b := newBench(t)
	want := random(20, 1)
	path := b.file("x", want)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("it is not known how many files are open")
	}
	var taken []*os.File
	try(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(len(open) + 30), Max: was.Max}))
	defer func() { try(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)) }()
	for {
		f, err := os.Open(path)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	retried := make(chan struct{}, 100)
	c := haul.New(b.Memory, haul.Options{StateDir: filepath.Join(b.dir, "state"), Observe: func(e haul.Event) {
		if e.Kind == haul.EventRetry {
			retried <- struct{}{}
		}
	}})
	done := make(chan error, 1)
	go func() {
		_, err := c.Upload(t.Context(), path, object, haul.UploadOptions{})
		done <- err
	}()
	select {
	case <-retried:
	case err := <-done:
		t.Errorf("ended at once: %v", err)
		done <- err
	}
	for _, f := range taken {
		f.Close()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.stored(want)
}
