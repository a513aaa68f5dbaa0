package haul_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestClientStoreIsAStore: what the store promises, the client's promises too.
func TestClientStoreIsAStore(t *testing.T) {
	limits := storetest.Limits(store.Limits{MinPart: 20, MaxParts: 20})
	for name, x := range map[string]struct {
		opts []storetest.Option
		c    storetest.Conformance
	}{
		"S3":             {[]storetest.Option{storetest.CompleteTwice()}, storetest.Conformance{}},
		"MD5 only":       {[]storetest.Option{storetest.CompleteTwice(), storetest.Takes(storetest.MD5Checksums)}, storetest.Conformance{Without: slices.DeleteFunc(checksum.All(), func(a checksum.Algorithm) bool { return a == checksum.MD5 })}},
		"deletes singly": {[]storetest.Option{storetest.CompleteTwice(), storetest.DeletesSingly()}, storetest.Conformance{NoDeleteMany: true}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) (store.Store, string) {
				m := storetest.New(append(x.opts, storetest.For(t), limits)...)
				return haul.New(m, haul.Options{StateDir: t.TempDir(), MaxTries: 1}).Store(), storetest.Bucket
			}, x.c)
		})
	}
}

// TestClientStoreTriesAgain: each request gets through although the store fails by chance, and a listing continues.
func TestClientStoreTriesAgain(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, storetest.ListPage(2))
			ctx, c := t.Context(), b.client()
			s := c.Store()
			b.Random(seed, storetest.Rates{Error: 0.3, LoseAnswer: 0.2, AtMost: 3})
			want := random(60, seed)
			sum := checksum.Bytes(checksum.CRC64NVME, want)
			if _, err := s.Put(ctx, store.PutRequest{Ref: object, Body: section(want), Sum: sum, NoClobber: true}); err != nil {
				t.Fatalf("seed %d: put: %v", seed, err)
			}
			inParts := object
			inParts.Key += ".parts"
			if err := putInParts(ctx, s, inParts, want); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, ref := range []store.Ref{object, inParts} {
				if o, err := s.Head(ctx, store.GetRequest{Ref: ref}); err != nil || o.Size != 60 || !bytes.Equal(b.Bytes(ref), want) {
					t.Fatalf("seed %d: head: %+v, %v", seed, o, err)
				}
				if got := readAll(t, s, ref); !bytes.Equal(got, want) {
					t.Errorf("seed %d: got %d bytes", seed, len(got))
				}
			}
			for _, key := range []string{"a", "b", "c", "d", "e"} {
				b.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "many/" + key}, nil)
			}
			var keys string
			for page, err := range s.List(ctx, storetest.Bucket, "many/", "many/a", nil) {
				if err != nil {
					t.Fatalf("seed %d: list: %v", seed, err)
				}
				for _, o := range page {
					keys += o.Key[len("many/"):]
				}
			}
			if keys != "bcde" {
				t.Errorf("seed %d: listed %q", seed, keys)
			}
			if errs, err := s.DeleteMany(ctx, []store.Ref{object, inParts}, nil); err != nil || errors.Join(errs...) != nil || b.Exists(object) {
				t.Errorf("seed %d: delete: %v, %v", seed, errs, err)
			}
			if p := c.Progress(); p.Done != p.Total || p.Total != 120 || p.InFlight != 0 {
				t.Errorf("seed %d: %+v", seed, p)
			}
		})
	}
}

// readAll reads an object; a body that fails, which is the caller's to notice, is opened again.
func readAll(t *testing.T, s store.Store, ref store.Ref) []byte {
	t.Helper()
	for {
		body, err := s.Get(t.Context(), store.GetRequest{Ref: ref})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		body.Close()
		if err == nil {
			return got
		}
		if !store.Retryable(err) {
			t.Fatal(err)
		}
	}
}

func putInParts(ctx context.Context, s store.Store, ref store.Ref, content []byte) error {
	u, err := s.Create(ctx, ref, checksum.Scheme{Algorithm: checksum.CRC64NVME}, nil)
	if err != nil {
		return err
	}
	half := len(content) / 2
	var parts []store.Part
	for i, some := range [][]byte{content[:half], content[half:]} {
		p, err := s.PutPart(ctx, store.PutPartRequest{Upload: u, Number: i + 1, Body: section(some), Sum: checksum.Bytes(checksum.CRC64NVME, some)})
		if err != nil {
			return err
		}
		p.Number, p.Size = i+1, int64(len(some))
		parts = append(parts, p)
	}
	_, err = s.Complete(ctx, store.CompleteRequest{
		Upload: u, Parts: parts, Size: int64(len(content)), Sum: checksum.Bytes(checksum.CRC64NVME, content), NoClobber: true,
	})
	return err
}

// TestClientStoreBody: a failure in the midst of a body is the caller's.
func TestClientStoreBody(t *testing.T) {
	b := newBench(t)
	b.PutBytes(object, random(100, 1))
	b.Fault(storetest.Get).After(10).Error(store.Network)
	body, err := b.client().Store().Get(t.Context(), store.GetRequest{Ref: object})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); len(got) != 10 || !errors.Is(err, store.Network) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
