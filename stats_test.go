package haul_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestSlowSourceIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r, w := io.Pipe()
		go func() {
			for range 10 {
				time.Sleep(time.Second)
				if _, err := w.Write(random(10, 1)); err != nil {
					t.Error(err)
				}
			}
			w.Close()
		}()
		c := b.client()
		if _, err := c.UploadStream(context.Background(), r, object, haul.UploadOptions{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		s := c.Stats()
		if l := s.Limit(); l.Kind != haul.LimitSource || l.Text != "the source stream: haul read 10 B/s from it, and waited for it 100 % of the time" {
			t.Errorf("%s: %s", l.Kind, l)
		}
		if s.Elapsed != 10*time.Second || s.Waits.Source != 10*time.Second || s.Moved != 100 || s.Parts != 10 || s.Requests != 12 {
			t.Errorf("%+v", s)
		}
	})
}

// slow is a writer that takes a second for each write.
type slow struct{ io.Writer }

func (s slow) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.Writer.Write(p)
}

func TestSlowReaderOfTheOutputIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.PutBytes(object, random(100, 1))
		c := b.client()
		if _, err := c.DownloadStream(context.Background(), object, slow{io.Discard}, haul.DownloadOptions{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		if s := c.Stats(); s.Limit().Kind != haul.LimitTarget || s.Waits.Target != 10*time.Second || s.Waits.FirstBytes != 10 {
			t.Errorf("%s: %+v", s.Limit(), s)
		}
	})
}

// Each answer comes after a second: five parts, two at once, take three rounds of the lanes.
func TestLanesAndAnswersAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := haul.New(slowAnswers{b.Memory}, haul.Options{StateDir: b.state, Concurrency: 2})
		path := b.file("x.bam", random(100, 1))
		if got := c.Stats(); got.Elapsed != 0 || got.Limit().Kind != haul.LimitNone {
			t.Errorf("before the first transfer: %+v", got)
		}
		time.Sleep(time.Hour) // nothing runs
		if _, err := c.Upload(context.Background(), path, object, haul.UploadOptions{PartSize: 20}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		s := c.Stats()
		want := haul.LaneStats{Peak: 2, Open: 2, Fixed: true, InUse: 5 * time.Second, Active: 3 * time.Second, Full: 2 * time.Second}
		if s.Lanes != want {
			t.Errorf("lanes %+v\nwant  %+v", s.Lanes, want)
		}
		if s.Elapsed != 3*time.Second || s.Transfers != 3*time.Second || s.Waits.Answer != 5*time.Second || s.Waits.Answers != 5 || s.Requests != 7 {
			t.Errorf("%+v", s)
		}
		if l := s.Limit(); l.Kind != haul.LimitAnswers || l.Text != "response times: 5 requests, 1.0 s each, 2 at once" {
			t.Errorf("%s: %s", l.Kind, l)
		}
	})
}

// slowAnswers is a store that answers to each part a second after it has read it.
type slowAnswers struct{ *storetest.Memory }

func (s slowAnswers) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	p, err := s.Memory.PutPart(ctx, r)
	time.Sleep(time.Second)
	return p, err
}

func TestRefusalsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Fault(storetest.PutPart).Error(store.Throttled).Times(8)
		c := b.client()
		if _, err := c.Upload(context.Background(), b.file("x.bam", random(100, 1)), object, haul.UploadOptions{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		s := c.Stats()
		if s.Throttled != 8 || s.Retries != 8 || s.Requests != 20 || s.Waits.Pause == 0 {
			t.Errorf("%+v", s)
		}
		if s.Elapsed >= 100*time.Millisecond && s.Limit().Kind != haul.LimitThrottled {
			t.Errorf("%s", s.Limit())
		}
	})
}
