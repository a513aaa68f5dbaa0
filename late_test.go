package haul_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// trailing is a store that takes so many sums after the bytes, and then no more.
type trailing struct {
	store.Store
	left          atomic.Int64
	early, refuse atomic.Int64 // parts with their sum before, parts refused
}

func (s *trailing) TakesLateSums(store.Upload) bool { return s.left.Load() > 0 }

func (s *trailing) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	if !r.Sum.IsZero() {
		s.early.Add(1)
		return s.Store.PutPart(ctx, r)
	}
	if s.left.Add(-1) < 0 {
		s.refuse.Add(1)
		return store.Part{}, &store.Error{Kind: store.ChecksumRefused, Op: "UploadPart", Ref: r.Upload.Ref}
	}
	return s.Store.PutPart(ctx, r)
}

// A store may think better of trailing checksums in the middle of an upload.
func TestLateSumsEnd(t *testing.T) {
	for _, takes := range []int64{0, 1, 3, 100} {
		b := newBench(t)
		want := random(95, 3)
		path := b.file("x.bam", want)
		s := &trailing{Store: b.Memory}
		s.left.Store(takes)
		c := haul.New(s, haul.Options{StateDir: b.state, Concurrency: 1})
		r, err := c.Upload(context.Background(), path, object, haul.UploadOptions{PartSize: 10})
		if err != nil || !r.Proof.Verified {
			t.Fatalf("%d: %+v, %v", takes, r, err)
		}
		b.stored(want)
		stream, err := haul.New(&trailing{Store: b.Memory}, haul.Options{}).UploadStream(context.Background(), bytes.NewReader(want), object, haul.UploadOptions{PartSize: 10})
		if err != nil || !stream.Proof.Verified {
			t.Fatalf("%d: stream: %+v, %v", takes, stream, err)
		}
		early := s.early.Load()
		if early != 10-min(takes, 10) {
			t.Errorf("%d: %d parts of 10 came with their sum before them", takes, early)
		}
	}
}

// Bytes that are damaged behind a trailing checksum are sent again, as behind an early one.
func TestLateSumOfDamagedBytes(t *testing.T) {
	b := newBench(t)
	want := random(95, 4)
	b.Fault(storetest.PutPart).CorruptByte().Times(3)
	r, err := b.upload(want, haul.UploadOptions{PartSize: 10})
	if err != nil || !r.Proof.Verified || r.Retries < 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	b.stored(want)
}

// A store that refuses trailing checksums sees one part that has one, however many are in flight.
func TestLateSumIsTriedOnce(t *testing.T) {
	for range 5 {
		b := newBench(t)
		want := random(950, 3)
		s := &refusing{Store: b.Memory, gate: make(chan struct{})}
		c := haul.New(s, haul.Options{StateDir: b.state, Concurrency: 16})
		r, err := c.Upload(context.Background(), b.file("x.bam", want), object, haul.UploadOptions{PartSize: 10})
		if err != nil || !r.Proof.Verified {
			t.Fatalf("%+v, %v", r, err)
		}
		if late := s.late.Load(); late != 1 || r.Moved != 950 {
			t.Errorf("%d parts had late sums; %d bytes moved", late, r.Moved)
		}
		b.stored(want)
	}
}

// refusing is a store that refuses trailing checksums, when another part has come.
type refusing struct {
	store.Store
	late atomic.Int64
	once sync.Once
	gate chan struct{} // closed when a part with an early sum came
	lost atomic.Bool
}

func (s *refusing) TakesLateSums(store.Upload) bool { return !s.lost.Load() }

func (s *refusing) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	if !r.Sum.IsZero() {
		s.once.Do(func() { close(s.gate) })
		return s.Store.PutPart(ctx, r)
	}
	s.late.Add(1)
	<-s.gate
	s.lost.Store(true)
	return store.Part{}, &store.Error{Kind: store.ChecksumRefused, Op: "UploadPart", Ref: r.Upload.Ref}
}
