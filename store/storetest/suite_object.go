package storetest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

func testPut(t *testing.T, s *suite) {
	for i, size := range s.sizes() {
		if size > s.max {
			continue // upload does it
		}
		ref, p := s.ref(fmt.Sprint("put-", size)), Generated(size, uint64(i))
		put := s.put(t, ref, p, nil)
		o := s.holds(t, ref, p)
		if put.ETag != o.ETag || put.Size != size || put.Key != ref.Key {
			t.Errorf("Put returned %+v, Head %+v", put, o)
		}
		if a := s.Scheme(s.bucket, checksum.CRC64NVME).Algorithm; a != checksum.None && a != checksum.MD5 && !s.c.IgnoresChecksums {
			if o.Sum(a).IsZero() {
				t.Errorf("sent with a %s, but only %v is returned", a, o.Sums)
			}
		}
	}
}

// algorithms are those that a Put or an upload may request.
var algorithms = checksum.All()

// changed returns content that differs in one byte.
func changed(p Content) Content {
	b := make([]byte, p.Size())
	if _, err := wholeOf(p).ReadAt(b, 0); err != nil && err != io.EOF {
		panic("storetest: internal error: " + err.Error())
	}
	b[len(b)/2] ^= 1
	return bytesContent(b)
}

func testPutWrongSum(t *testing.T, s *suite) {
	p := Generated(1000, 1)
	for _, a := range algorithms {
		ref := s.ref("wrong-" + string(a))
		r := store.PutRequest{Ref: ref, Body: wholeOf(p), Sum: sumOf(changed(p), a)}
		_, err := s.Put(t.Context(), r)
		switch {
		case slices.Contains(s.c.Ignores, a):
			if err != nil {
				t.Errorf("Put with a wrong %s: %v, though it is ignored", a, err)
			}
			continue
		case s.without(a):
			want(t, "Put with a "+string(a), err, store.ChecksumRefused)
			if got := s.Scheme(s.bucket, a).Algorithm; got == a {
				t.Errorf("%s was refused, and is still the scheme", a)
			}
		case s.c.IgnoresChecksums && a != checksum.MD5:
			if err != nil {
				t.Errorf("Put with a wrong %s: %v, though it is ignored", a, err)
			}
			continue
		default:
			want(t, "Put with a wrong "+string(a), err, store.Corrupt)
		}
		_, err = s.Head(t.Context(), store.GetRequest{Ref: ref})
		want(t, "Head of what was refused", err, store.NotFound)
	}
}

func testPutNoClobber(t *testing.T, s *suite) {
	ref, p := s.ref("once"), Generated(100, 1)
	r := store.PutRequest{Ref: ref, Body: wholeOf(p), NoClobber: true}
	if _, err := s.tryPut(t.Context(), r, p); err != nil {
		t.Fatalf("first: %v", err)
	}
	other := Generated(100, 2)
	r.Body = wholeOf(other)
	_, err := s.tryPut(t.Context(), r, other)
	want(t, "second", err, store.Exists)
	s.holds(t, ref, p)
	s.put(t, ref, other, nil)
	s.holds(t, ref, other)
}

// short is content that ends before its size, as a file that was truncated meanwhile.
type short struct{ Content }

func (s short) ReadAt(b []byte, off int64) (int, error) {
	half := s.Size() / 2
	if off >= half {
		return 0, io.EOF
	}
	n, err := s.Content.ReadAt(b[:min(int64(len(b)), half-off)], off)
	if off+int64(n) == half {
		err = io.EOF
	}
	return n, err
}

func testPutShortBody(t *testing.T, s *suite) {
	p := Generated(s.part, 1)
	for _, a := range []checksum.Algorithm{s.Scheme(s.bucket, checksum.CRC64NVME).Algorithm, checksum.None} {
		r := store.PutRequest{Ref: s.ref("short-" + string(a)), Body: wholeOf(short{p})}
		if a != checksum.None {
			r.Sum = sumOf(p, a)
		}
		if _, err := s.Put(t.Context(), r); err == nil {
			t.Errorf("Put took half a body")
		}
		_, err := s.Head(t.Context(), store.GetRequest{Ref: r.Ref})
		if a != checksum.None || !s.c.KeepsCutBodies {
			want(t, "Head of what came by half", err, store.NotFound)
		}
	}
	u := s.begin(t, s.ref("short-part"), best)
	r := partRequest(u, 1, p)
	r.Body = wholeOf(short{p})
	if _, err := s.PutPart(t.Context(), r); err == nil {
		t.Errorf("PutPart took half a body")
	}
	if _, parts, err := s.Parts(t.Context(), u, nil); err != nil || len(parts) != 0 {
		t.Errorf("Parts: %v, %v", parts, err)
	}
	s.drop(t, u)
}

// drop aborts an upload at the end of a test.
func (s *suite) drop(t *testing.T, u store.Upload) {
	t.Helper()
	if err := s.Abort(t.Context(), u, nil); err != nil {
		t.Errorf("Abort: %v", err)
	}
}

