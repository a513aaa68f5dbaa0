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

func testUpload(t *testing.T, s *suite) {
	for i, size := range s.sizes() {
		ref, p := s.ref(fmt.Sprint("upload-", size)), Generated(size, uint64(i))
		if size == 0 && s.c.NoEmptyPart {
			u := s.begin(t, ref, best)
			if _, err := s.Complete(t.Context(), completeRequest(u, []store.Part{s.send(t, u, 1, p)}, p)); err == nil {
				t.Error("the store does take an empty part")
			}
			s.drop(t, u)
			continue
		}
		done := s.upload(t, ref, p, best)
		o := s.holds(t, ref, p)
		if done.ETag != "" && done.ETag != o.ETag || done.Size != size || done.Key != ref.Key {
			t.Errorf("Complete returned %+v, Head %+v", done, o)
		}
	}
}

// cutInParts splits content into parts of that size.
func cutInParts(p Content, size int64) (parts []Content) {
	for off := int64(0); off < p.Size(); off += size {
		parts = append(parts, section(p, off, min(size, p.Size()-off)))
	}
	return parts
}

func testPartsOutOfOrder(t *testing.T, s *suite) {
	ref, p := s.ref("order"), Generated(3*s.part+7, 1)
	u := s.begin(t, ref, best)
	var sent []store.Part
	for i, c := range slices.Backward(cutInParts(p, s.part)) {
		sent = append(sent, s.send(t, u, 2*i+1, c)) // numbers may have gaps
	}
	slices.Reverse(sent)
	open, listed, err := s.Parts(t.Context(), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	if open.ID != u.ID || open.Ref != u.Ref || open.Scheme != u.Scheme {
		t.Errorf("Parts returns %+v of %+v", open, u)
	}
	if len(listed) != len(sent) {
		t.Fatalf("listed are %+v, sent %+v", listed, sent)
	}
	for i, q := range listed {
		if q.Number != sent[i].Number || q.Size != sent[i].Size || q.ETag != sent[i].ETag {
			t.Errorf("listed is %+v, sent %+v", q, sent[i])
		}
		s.checkSum(t, q.Sum, sent[i].Sum)
	}
	s.complete(t, u, listed, p)
	s.holds(t, ref, p)
}

func testPartOverwritten(t *testing.T, s *suite) {
	ref, p := s.ref("overwritten"), Generated(100, 2)
	u := s.begin(t, ref, best)
	s.send(t, u, 1, Generated(200, 1))
	q := s.send(t, u, 1, p)
	_, listed, err := s.Parts(t.Context(), u, nil)
	if err != nil || len(listed) != 1 || (listed[0].Size != 100 || listed[0].ETag != q.ETag) && !s.c.OldPartsListed {
		t.Errorf("listed: %+v, %v", listed, err)
	}
	s.complete(t, u, []store.Part{q}, p)
	s.holds(t, ref, p)
}

// testManyParts looks beyond the first page of a listing.
func testManyParts(t *testing.T, s *suite) {
	n := 1003
	if l := s.Limits(s.bucket).MaxParts; l > 0 {
		n = min(n, l)
	}
	u := s.begin(t, s.ref("many"), best)
	byteOf := Generated(1, 1)
	each(t, n, func(i int) error {
		_, err := s.PutPart(t.Context(), partRequest(u, i+1, byteOf))
		return err
	})
	_, listed, err := s.Parts(t.Context(), u, nil)
	if err != nil || len(listed) != n {
		t.Fatalf("%d parts are listed of %d, %v", len(listed), n, err)
	}
	for i, q := range listed {
		if q.Number != i+1 || q.Size != 1 {
			t.Fatalf("part %d is %+v", i+1, q)
		}
	}
	s.drop(t, u)
}

func testSchemes(t *testing.T, s *suite) {
	var wishes []checksum.Scheme
	for _, a := range algorithms {
		wishes = append(wishes, checksum.Scheme{Algorithm: a})
		if a.CanCombine() {
			wishes = append(wishes, checksum.Scheme{Algorithm: a, Kind: checksum.FullObject}, checksum.Scheme{Algorithm: a, Kind: checksum.Composite})
		}
	}
	for _, w := range wishes {
		t.Run(fmt.Sprintf("%s %s", w.Algorithm, w.Kind), func(t *testing.T) { testScheme(t, s, w) })
	}
}

// testScheme uploads two parts by one scheme, and sends something wrong at every step.
func testScheme(t *testing.T, s *suite, wish checksum.Scheme) {
	ref, p := s.ref(fmt.Sprintf("scheme-%s-%s", wish.Algorithm, wish.Kind)), Generated(s.part+100, 1)
	u := s.begin(t, ref, wish)
	a := u.Scheme.Algorithm
	// A store that does not support the wanted kind may consider another algorithm closer.
	near := a == wish.Algorithm || wish.Kind != "" && wish.Kind != u.Scheme.Kind
	if missing := s.without(wish.Algorithm); !s.c.IgnoresChecksums && (!near && !missing || missing && a == wish.Algorithm) {
		t.Errorf("wished was for %v, got %v", wish, u.Scheme)
	}
	if a == checksum.None {
		return
	}
	unchecked := s.c.IgnoresChecksums && a != checksum.MD5
	var sent []store.Part
	for i, c := range cutInParts(p, s.part) {
		r := partRequest(u, i+1, c)
		right := r.Sum
		r.Sum = sumOf(changed(c), a)
		if _, err := s.PutPart(t.Context(), r); !unchecked {
			want(t, "PutPart with a wrong sum", err, store.Corrupt)
		} else if err != nil {
			t.Errorf("PutPart with a wrong sum that is ignored: %v", err)
		}
		if _, parts, err := s.Parts(t.Context(), u, nil); !unchecked && (err != nil || len(parts) != i) {
			t.Errorf("parts after a refusal: %+v, %v", parts, err)
		}
		q := s.send(t, u, i+1, c)
		if q.Sum != right && !unchecked && a != checksum.MD5 {
			t.Errorf("part %d: the store says %v, want %v", i+1, q.Sum, right)
		}
		if s.TakesLateSums(u) {
			q = s.sendLate(t, r, right)
		}
		sent = append(sent, q)
	}
	wrong := completeRequest(u, sent, p)
	right := wrong.Sum
	if !right.IsZero() {
		wrong.Sum.Value = sumOf(changed(p), a).Value
		if s.lieAtComplete(t, wrong) {
			return
		}
	}
	o := s.complete(t, u, sent, p)
	head := s.holds(t, ref, p)
	if unchecked || a == checksum.MD5 {
		return
	}
	if head.Sum(a) != right {
		t.Errorf("Head returns %v, want %v; Complete returned %v", head.Sums, right, o.Sums)
	}
}

// sendLate stores a part with a trailing checksum, first a wrong one. The body can be read only once.
func (s *suite) sendLate(t *testing.T, r store.PutPartRequest, right checksum.Sum) store.Part {
	t.Helper()
	lie := r.Sum
	r.Sum = checksum.Sum{}
	once := func(sum checksum.Sum) store.PutPartRequest {
		body := &onceOver{ReaderAt: r.Body, t: t}
		late := r
		late.Body = io.NewSectionReader(body, 0, r.Body.Size())
		late.LateSum = func() checksum.Sum {
			if body.at != r.Body.Size() {
				t.Errorf("the sum was asked for after %d bytes of %d", body.at, r.Body.Size())
			}
			return sum
		}
		return late
	}
	q, err := s.PutPart(t.Context(), once(right))
	if err != nil || q.Sum != right || q.Number != r.Number || q.Size != r.Body.Size() {
		t.Fatalf("PutPart with a trailing checksum gave %+v, %v; want %v", q, err, right)
	}
	_, err = s.PutPart(t.Context(), once(lie))
	want(t, "PutPart with a wrong trailing checksum", err, store.Corrupt)
	return q
}

// onceOver is read from front to back, once.
type onceOver struct {
	io.ReaderAt
	t  *testing.T
	at int64
}

// ReadAt reads the next bytes.
func (o *onceOver) ReadAt(p []byte, off int64) (int, error) {
	if off != o.at {
		o.t.Errorf("read at %d, after %d", off, o.at)
	}
	n, err := o.ReaderAt.ReadAt(p, off)
	o.at = off + int64(n)
	return n, err
}

// lieAtComplete sends a wrong sum of the whole, and reports whether the upload is gone after it.
func (s *suite) lieAtComplete(t *testing.T, r store.CompleteRequest) bool {
	t.Helper()
	o, err := s.Complete(t.Context(), r)
	full := r.Upload.Scheme.Kind == checksum.FullObject
	switch {
	case err == nil && full && !s.c.WholeUnchecked && !s.c.IgnoresChecksums:
		t.Errorf("Complete took a wrong sum of the whole")
	case err != nil:
		want(t, "Complete with a wrong sum of the whole", err, store.Corrupt)
		if full && s.c.WholeUnchecked {
			t.Errorf("Complete does check the sum of the whole")
		}
	case o.Sum(r.Sum.Algorithm) == r.Sum:
		t.Errorf("Complete took a wrong sum and says it is right")
	}
	return err == nil
}

func testWrongSize(t *testing.T, s *suite) {
	ref, p := s.ref("size"), Generated(100, 1)
	u := s.begin(t, ref, best)
	r := completeRequest(u, []store.Part{s.send(t, u, 1, p)}, p)
	r.Size++
	_, err := s.Complete(t.Context(), r)
	if s.c.SizeUnchecked {
		if err != nil {
			t.Errorf("Complete with a wrong size: %v, though it is not checked", err)
		}
		return
	}
	want(t, "Complete with a wrong size", err, store.Invalid)
	s.drop(t, u)
}

func testWrongParts(t *testing.T, s *suite) {
	ref, p := s.ref("parts"), Generated(s.part+1, 1)
	u := s.begin(t, ref, best)
	var sent []store.Part
	for i, c := range cutInParts(p, s.part) {
		sent = append(sent, s.send(t, u, i+1, c))
	}
	if s.c.PartsUnchecked {
		r := completeRequest(u, sent, p)
		slices.Reverse(r.Parts)
		if _, err := s.Complete(t.Context(), r); err != nil {
			t.Errorf("Complete with parts in the wrong order: %v, though it is not checked", err)
		}
		s.holds(t, ref, p)
		return
	}
	forged := slices.Clone(sent)
	forged[1].ETag = sent[0].ETag
	missing := append(slices.Clone(sent), store.Part{Number: 3, Size: 1, ETag: sent[0].ETag})
	for name, parts := range map[string][]store.Part{
		"an ETag of another part": forged, "a part that is missing": missing,
		"parts in the wrong order": {sent[1], sent[0]}, "no parts": nil,
	} {
		r := completeRequest(u, sent, p)
		r.Parts = parts
		_, err := s.Complete(t.Context(), r)
		if len(parts) == 0 && errors.Is(err, store.NoUpload) { // SeaweedFS does not look up an upload without parts
			continue
		}
		want(t, "Complete with "+name, err, store.Invalid)
	}
	_, err := s.PutPart(t.Context(), partRequest(u, 0, Generated(1, 1)))
	want(t, "part 0", err, store.Invalid)
	if l := s.Limits(s.bucket).MaxParts; l > 0 {
		_, err := s.PutPart(t.Context(), partRequest(u, l+1, Generated(1, 1)))
		want(t, "a part past the last", err, store.Invalid)
	}
	s.complete(t, u, sent, p)
	s.holds(t, ref, p)
}

func testSmallParts(t *testing.T, s *suite) {
	if s.Limits(s.bucket).MinPart < 2 {
		return // no part is too small
	}
	ref, p := s.ref("small"), Generated(2*s.part-2, 1)
	u := s.begin(t, ref, best)
	var sent []store.Part
	for i, c := range cutInParts(p, s.part-1) {
		sent = append(sent, s.send(t, u, i+1, c))
	}
	_, err := s.Complete(t.Context(), completeRequest(u, sent, p))
	if s.c.SmallParts {
		if err != nil {
			t.Errorf("Complete with a small part: %v", err)
		}
		return
	}
	want(t, "Complete with a small part", err, store.Invalid)
	s.drop(t, u)
}

func testCompleteNoClobber(t *testing.T, s *suite) {
	ref, p, other := s.ref("once"), Generated(100, 1), Generated(100, 2)
	for i, c := range []Content{p, other} {
		u := s.begin(t, ref, best)
		r := completeRequest(u, []store.Part{s.send(t, u, 1, c)}, c)
		r.NoClobber = true
		_, err := s.Complete(t.Context(), r)
		switch {
		case i == 0 || s.c.CompleteClobbers:
			if err != nil {
				t.Fatalf("Complete %d: %v", i+1, err)
			}
			s.holds(t, ref, c)
		default:
			want(t, "second", err, store.Exists)
			s.holds(t, ref, p)
			s.drop(t, u)
		}
	}
}

func testCompleteTwice(t *testing.T, s *suite) {
	ref, p := s.ref("twice"), Generated(100, 1)
	u := s.begin(t, ref, best)
	r := completeRequest(u, []store.Part{s.send(t, u, 1, p)}, p)
	first, err := s.Complete(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Complete(t.Context(), r)
	switch {
	case s.c.CompleteTwiceIsNotFound:
		want(t, "second", err, store.NoUpload)
	case err != nil || second.ETag != first.ETag && second.ETag != "" && first.ETag != "":
		t.Errorf("second: %+v, %v", second, err)
	}
	s.holds(t, ref, p)
}

func testAbort(t *testing.T, s *suite) {
	ref, p := s.ref("aborted"), Generated(100, 1)
	u := s.begin(t, ref, best)
	q := s.send(t, u, 1, p)
	for range 2 {
		if err := s.Abort(t.Context(), u, nil); err != nil {
			t.Errorf("Abort: %v", err)
		}
	}
	_, _, err := s.Parts(t.Context(), u, nil)
	want(t, "Parts", err, store.NoUpload)
	_, err = s.PutPart(t.Context(), partRequest(u, 2, p))
	want(t, "PutPart", err, store.NoUpload)
	_, err = s.Complete(t.Context(), completeRequest(u, []store.Part{q}, p))
	gone := store.NoUpload
	if s.c.CompleteGoneIsUnavailable {
		gone = store.Unavailable
	}
	want(t, "Complete", err, gone)
	_, err = s.Head(t.Context(), store.GetRequest{Ref: ref})
	want(t, "Head", err, store.NotFound)
}

func testUploads(t *testing.T, s *suite) {
	var open []store.Upload
	for _, key := range []string{"dir/a b+c", "dir/a b+c", "dir/ü&z", "other"} {
		open = append(open, s.begin(t, s.ref(key), best))
	}
	list := func(prefix string) map[string]store.Upload {
		got := map[string]store.Upload{}
		for u, err := range s.Uploads(t.Context(), s.bucket, prefix) {
			if err != nil {
				t.Fatalf("Uploads of %q: %v", prefix, err)
			}
			got[u.ID] = u
		}
		return got
	}
	check := func(prefix string, want ...store.Upload) {
		t.Helper()
		got := list(prefix)
		if len(got) != len(want) {
			t.Errorf("Uploads of %q: %d, want %d", prefix, len(got), len(want))
		}
		for _, u := range want {
			if got[u.ID].Ref != u.Ref || got[u.ID].Started.IsZero() {
				t.Errorf("Uploads of %q: %+v, want %+v", prefix, got[u.ID], u)
			}
		}
	}
	check(s.prefix+"dir/a b+c", open[0], open[1])
	check(s.prefix + "none")
	if s.c.ExactUploadsPrefix {
		check(s.prefix + "dir/")
	} else {
		check(s.prefix+"dir/", open[:3]...)
		check(s.prefix, open...)
	}
	for _, err := range s.Uploads(t.Context(), s.bucket, open[0].Key) {
		if err != nil {
			t.Error(err)
		}
		break // a caller may stop
	}
	for _, u := range open {
		s.drop(t, u)
	}
	check(open[0].Key)
}

func testLayout(t *testing.T, s *suite) {
	p := Generated(2*s.part+7, 1)
	single := s.put(t, s.ref("single"), Generated(100, 1), nil)
	parts, err := s.Layout(t.Context(), single, nil)
	if !s.c.NoLayout && (err != nil || len(parts) != 1 || parts[0].Number != 1 || parts[0].Size != 100) {
		t.Errorf("of one Put: %+v, %v", parts, err)
	}
	s.upload(t, s.ref("layout"), p, best)
	o := s.holds(t, s.ref("layout"), p)
	parts, err = s.Layout(t.Context(), o, nil)
	if s.c.NoLayout {
		want(t, "Layout", err, store.Unsupported)
		return
	}
	if err != nil || len(parts) != 3 {
		t.Fatalf("%+v, %v", parts, err)
	}
	for i, c := range cutInParts(p, s.part) {
		q := parts[i]
		if q.Number != i+1 || q.Size != c.Size() {
			t.Errorf("part %d: %+v", i+1, q)
		}
		if !q.Sum.IsZero() && q.Sum != sumOf(c, q.Sum.Algorithm) {
			t.Errorf("part %d: %v is not its sum", i+1, q.Sum)
		}
	}
	o.ETag = single.ETag
	if _, err := s.Layout(t.Context(), o, nil); err == nil || errors.Is(err, store.Unsupported) {
		t.Logf("Layout of another state: %v", err)
	}
}
