package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// each runs n tasks, some at a time, and fails the test by their errors.
func each(t *testing.T, n int, task func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	lanes := make(chan struct{}, 16)
	for i := range n {
		lanes <- struct{}{}
		wg.Go(func() {
			defer func() { <-lanes }()
			if err := task(i); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func testCopy(t *testing.T, s *suite) {
	a := &store.Attrs{Headers: store.Headers{ContentType: "text/x-vcf"}, Metadata: map[string]string{"sample": "1"}}
	if !s.c.NoTags {
		a.Tags = map[string]string{"k": "v"}
	}
	p := Generated(1000, 1)
	from, to := s.ref("from+a b/ü?%"), s.ref("to")
	s.put(t, from, p, a)
	o, err := s.Copy(t.Context(), store.CopyRequest{From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	got := s.holds(t, to, p)
	if o.ETag != got.ETag || got.Attrs.Headers.ContentType != "text/x-vcf" || got.Attrs.Metadata["sample"] != "1" {
		t.Errorf("copy: %+v, Head %+v", o, got)
	}
	if !s.c.NoTags {
		if tags, err := s.Tags(t.Context(), to, nil); err != nil || tags["k"] != "v" {
			t.Errorf("tags of the copy: %v, %v", tags, err)
		}
	}
	b := &store.Attrs{Headers: store.Headers{ContentType: "text/plain"}, Metadata: map[string]string{"other": "2"}}
	if _, err := s.Copy(t.Context(), store.CopyRequest{From: from, To: to, Attrs: b}); err != nil {
		t.Fatal(err)
	}
	got = s.holds(t, to, p)
	if got.Attrs.Headers.ContentType != "text/plain" || got.Attrs.Metadata["other"] != "2" || got.Attrs.Metadata["sample"] != "" {
		t.Errorf("copy with other attributes: %+v", got.Attrs)
	}
}

func testCopyPins(t *testing.T, s *suite) {
	from, to, p := s.ref("from"), s.ref("to"), Generated(100, 2)
	old := s.put(t, from, Generated(100, 1), nil)
	o := s.put(t, from, p, nil)
	_, err := s.Copy(t.Context(), store.CopyRequest{From: from, To: to, IfMatch: old.ETag})
	s.wantPinned(t, "Copy of the old state", err)
	_, err = s.Copy(t.Context(), store.CopyRequest{From: s.ref("none"), To: to})
	want(t, "Copy of nothing", err, store.NotFound)
	if _, err := s.Copy(t.Context(), store.CopyRequest{From: from, To: to, IfMatch: o.ETag}); err != nil {
		t.Errorf("Copy of the pinned state: %v", err)
	}
	s.holds(t, to, p)
}

// wantPinned checks the outcome of a copy that asked for another state of its source.
func (s *suite) wantPinned(t *testing.T, what string, err error) {
	t.Helper()
	if !s.c.CopiesUnpinned {
		want(t, what, err, store.Changed)
	} else if err != nil {
		t.Errorf("%s: %v, though IfMatch is ignored", what, err)
	}
}

// testCopyPart copies into uploads with and without a checksum. If the first is not possible, the second must be.
func testCopyPart(t *testing.T, s *suite) {
	from, p := s.ref("whole ü"), Generated(2*s.part+7, 1)
	s.upload(t, from, p, best)
	o := s.holds(t, from, p)
	s.copyInParts(t, o, p, s.ref("copied"), checksum.Scheme{Algorithm: checksum.MD5})
	if !s.c.CopyPartSpoilsSums {
		s.copyInParts(t, o, p, s.ref("copied-summed"), best)
		return
	}
	u := s.begin(t, s.ref("spoilt"), best)
	q, err := s.CopyPart(t.Context(), store.CopyPartRequest{From: from, Range: store.Range{Length: 100}, Upload: u, Number: 1})
	if err == nil {
		_, err = s.Complete(t.Context(), completeRequest(u, []store.Part{q}, section(p, 0, 100)))
	}
	if err == nil {
		t.Error("CopyPart does not spoil an upload with a checksum")
	}
	s.drop(t, u)
}

func (s *suite) copyInParts(t *testing.T, o store.Object, p Content, to store.Ref, wish checksum.Scheme) {
	t.Helper()
	u := s.begin(t, to, wish)
	r := store.CopyPartRequest{From: o.Ref, IfMatch: o.ETag, Upload: u}
	var parts []store.Part
	for i, c := range cutInParts(p, s.part) {
		r.Number, r.Range = i+1, store.Range{Offset: int64(i) * s.part, Length: c.Size()}
		q, err := s.CopyPart(t.Context(), r)
		if s.c.NoCopyPart {
			want(t, "CopyPart", err, store.Unsupported)
			s.drop(t, u)
			return
		}
		if err != nil || q.Number != i+1 || q.Size != c.Size() {
			t.Fatalf("part %d: %+v, %v", i+1, q, err)
		}
		s.checkSum(t, q.Sum, sumOf(c, algorithmOr(q.Sum, checksum.CRC64NVME)))
		parts = append(parts, q)
	}
	r.IfMatch = "0123456789abcdef0123456789abcdef"
	_, err := s.CopyPart(t.Context(), r)
	s.wantPinned(t, "CopyPart of another state", err)
	s.complete(t, u, parts, p)
	s.holds(t, to, p)
}

func algorithmOr(s checksum.Sum, a checksum.Algorithm) checksum.Algorithm {
	if s.IsZero() {
		return a
	}
	return s.Algorithm
}

func testKeys(t *testing.T, s *suite) {
	for i, key := range OddKeys() {
		t.Run(key, func(t *testing.T) {
			ref, p := s.ref(key), Generated(100, uint64(i))
			if strings.HasPrefix(key, "/") {
				ref.Key = key + s.prefix
			}
			_, err := s.tryPut(t.Context(), store.PutRequest{Ref: ref, Body: wholeOf(p)}, p)
			if slices.Contains(s.c.Refused, key) {
				var u store.Upload
				if err == nil {
					u, err = s.Create(t.Context(), ref, best, nil)
				}
				if err == nil {
					t.Errorf("the store does take this key; upload %s", u.ID)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s.holds(t, ref, p)
			if slices.Contains(s.c.PutOnly, key) {
				return
			}
			q := Generated(101, uint64(i))
			s.upload(t, ref, q, best)
			s.holds(t, ref, q)
		})
	}
}

func testKeyParent(t *testing.T, s *suite) {
	p := Generated(10, 1)
	parent, child := s.ref("parent"), s.ref("parent/child")
	s.put(t, parent, p, nil)
	_, err := s.tryPut(t.Context(), store.PutRequest{Ref: child, Body: wholeOf(p)}, p)
	if s.c.KeyParentConflict {
		if err == nil {
			t.Error("the store does take both keys")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, parent, p)
	s.holds(t, child, p)
}

func testKinds(t *testing.T, s *suite) {
	none, p := s.ref("none"), Generated(10, 1)
	_, _, err := s.read(t.Context(), store.GetRequest{Ref: none})
	want(t, "Get of nothing", err, store.NotFound)
	_, err = s.Head(t.Context(), store.GetRequest{Ref: none})
	want(t, "Head of nothing", err, store.NotFound)
	var e *store.Error
	if !errors.As(err, &e) || e.Ref != none || e.Op == "" {
		t.Errorf("the error does not say of what: %+v", e)
	}
	nowhere := store.Ref{Bucket: "storetest-no-such-bucket-4711", Key: "x"}
	_, _, err = s.read(t.Context(), store.GetRequest{Ref: nowhere})
	want(t, "Get in no bucket", err, store.NoBucket)
	_, err = s.Head(t.Context(), store.GetRequest{Ref: nowhere})
	want(t, "Head in no bucket", err, store.NoBucket, store.NotFound) // an answer to HEAD has no body for a code
	_, err = s.tryPut(t.Context(), store.PutRequest{Ref: nowhere, Body: wholeOf(p)}, p)
	want(t, "Put in no bucket", err, store.NoBucket)
	_, err = s.Create(t.Context(), nowhere, best, nil)
	want(t, "Create in no bucket", err, store.NoBucket)
	for _, err := range s.Uploads(t.Context(), nowhere.Bucket, "") {
		want(t, "Uploads of no bucket", err, store.NoBucket)
	}
	for _, err := range s.List(t.Context(), nowhere.Bucket, "", "", nil) {
		want(t, "List of no bucket", err, store.NoBucket)
	}
}

func testConcurrent(t *testing.T, s *suite) {
	n := int(s.max/s.part) + 1
	p := Generated(int64(n)*s.part, 1)
	u := s.begin(t, s.ref("parts"), best)
	each(t, 2*n, func(i int) error { // every part twice
		_, err := s.PutPart(t.Context(), partRequest(u, i%n+1, section(p, int64(i%n)*s.part, s.part)))
		return err
	})
	_, parts, err := s.Parts(t.Context(), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.complete(t, u, parts, p)
	s.holds(t, u.Ref, p)
	each(t, 32, func(i int) error {
		ref, q := s.ref(fmt.Sprint("object-", i)), Generated(1000, uint64(i))
		if _, err := s.tryPut(t.Context(), store.PutRequest{Ref: ref, Body: wholeOf(q)}, q); err != nil {
			return err
		}
		for off := int64(0); off < 1000; off += 100 {
			_, data, err := s.read(t.Context(), store.GetRequest{Ref: ref, Range: store.Range{Offset: off, Length: 100}})
			if err != nil || string(data) != readAt(q, make([]byte, 100), off) {
				return fmt.Errorf("at %d: %d bytes, %w", off, len(data), err)
			}
		}
		return nil
	})
}

func testContext(t *testing.T, s *suite) {
	ref, p := s.ref("context"), Generated(s.max, 1)
	s.put(t, ref, p, nil)
	u := s.begin(t, ref, best)
	ctx, cancel := context.WithCancel(t.Context())
	b, err := s.Get(ctx, store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	cancel()
	_, err = s.Head(ctx, store.GetRequest{Ref: ref})
	wantCanceled(t, "Head", err)
	_, err = s.PutPart(ctx, partRequest(u, 1, p))
	wantCanceled(t, "PutPart", err)
	_, err = s.Get(ctx, store.GetRequest{Ref: ref})
	wantCanceled(t, "Get", err)
	for _, err := range s.Uploads(ctx, s.bucket, "") {
		wantCanceled(t, "Uploads", err)
	}
	for _, err := range s.List(ctx, s.bucket, "", "", nil) {
		wantCanceled(t, "List", err)
	}
	if _, parts, err := s.Parts(t.Context(), u, nil); err != nil || len(parts) != 0 {
		t.Errorf("parts: %+v, %v", parts, err)
	}
	s.drop(t, u)
}

func wantCanceled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s with a context that is done: %v", what, err)
	}
}
