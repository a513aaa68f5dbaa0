package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Conformance names how a store is known to differ from what package store promises. The zero value is no difference. Run
// checks that each named difference exists; so a store that has improved is noticed.
type Conformance struct {
	// Without are the checksums that the store does not support.
	// Ignores are algorithms that it does nothing with, although it checks others.
	Ignores []checksum.Algorithm
	Without []checksum.Algorithm
	// IgnoresChecksums: it accepts checksums, but checks none other than Content-MD5, and returns none.
	IgnoresChecksums bool
	// WholeUnchecked: Complete accepts a wrong checksum of the full object. (Any store may accept a wrong composite one:
	// that shows in the Object.)
	WholeUnchecked bool
	// SizeUnchecked: Complete accepts a wrong size.
	SizeUnchecked bool
	// PartsUnchecked: Complete accepts parts in any order, and while it checks one list of parts refuses another as
	// unavailable.
	PartsUnchecked bool
	// NoUploadTags: an upload loses its tags silently.
	NoUploadTags bool
	// CopiesUnpinned: Copy and CopyPart ignore IfMatch.
	CopiesUnpinned bool
	// OldPartsListed: it is left to chance which of two parts with one number, sent within a second, Parts returns.
	OldPartsListed bool
	// SmallParts: parts other than the last may be smaller than Limits say.
	SmallParts bool
	// NoEmptyPart: an upload of one empty part cannot be completed.
	NoEmptyPart bool
	// CompleteClobbers: Complete ignores NoClobber.
	CompleteClobbers bool
	// CompleteTwiceIsNotFound: a second Complete of an upload finds no such upload, in place of answering as the first did.
	CompleteTwiceIsNotFound bool
	// CompleteGoneIsUnavailable: Complete of an upload that was aborted is refused as if it were in progress.
	CompleteGoneIsUnavailable bool
	// ExactUploadsPrefix: Uploads finds those of one key only.
	ExactUploadsPrefix bool
	// NoLayout: the parts of an object cannot be listed.
	NoLayout bool
	// NoCopyPart: CopyPart is not supported.
	NoCopyPart bool
	// CopyPartSpoilsSums: an upload with a checksum other than MD5, filled by CopyPart, cannot be completed.
	CopyPartSpoilsSums bool
	// KeepsCutBodies: a body without checksum that ends early may be kept as if it had been complete; by chance, so it is
	// not checked.
	KeepsCutBodies bool
	// NoDeleteMany: DeleteMany is not supported.
	NoDeleteMany bool
	// KeepsVersions: a bucket whose objects were all deleted is not empty.
	KeepsVersions bool
	// NoTags: tags are not supported.
	NoTags bool
	// KeyParentConflict: if there is an object a, there can be no object a/b.
	KeyParentConflict bool
	// CleansKeys: keys with "//", "./" or "../" in them are treated as those without, and a listing returns those.
	CleansKeys bool
	// PutOnly are odd keys under which an upload in parts does not end up.
	PutOnly []string
	// Refused are odd keys that the store refuses, or stores under other names; see OddKeys.
	Refused []string
}

// OddKeys returns keys that are easy to get wrong. Run stores an object under each.
func OddKeys() []string {
	return []string{
		"plain", "with space", "with+plus", "50%25 done", "ünïcöde/読み.fastq.gz", "e\u0301 and \u00e9", "two//slashes",
		"/leading", "trailing/", "a/../b", "./c", "quote\"and'quote", "amp&lt<gt>", "semi;colon:at@", "hash#query?x=y", "back\\slash",
		"tab\tkey", "line\nkey", "star*(paren)!$", "~tilde,comma=", "[brackets]{braces}|^`",
	}
}

// suite is one store under test.
type suite struct {
	store.Store
	bucket string
	c      Conformance
	part   int64 // a size that every part may have
	max    int64 // of a Put in the tests, in bytes
	prefix string
}

