package haul

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

// copyBest copies in the way that can be verified with the fewest requests: in one, unless the object is too large for
// that, or only a copy in the source's own parts has an ETag to compare. A store that cannot fill parts from an object
// copies in one.
func (t *transfer) copyBest(ctx context.Context, src store.Object, to store.Ref, limits store.Limits) (Result, error) {
	once := layout.OneCopy(src.Size, t.o.partSize, limits)
	if t.c.noCopyParts.Load() || once && !t.byParts(ctx, src, limits) {
		return t.copyOnce(ctx, src, to)
	}
	r, err := t.copyParts(ctx, src, to, limits)
	if t.wantsSum(src) && t.o.checksum == checksum.None && sumRefused(err) {
		t.unsummed = true // some stores do not sum what they copy into parts
		r, err = t.copyParts(ctx, src, to, limits)
	}
	if !errors.Is(err, store.Unsupported) || src.Size == 0 {
		return r, err
	}
	t.Note(fmt.Sprintf("the store does not copy in parts, so haul copies in one request: %v", err))
	r, once2 := t.copyOnce(ctx, src, to)
	if once2 != nil {
		return r, errors.Join(err, once2)
	}
	t.c.noCopyParts.Store(true)
	return r, nil
}

// sumRefused reports whether a store may have ended a copy because of its checksum.
func sumRefused(err error) bool {
	switch store.KindOf(err) {
	case store.ChecksumRefused, store.Unsupported, store.Invalid, store.Corrupt:
		return true
	}
	return false
}

// byParts reports whether only a copy in the source's own parts can be compared with it, and the store reports and takes
// these.
func (t *transfer) byParts(ctx context.Context, src store.Object, limits store.Limits) bool {
	tag, ok := src.MD5()
	if !ok || tag.Parts == 0 || src.Size == 0 || t.o.partSize != 0 || !src.FullSum().IsZero() || t.encrypts() {
		return false
	}
	return t.ownParts(ctx, src, limits) != nil && t.seesTags(ctx, src)
}

// seesTags reads the tags of the source, which a copy in parts must set itself. If that is not permitted, a copy in one
// request, to which the store copies the tags by itself, is worth more than one that can be verified.
func (t *transfer) seesTags(ctx context.Context, src store.Object) bool {
	if t.o.attrs.Tags != nil {
		return true
	}
	tags, err := t.tags(ctx, src.Ref)
	if err == nil {
		t.o.attrs.Tags = map[string]string{}
		maps.Copy(t.o.attrs.Tags, tags)
	}
	return err == nil || errors.Is(err, store.Unsupported) // then there are none
}

// encrypts reports whether the copy is encrypted in a way that makes its ETag something other than an MD5.
func (t *transfer) encrypts() bool {
	e := t.o.attrs.Encryption
	return e.SSE != "" && e.SSE != "AES256" || e.Customer.Key != ""
}

// ownParts returns the sizes of the parts that the source was uploaded in, in bytes, if the store reports them and takes
// them; else nil.
func (t *transfer) ownParts(ctx context.Context, src store.Object, limits store.Limits) []int64 {
	tag, ok := checksum.FromETag(src.ETag)
	if !ok || tag.Parts == 0 || t.o.partSize != 0 {
		return nil
	}
	if t.sourceParts == nil {
		sizes, err := t.layout(ctx, src, tag.Parts, t.opener())
		if err != nil || !allowed(sizes, limits) {
			sizes = []int64{}
		}
		t.sourceParts = sizes
	}
	if len(t.sourceParts) == 0 {
		return nil
	}
	return t.sourceParts
}

// likelyParts returns the sizes of the parts that the source was probably uploaded in, if the store does not report them: only a copy in
// the same parts has an ETag to compare. It returns nil if another copy can be verified as well, or if that one cannot be made.
func (t *transfer) likelyParts(src store.Object, limits store.Limits) []int64 {
	tag, ok := src.MD5()
	if !ok || tag.Parts == 0 || t.o.partSize != 0 || !src.FullSum().IsZero() || t.encrypts() {
		return nil
	}
	for _, part := range evidence.LikelySizes(src, tag.Parts) {
		if sizes := evidence.EqualParts(src.Size, part, tag.Parts); allowed(sizes, limits) {
			return sizes
		}
	}
	return nil
}

// wantsSum reports whether the store is asked to sum the copy as it makes it, since nothing that it records of the source
// can be compared with what it records of the copy.
func (t *transfer) wantsSum(src store.Object) bool {
	_, ok := src.MD5()
	return !t.unsummed && src.FullSum().IsZero() && (!ok || t.encrypts())
}

// sumOfCopy returns the algorithm by which the store is asked to sum a copy, or None.
func (t *transfer) sumOfCopy(src store.Object) checksum.Algorithm {
	switch {
	case t.o.checksum == checksum.None && t.wantsSum(src):
		return checksum.CRC64NVME
	case t.o.checksum == checksum.MD5: // stores check it with the bytes that they receive, and keep none
		return checksum.None
	}
	return t.o.checksum
}

// summedCopy returns the proof of a copy whose checksum the store computed as it made it, from a source that was pinned to
// one state and has no recorded checksum that could be compared. That is as much as the store can show without moving the
// bytes here. What is seen must be what the store answered with: nothing else links it to the source.
func summedCopy(src, answer, seen store.Object) (Proof, bool) {
	sum := seen.FullSum()
	_, a := src.MD5()
	_, b := seen.MD5()
	if sum.IsZero() || !src.FullSum().IsZero() || a && b || src.ETag == "" || answer.ETag == "" || answer.ETag != seen.ETag {
		return Proof{}, false
	}
	return Proof{Verified: true, Sum: sum, Text: fmt.Sprintf("%s that the store computed as it copied (it keeps no checksum of the source)", sum.Algorithm)}, true
}

// proofOfCopy compares source and copy by what the store records of both. The answer is the store's to the copy; zero if it
// was lost.
func (t *transfer) proofOfCopy(src, answer, seen store.Object) (Proof, error) {
	if t.o.checksum != checksum.MD5 && seen.Sum(t.o.checksum).IsZero() {
		if err := t.asked(checksum.Scheme{}); err != nil {
			return Proof{}, fmt.Errorf("%w (the copy is stored, without that checksum)", err)
		}
	}
	a, text := evidence.Same(src, seen)
	switch a.Verdict {
	case evidence.Mismatch:
		return Proof{}, fmt.Errorf("%s: %w: %s", seen.Ref, ErrMismatch, text)
	case evidence.Match:
		return Proof{Verified: true, Sum: a.Claim.Sum, Text: text}, nil
	}
	if p, ok := summedCopy(src, answer, seen); ok {
		return p, nil
	}
	p := Proof{Text: "the store copied it, but has no checksum of the copy that can be compared with the source's"}
	switch {
	case len(src.Sums) == 0:
		p.Text = "the store copied it, but has no checksum of the source to compare"
	case t.o.partSize != 0:
		p.Text += " (without a part size of your own, the copy keeps the source's parts, and its ETag)"
	}
	return p, nil
}
