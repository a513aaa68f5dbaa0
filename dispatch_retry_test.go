package haul_test

import (
	"context"
	"errors"
	"net"
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
		err      error
		options  haul.Options
		most     time.Duration
		least    time.Duration
		tries    int // 0: not counted
		triedOut bool
	}{
		"nothing listens":      {err: refused, most: 3 * time.Second, tries: 3},
		"no such host":         {err: &store.Error{Kind: store.Network, Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, most: 3 * time.Second, tries: 3},
		"lasting":              {err: &store.Error{Kind: store.Expired, Status: 400, Code: "ExpiredToken", Lasting: true}, tries: 1},
		"expired since ever":   {err: &store.Error{Kind: store.Expired, Status: 400, Code: "ExpiredToken"}, most: time.Second, tries: 2},
		"wrong credentials":    {err: &store.Error{Kind: store.Denied, Status: 403, Code: "InvalidAccessKeyId"}, tries: 1},
		"500 since ever":       {err: fault500, most: 45 * time.Second},
		"500, patience chosen": {err: fault500, options: haul.Options{Patience: 2 * time.Minute}, least: 2 * time.Minute, most: 5 * time.Minute},
		"throttled since ever": {err: &store.Error{Kind: store.Throttled, Status: 503, Code: "SlowDown"}, least: 5 * time.Minute, most: 20 * time.Minute},
		"three tries":          {err: fault500, options: haul.Options{MaxTries: 3}, most: time.Second, tries: 3, triedOut: true},
		"one try":              {err: refused, options: haul.Options{MaxTries: 1}, tries: 1, triedOut: true},
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
				if store.KindOf(err) != store.KindOf(c.err) || errors.Is(err, haul.ErrTriedOut) != c.triedOut {
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
		if took := time.Since(began); !errors.Is(err, haul.ErrTriedOut) || took > time.Minute {
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