// Run checks that a store keeps the promises of package store. open returns the store and a bucket to write to, for each
// test; it may return the same ones every time. Keys begin with "storetest/" and the time; they are not removed. Sizes
// follow the store's Limits: with S3's, it moves about 300 MB.
func Run(t *testing.T, open func(t *testing.T) (store.Store, string), c Conformance) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"Put", testPut}, {"PutWrongSum", testPutWrongSum}, {"PutNoClobber", testPutNoClobber}, {"PutShortBody", testPutShortBody},
		{"Ranges", testRanges}, {"Pins", testPins}, {"BodyClosedEarly", testBodyClosedEarly},
		{"Upload", testUpload}, {"PartsOutOfOrder", testPartsOutOfOrder}, {"PartOverwritten", testPartOverwritten},
		{"ManyParts", testManyParts}, {"Schemes", testSchemes}, {"WrongSize", testWrongSize}, {"WrongParts", testWrongParts},
		{"SmallParts", testSmallParts}, {"CompleteNoClobber", testCompleteNoClobber}, {"CompleteTwice", testCompleteTwice},
		{"Abort", testAbort}, {"Uploads", testUploads}, {"Layout", testLayout}, {"List", testList}, {"ListPages", testListPages},
		{"Level", testLevel}, {"Buckets", testBuckets},
		{"Delete", testDelete}, {"DeleteMany", testDeleteMany}, {"DeleteManyPages", testDeleteManyPages},
		{"Attrs", testAttrs}, {"Copy", testCopy}, {"CopyPart", testCopyPart}, {"CopyPins", testCopyPins},
		{"Keys", testKeys}, {"KeyParent", testKeyParent}, {"Kinds", testKinds}, {"Concurrent", testConcurrent}, {"Context", testContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			st, bucket := open(t)
			s := &suite{Store: st, bucket: bucket, c: c}
			l := s.Limits(bucket)
			s.part = cmp.Or(l.MinPart, 16)
			s.max = 3*s.part + 7
			if l.MaxPut > 0 {
				s.max = min(s.max, l.MaxPut)
			}
			s.prefix = "storetest/" + strconv.FormatInt(time.Now().UnixNano(), 36) + "/"
			test.run(t, s)
		})
	}
}

func (s *suite) ref(key string) store.Ref { return store.Ref{Bucket: s.bucket, Key: s.prefix + key} }

// sizes are those at which stores and their callers tend to fail.
func (s *suite) sizes() []int64 { return []int64{0, 1, s.part - 1, s.part, s.part + 1, 3*s.part + 7} }

func sumOf(p Content, a checksum.Algorithm) checksum.Sum {
	sum, err := checksum.Section(a, wholeOf(p), make([]byte, slice))
	if err != nil {
		panic("storetest: internal error: " + err.Error())
	}
	return sum
}

// put stores content with the best checksum that the store supports.
func (s *suite) put(t *testing.T, ref store.Ref, p Content, a *store.Attrs) store.Object {
	t.Helper()
	o, err := s.tryPut(t.Context(), store.PutRequest{Ref: ref, Body: wholeOf(p), Attrs: a}, p)
	if err != nil {
		t.Fatalf("Put %s: %v", ref, err)
	}
	return o
}

// tryPut sends content by the store's own Scheme; after a refusal, Scheme must return another.
func (s *suite) tryPut(ctx context.Context, r store.PutRequest, p Content) (store.Object, error) {
	for {
		scheme := s.Scheme(s.bucket, checksum.CRC64NVME)
		if r.Sum = (checksum.Sum{}); scheme.Algorithm != checksum.None {
			r.Sum = sumOf(p, scheme.Algorithm)
		}
		o, err := s.Put(ctx, r)
		if !errors.Is(err, store.ChecksumRefused) || s.Scheme(s.bucket, checksum.CRC64NVME) == scheme {
			return o, err
		}
	}
}

// begin opens an upload with the wanted scheme, or by the store's best.
func (s *suite) begin(t *testing.T, ref store.Ref, want checksum.Scheme) store.Upload {
	t.Helper()
	u, err := s.Create(t.Context(), ref, want, nil)
	if err != nil {
		t.Fatalf("Create %s: %v", ref, err)
	}
	if u.ID == "" || u.Ref != ref {
		t.Fatalf("Create %s gave %+v", ref, u)
	}
	return u
}

var best = checksum.Scheme{Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject}

func partRequest(u store.Upload, number int, p Content) store.PutPartRequest {
	r := store.PutPartRequest{Upload: u, Number: number, Body: wholeOf(p)}
	if a := u.Scheme.Algorithm; a != checksum.None {
		r.Sum = sumOf(p, a)
	}
	return r
}

// send stores one part.
func (s *suite) send(t *testing.T, u store.Upload, number int, p Content) store.Part {
	t.Helper()
	r := partRequest(u, number, p)
	q, err := s.PutPart(t.Context(), r)
	if err != nil {
		t.Fatalf("PutPart %d of %s: %v", number, u.Ref, err)
	}
	if q.Number != number || q.Size != p.Size() || q.ETag == "" {
		t.Errorf("PutPart %d of %s gave %+v", number, u.Ref, q)
	}
	s.checkSum(t, q.Sum, r.Sum)
	return q
}

