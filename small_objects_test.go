package haul_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestListedObjectCostsOneRequest(t *testing.T) {
	for _, size := range []int{0, 1, 500} {
		b := newBench(t)
		want := random(size, 1)
		listed := b.PutBytes(object, want)
		r, err := b.client().Download(context.Background(), object, filepath.Join(b.dir, "out.bam"), haul.DownloadOptions{Listed: &listed})
		if err != nil {
			t.Fatal(err)
		}
		b.fetched(want)
		if c := b.Counts(); !r.Proof.Verified || c[storetest.Get].Calls != 1 || c[storetest.Head].Calls != 0 {
			t.Errorf("%+v; %v", r, c)
		}
		b.tidy()
	}
}

func TestListedObjectInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(500, 1)
		listed := b.PutBytes(object, want)
		b.Fault(storetest.Get).Offset(0).After(100).Error(store.Network)
		b.Fault(storetest.Get).Offset(100).After(100).CorruptByte()
		r, err := b.client().Download(context.Background(), object, filepath.Join(b.dir, "out.bam"), haul.DownloadOptions{Listed: &listed})
		if err != nil || !r.Proof.Verified || r.Retries != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		b.fetched(want)
		b.PutBytes(object, random(500, 2))
		if _, err := b.client().Download(context.Background(), object, filepath.Join(b.dir, "out.bam"), haul.DownloadOptions{Listed: &listed}); !errors.Is(err, store.Changed) {
			t.Errorf("got %v, want kind Changed", err)
		}
		b.fetched(want)
		b.tidy()
	})
}
