package haul_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestCopy(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	for _, size := range []int{0, 1, 999, 1000, 1001, 5000} {
		synctest.Test(t, func(t *testing.T) {
			limits := small
			limits.MaxPart = 600
			b := newBench(t, storetest.Limits(limits))
			want := random(size, 1)
			b.PutBytes(object, want)
			b.Fault(storetest.Head).Error(store.Network)
			r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{})
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			if string(b.Bytes(to)) != string(want) || !r.Proof.Verified || r.Moved != 0 {
				t.Errorf("size %d: %+v", size, r)
			}
			b.tidy()
		})
	}
}

func TestCopyDoesNotClobber(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	for _, o := range []haul.CopyOptions{{NoClobber: true}, {NoClobber: true, PartSize: 40}} {
		b := newBench(t)
		b.PutBytes(object, random(100, 1))
		b.PutBytes(to, []byte("old"))
		if _, err := b.client().Copy(context.Background(), object, to, o); !errors.Is(err, store.Exists) {
			t.Errorf("got %v, want kind Exists", err)
		}
		if string(b.Bytes(to)) != "old" {
			t.Error("the target was overwritten")
		}
		b.tidy()
	}
}

func TestCopyKeepsTheLayout(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	b := newBench(t, storetest.Takes(storetest.MD5Checksums))
	want := random(2500, 1)
	b.PutBytes(object, want, 40, 70)
	r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if string(b.Bytes(to)) != string(want) || !r.Proof.Verified || r.Object.ETag != b.Object(object).ETag {
		t.Errorf("%+v", r)
	}
	b.tidy()
}

func TestCopyFails(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if _, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{}); !errors.Is(err, store.NotFound) {
			t.Errorf("got %v, want kind NotFound", err)
		}
		b.PutBytes(object, random(200, 1))
		b.Fault(storetest.CopyPart).Part(7).Hook(func() { b.PutBytes(object, random(200, 2)) })
		_, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{PartSize: 20})
		if !errors.Is(err, store.Changed) {
			t.Errorf("got %v, want kind Changed", err)
		}
		b.Fault(storetest.Tags).Error(store.Denied)
		if _, err = b.client().Copy(context.Background(), object, to, haul.CopyOptions{PartSize: 20}); !errors.Is(err, store.Denied) || b.Exists(to) {
			t.Errorf("tags that may not be read: %v", err)
		}
		b.Fault(storetest.Tags).Error(store.Unsupported)
		r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{PartSize: 20})
		if err != nil || !r.Proof.Verified || !strings.Contains(b.said(), "tags of the source") {
			t.Errorf("%+v, %v; said %q", r, err, b.said())
		}
		b.tidy()
	})
}
