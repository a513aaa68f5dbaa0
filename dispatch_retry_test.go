package haul_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestWhatCannotPassIsReportedAtOnce counts the requests, and the time, that a lasting failure costs a client that never
// had any success.
func TestWhatCannotPassIsReportedAtOnce(t *testing.T) {
	fault500 := &store.Error{Kind: store.Unavailable, Status: 500, Code: "InternalError"}
	refused := &store.Error{Kind: store.Network, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	for name, c := range map[string]struct {
		err              error
		options          haul.Options
		most             time.Duration
		least            time.Duration
		tries            int // 0: not counted
		retriesExhausted bool
	}{
		"nothing listens":      {err: refused, most: 3 * time.Second, tries: 3},
		"no such host":         {err: &store.Error{Kind: store.Network, Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, most: 3 * time.Second, tries: 3},
		"lasting":              {err: &store.Error{Kind: store.Expired, Status: 400, Code: "ExpiredToken", Lasting: true}, tries: 1},
		"expired since ever":   {err: &store.Error{Kind: store.Expired, Status: 400, Code: "ExpiredToken"}, most: time.Second, tries: 2},
		"wrong credentials":    {err: &store.Error{Kind: store.Denied, Status: 403, Code: "InvalidAccessKeyId"}, tries: 1},
		"500 since ever":       {err: fault500, most: 45 * time.Second},
		"500, patience chosen": {err: fault500, options: haul.Options{Patience: 2 * time.Minute}, least: 2 * time.Minute, most: 5 * time.Minute},
		"throttled since ever": {err: &store.Error{Kind: store.Throttled, Status: 503, Code: "SlowDown"}, least: 5 * time.Minute, most: 20 * time.Minute},
		"three tries":          {err: fault500, options: haul.Options{MaxTries: 3}, most: time.Second, tries: 3, retriesExhausted: true},
		"one try":              {err: refused, options: haul.Options{MaxTries: 1}, tries: 1, retriesExhausted: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				f := b.Fault(storetest.Put).Always().Error(c.err)
				c.options.StateDir = b.state
				began := time.Now()
				_, err := haul.New(b.Memory, c.options).Upload(context.Background(), b.file("x.bam", []byte("few")), object, haul.UploadOptions{})
				if took := time.Since(began); took > c.most || took < c.least {
					t.Errorf("it took %v, and %d tries", took, f.Fired())
				}
				if c.tries > 0 && f.Fired() != c.tries {
					t.Errorf("%d tries, want %d", f.Fired(), c.tries)
				}
				if store.KindOf(err) != store.KindOf(c.err) || errors.Is(err, haul.ErrRetriesExhausted) != c.retriesExhausted {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestOneRefusedRequestAmongOthers: the store answers each other request, so that a lasting 500 is about the one.
func TestOneRefusedRequestAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		ill := store.Ref{Bucket: storetest.Bucket, Key: "ill"}
		b.Fault(storetest.Put).Key(ill.Key).Always().Error(&store.Error{Kind: store.Unavailable, Status: 500, Code: "InternalError"})
		c := b.client()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		file := b.file("x.bam", []byte("few"))
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				_, _ = c.Upload(ctx, file, object, haul.UploadOptions{})
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
		}()
		began := time.Now()
		_, err := c.Upload(context.Background(), file, ill, haul.UploadOptions{})
		if took := time.Since(began); !errors.Is(err, haul.ErrRetriesExhausted) || took > time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
		stop()
		<-done
	})
}

// TestTriesCountFromTheLastByte: a range that comes piece by piece is not given up.
func TestTriesCountFromTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(60, 5)
		b.PutBytes(object, want)
		b.Fault(storetest.Get).Times(5).After(10).Error(store.Network)
		c := haul.New(b.Memory, haul.Options{StateDir: b.state, MaxTries: 2})
		out := b.dir + "/out"
		if _, err := c.Download(context.Background(), object, out, haul.DownloadOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := b.read(out); string(got) != string(want) {
			t.Errorf("got %d other bytes", len(got))
		}
	})
}

// TestProgressIsNoFailure: a range each of whose tries brings some bytes goes on for longer than any bound on failures.
func TestProgressIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 6)
		b.PutBytes(object, want)
		b.Fault(storetest.Get).Times(190).After(1).Error(store.Network)
		c := haul.New(b.Memory, haul.Options{StateDir: b.state, Patience: 5 * time.Second})
		out := b.dir + "/out"
		began := time.Now()
		if _, err := c.Download(context.Background(), object, out, haul.DownloadOptions{}); err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if got := b.read(out); string(got) != string(want) || time.Since(began) < time.Minute {
			t.Errorf("got %d bytes after %v", len(got), time.Since(began))
		}
	})
}

// lateFailures is a store that fails the first tries of a Put after a long time.
type lateFailures struct {
	*storetest.Memory
	left atomic.Int32
}

func (s *lateFailures) Put(ctx context.Context, r store.PutRequest) (store.Object, error) {
	if s.left.Add(-1) >= 0 {
		time.Sleep(25 * time.Minute)
		return store.Object{}, &store.Error{Kind: store.Network}
	}
	return s.Memory.Put(ctx, r)
}

// TestThreeTriesHoweverLong: a request that fails late is made three times at least.
func TestThreeTriesHoweverLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := &lateFailures{Memory: b.Memory}
		c := haul.New(s, haul.Options{StateDir: b.state})
		path := b.file("x.bam", []byte("few"))
		if _, err := c.Upload(context.Background(), path, object, haul.UploadOptions{}); err != nil { // the store has answered once
			t.Fatal(err)
		}
		s.left.Store(2)
		if _, err := c.Upload(context.Background(), path, object, haul.UploadOptions{}); err != nil {
			t.Error(err)
		}
	})
}
