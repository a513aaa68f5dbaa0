package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

var ref = store.Ref{Bucket: storetest.Bucket, Key: "runs/x.bam"}

var small = storetest.Limits(store.Limits{MaxParts: 10, MinPart: 4, MaxPart: 100, MaxPut: 100, MaxCopy: 100, MaxObject: 1000})

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// upload opens an upload by the scheme that comes nearest to want.
func upload(t *testing.T, m *storetest.Memory, want checksum.Algorithm) store.Upload {
	t.Helper()
	u, err := m.Create(t.Context(), ref, checksum.Scheme{Algorithm: want}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func part(u store.Upload, n int, text string) store.PutPartRequest {
	r := store.PutPartRequest{Upload: u, Number: n, Body: section([]byte(text))}
	if u.Scheme.Algorithm != checksum.None {
		r.Sum = checksum.Bytes(u.Scheme.Algorithm, []byte(text))
	}
	return r
}

func TestMultipartETagIsMD5OfMD5s(t *testing.T) {
	m := storetest.New(storetest.For(t), small)
	o := m.PutBytes(ref, []byte("abcdefgh"), 4)
	// (printf abcd | md5sum; printf efgh | md5sum) | cut -d' ' -f1 | xxd -r -p | md5sum
	if want := "cb93ad6c9c920e2602b79a11ded63ddb-2"; o.ETag != want {
		t.Errorf("ETag = %q", o.ETag)
	}
	if got := m.Bytes(ref); string(got) != "abcdefgh" {
		t.Errorf("bytes = %q", got)
	}
	parts, err := m.Layout(t.Context(), o, nil)
	if err != nil || len(parts) != 2 || parts[1].Size != 4 {
		t.Errorf("layout = %v, %v", parts, err)
	}
}

func TestUploadWithoutBytes(t *testing.T) {
	const size = 64<<20 + 5
	m := storetest.New(storetest.For(t), storetest.Discard())
	p := storetest.Generated(size, 7)
	u := upload(t, m, checksum.CRC64NVME)
	r := store.CompleteRequest{Upload: u, Size: size, Sum: p.Sum(checksum.CRC64NVME)}
	for off := int64(0); off < size; off += 16 << 20 {
		body := io.NewSectionReader(p, off, min(16<<20, size-off))
		q, err := m.PutPart(t.Context(), store.PutPartRequest{Upload: u, Number: len(r.Parts) + 1, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		r.Parts = append(r.Parts, q)
	}
	if _, err := m.Complete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if in := m.Counts().In(); in != size {
		t.Errorf("%d bytes in, want %d", in, size)
	}
}

func TestGeneratedReadsTheSameAtAnyOffset(t *testing.T) {
	p := storetest.Generated(3<<20, 1)
	all, err := io.ReadAll(p.Section())
	if err != nil || len(all) != 3<<20 {
		t.Fatal(len(all), err)
	}
	if got := checksum.Bytes(checksum.CRC64NVME, all); got != p.Sum(checksum.CRC64NVME) {
		t.Errorf("sum of the bytes is %v, of the pattern %v", got, p.Sum(checksum.CRC64NVME))
	}
	b := make([]byte, 1000)
	if _, err := p.ReadAt(b, 1<<20-3); err != nil || !bytes.Equal(b, all[1<<20-3:][:1000]) {
		t.Errorf("bytes in the middle differ, %v", err)
	}
	if n, err := p.ReadAt(b, 3<<20-10); n != 10 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func TestVersions(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.Versioned())
	old := m.PutBytes(ref, []byte("old"))
	m.PutBytes(ref, []byte("new"))
	m.Remove(ref)
	if _, err := m.Head(t.Context(), store.GetRequest{Ref: ref}); !errors.Is(err, store.NotFound) {
		t.Errorf("deleted: %v", err)
	}
	if got := m.Bytes(old.Ref); string(got) != "old" {
		t.Errorf("old version = %q", got)
	}
	gone := old.Ref
	gone.Version = "version-999999"
	if _, err := m.Get(t.Context(), store.GetRequest{Ref: gone}); !errors.Is(err, store.Changed) {
		t.Errorf("no such version: %v", err)
	}
}

func TestArchivedObjectMustBeRestored(t *testing.T) {
	m := storetest.New(storetest.For(t))
	m.Make(ref, bytes.NewReader([]byte("cold")), storetest.Made{Attrs: &store.Attrs{StorageClass: "GLACIER"}})
	if _, err := m.Get(t.Context(), store.GetRequest{Ref: ref}); !errors.Is(err, store.Archived) {
		t.Errorf("Get: %v", err)
	}
	if o, err := m.Head(t.Context(), store.GetRequest{Ref: ref}); err != nil || o.StorageClass != "GLACIER" {
		t.Errorf("Head: %v, %v", o, err)
	}
	m.Restore(ref)
	b, err := m.Get(t.Context(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
}

func TestEncryptedETagIsNoMD5(t *testing.T) {
	m := storetest.New(storetest.For(t))
	a := &store.Attrs{Encryption: store.Encryption{SSE: "aws:kms"}}
	o := m.Make(ref, bytes.NewReader([]byte("x")), storetest.Made{Attrs: a})
	if s, ok := checksum.FromETag(o.ETag); !ok || s == checksum.Bytes(checksum.MD5, []byte("x")) {
		t.Errorf("ETag %s should look like an MD5, and not be the right one", o.ETag)
	}
}

func TestCustomerKeyIsNeededToRead(t *testing.T) {
	m := storetest.New(storetest.For(t))
	a := &store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: "0123"}}}
	m.Make(ref, bytes.NewReader([]byte("x")), storetest.Made{Attrs: a})
	if _, err := m.Get(t.Context(), store.GetRequest{Ref: ref}); !errors.Is(err, store.Invalid) {
		t.Errorf("without key: %v", err)
	}
	if _, err := m.Head(t.Context(), store.GetRequest{Ref: ref, Attrs: a}); err != nil {
		t.Errorf("with key: %v", err)
	}
}

func TestRequesterPays(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.RequesterPays())
	m.PutBytes(ref, []byte("x"))
	if _, err := m.Head(t.Context(), store.GetRequest{Ref: ref}); !errors.Is(err, store.Denied) {
		t.Errorf("unpaid: %v", err)
	}
	if _, err := m.Head(t.Context(), store.GetRequest{Ref: ref, Attrs: &store.Attrs{RequestPayer: "requester"}}); err != nil {
		t.Errorf("paid: %v", err)
	}
}

func TestPartSentTwiceAtOnceMaySpoilTheUpload(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.Limits(store.Limits{NoDuplicateParts: true}))
	u := upload(t, m, checksum.CRC64NVME)
	m.Fault(storetest.PutPart).After(1).Hook(func() {
		if _, err := m.PutPart(context.Background(), part(u, 1, "twin")); err != nil {
			t.Error(err)
		}
	})
	p, err := m.PutPart(t.Context(), part(u, 1, "twin"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Complete(t.Context(), store.CompleteRequest{Upload: u, Parts: []store.Part{p}, Size: 4})
	if !errors.Is(err, store.Invalid) {
		t.Errorf("Complete: %v", err)
	}
}

func TestPartsMustBeEqualWhereTheStoreSaysSo(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.Limits(store.Limits{EqualParts: true}))
	for sizes, want := range map[[3]int]store.Kind{{4, 4, 2}: "", {4, 4, 4}: "", {4, 3, 4}: store.Invalid, {4, 4, 5}: store.Invalid} {
		u := upload(t, m, checksum.CRC64NVME)
		r := store.CompleteRequest{Upload: u}
		for i, n := range sizes {
			p, err := m.PutPart(t.Context(), part(u, i+1, "abcdefgh"[:n]))
			if err != nil {
				t.Fatal(err)
			}
			r.Parts, r.Size = append(r.Parts, p), r.Size+p.Size
		}
		if _, err := m.Complete(t.Context(), r); store.KindOf(err) != want {
			t.Errorf("%v: %v", sizes, err)
		}
	}
}