// checkSum compares the checksum that a store reports with what was sent; it may only be missing if that is known.
func (s *suite) checkSum(t *testing.T, got, sent checksum.Sum) {
	t.Helper()
	silent := s.c.IgnoresChecksums || sent.Algorithm == checksum.MD5
	if got.IsZero() && silent || got.Algorithm != sent.Algorithm {
		return
	}
	if got != sent {
		t.Errorf("the store says %v, sent was %v", got, sent)
	}
}

// completeRequest returns the request that completes an upload of parts that make up p.
func completeRequest(u store.Upload, parts []store.Part, p Content) store.CompleteRequest {
	r := store.CompleteRequest{Upload: u, Parts: parts, Size: p.Size()}
	switch a := u.Scheme.Algorithm; {
	case a == checksum.None || a == checksum.MD5:
	case u.Scheme.Kind == checksum.FullObject:
		r.Sum = sumOf(p, a)
	default:
		r.Sum = composite(u.Scheme.Algorithm, parts, p)
	}
	return r
}

// composite returns the sum of the sums of consecutive parts of p.
func composite(a checksum.Algorithm, parts []store.Part, p Content) checksum.Sum {
	var sums []checksum.Sum
	var off int64
	for _, q := range parts {
		sums = append(sums, sumOf(section(p, off, q.Size), a))
		off += q.Size
	}
	sum, err := checksum.Compose(sums)
	if err != nil {
		panic("storetest: internal error: " + err.Error())
	}
	return sum
}

// complete turns an upload into an object, and checks what is reported of it.
func (s *suite) complete(t *testing.T, u store.Upload, parts []store.Part, p Content) store.Object {
	t.Helper()
	r := completeRequest(u, parts, p)
	o, err := s.Complete(t.Context(), r)
	if err != nil {
		t.Fatalf("Complete %s: %v", u.Ref, err)
	}
	s.checkSum(t, o.Sum(r.Sum.Algorithm), r.Sum)
	return o
}

// upload stores content in parts.
func (s *suite) upload(t *testing.T, ref store.Ref, p Content, want checksum.Scheme) store.Object {
	t.Helper()
	u := s.begin(t, ref, want)
	var parts []store.Part
	for off := int64(0); off == 0 || off < p.Size(); off += s.part {
		parts = append(parts, s.send(t, u, len(parts)+1, section(p, off, min(s.part, p.Size()-off))))
	}
	return s.complete(t, u, parts, p)
}

// read returns all bytes of a range.
func (s *suite) read(ctx context.Context, r store.GetRequest) (*store.Body, []byte, error) {
	b, err := s.Get(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(b)
	return b, data, errors.Join(err, b.Close())
}

// holds checks that an object has the content p, and that what the store reports of it is right.
func (s *suite) holds(t *testing.T, ref store.Ref, p Content) store.Object {
	t.Helper()
	o, err := s.Head(t.Context(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatalf("Head %s: %v", ref, err)
	}
	b, data, err := s.read(t.Context(), store.GetRequest{Ref: ref, IfMatch: o.ETag})
	if err != nil {
		t.Fatalf("Get %s: %v", ref, err)
	}
	want := make([]byte, p.Size())
	if _, err := wholeOf(p).ReadAt(want, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%s: %d bytes came back, other than the %d that were stored", ref, len(data), len(want))
	}
	if b.Range != (store.Range{Length: p.Size()}) {
		t.Errorf("%s: Body.Range is %+v of %d bytes", ref, b.Range, p.Size())
	}
	for _, x := range []store.Object{o, b.Object} {
		if x.Key != ref.Key || x.Bucket != ref.Bucket || x.Size != p.Size() || x.ETag == "" || x.ETag != o.ETag {
			t.Errorf("%s of %d bytes: is %+v", ref, p.Size(), x)
		}
		if d := time.Since(x.Modified).Abs(); d > time.Hour {
			t.Errorf("%s: modified %v ago", ref, d)
		}
		for _, sum := range x.Sums {
			if sum.Parts == 0 && sum != sumOf(p, sum.Algorithm) {
				t.Errorf("%s: the store vouches for %v", ref, sum)
			}
		}
	}
	return o
}

// without reports whether the store does not support a.
func (s *suite) without(a checksum.Algorithm) bool {
	return slices.Contains(s.c.Without, a) || slices.Contains(s.c.Ignores, a)
}

// want fails the test when err is not of the kind.
func want(t *testing.T, what string, err error, kinds ...store.Kind) {
	t.Helper()
	for _, k := range kinds {
		if errors.Is(err, k) {
			return
		}
	}
	t.Errorf("%s: error is %v, want %q", what, err, kinds)
}