func testRanges(t *testing.T, s *suite) {
	const size = 1000
	ref, p := s.ref("ranges"), Generated(size, 1)
	o := s.put(t, ref, p, nil)
	for _, r := range []store.Range{
		{Offset: 0, Length: 1}, {Offset: 0, Length: size}, {Offset: 1, Length: 1}, {Offset: 500, Length: 100},
		{Offset: 999, Length: 1}, {Offset: 900, Length: 1000}, {Offset: 0, Length: 5000},
	} {
		b, data, err := s.read(t.Context(), store.GetRequest{Ref: ref, Range: r, IfMatch: o.ETag})
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		got := store.Range{Offset: r.Offset, Length: min(r.Length, size-r.Offset)}
		if b.Range != got || b.Object.Size != size || b.Object.ETag != o.ETag {
			t.Errorf("%+v: range %+v of %+v", r, b.Range, b.Object)
		}
		if want := make([]byte, got.Length); readAt(p, want, r.Offset) != string(data) {
			t.Errorf("%+v: %d other bytes", r, len(data))
		}
		for _, sum := range b.Object.Sums {
			if sum != sumOf(p, sum.Algorithm) {
				t.Errorf("%+v: %v is told, not of the whole", r, sum)
			}
		}
	}
	for _, off := range []int64{size, size + 1, 1 << 40} {
		_, _, err := s.read(t.Context(), store.GetRequest{Ref: ref, Range: store.Range{Offset: off, Length: 1}})
		want(t, fmt.Sprint("range at ", off), err, store.BadRange)
	}
	empty := s.ref("empty")
	s.put(t, empty, Generated(0, 1), nil)
	_, _, err := s.read(t.Context(), store.GetRequest{Ref: empty, Range: store.Range{Length: 1}})
	want(t, "range of an empty object", err, store.BadRange)
}

// readAt fills b from off and returns it.
func readAt(p Content, b []byte, off int64) string {
	if _, err := p.ReadAt(b, off); err != nil && err != io.EOF {
		panic("storetest: internal error: " + err.Error())
	}
	return string(b)
}

func testPins(t *testing.T, s *suite) {
	ref := s.ref("pinned")
	old := s.put(t, ref, Generated(100, 1), nil)
	p := Generated(100, 2)
	s.put(t, ref, p, nil)
	_, _, err := s.read(t.Context(), store.GetRequest{Ref: ref, IfMatch: old.ETag})
	want(t, "Get of the old state", err, store.Changed)
	_, _, err = s.read(t.Context(), store.GetRequest{Ref: ref, IfMatch: old.ETag, Range: store.Range{Offset: 10, Length: 10}})
	want(t, "Get of a range of the old state", err, store.Changed)
	_, err = s.Head(t.Context(), store.GetRequest{Ref: ref, IfMatch: old.ETag})
	want(t, "Head of the old state", err, store.Changed)
	s.holds(t, ref, p)
}

func testBodyClosedEarly(t *testing.T, s *suite) {
	ref, p := s.ref("early"), Generated(s.max, 1)
	s.put(t, ref, p, nil)
	for range 3 {
		b, err := s.Get(t.Context(), store.GetRequest{Ref: ref})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(b, make([]byte, 10)); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if n, err := b.Read(make([]byte, 10)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("Read after Close: %d bytes, %v", n, err)
		}
	}
	s.holds(t, ref, p)
}

func testAttrs(t *testing.T, s *suite) {
	a := &store.Attrs{
		Headers: store.Headers{
			ContentType: "application/vnd.bam", ContentEncoding: "identity", ContentDisposition: `attachment; filename="x y.bam"`,
			ContentLanguage: "en", CacheControl: "no-cache",
		},
		Metadata: map[string]string{"sample": "NA12878", "run-id": "2026 11 22"},
	}
	if !s.c.NoTags {
		a.Tags = map[string]string{"project": "a b+c", "k:/=@": "v_/=-."}
	}
	p := Generated(s.part+1, 1)
	put, up := s.ref("attrs-put"), s.ref("attrs-upload")
	s.put(t, put, p, a)
	u, err := s.Create(t.Context(), up, best, a)
	if err != nil {
		t.Fatal(err)
	}
	s.complete(t, u, []store.Part{s.send(t, u, 1, p)}, p)
	for _, ref := range []store.Ref{put, up} {
		o := s.holds(t, ref, p)
		if o.Attrs.Headers != a.Headers {
			t.Errorf("%s: headers are %+v, want %+v", ref, o.Attrs.Headers, a.Headers)
		}
		if fmt.Sprint(o.Attrs.Metadata) != fmt.Sprint(a.Metadata) {
			t.Errorf("%s: metadata is %q, want %q", ref, o.Attrs.Metadata, a.Metadata)
		}
		tags, err := s.Tags(t.Context(), ref, nil)
		if s.c.NoTags {
			want(t, "Tags", err, store.Unsupported)
		} else if lost := ref == up && s.c.NoUploadTags && len(tags) == 0; err != nil || fmt.Sprint(tags) != fmt.Sprint(a.Tags) && !lost {
			t.Errorf("%s: tags are %q, want %q; %v", ref, tags, a.Tags, err)
		}
	}
}
