package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// Copy copies an object on the server, without downloading it: in one request if the store allows that, else in parallel
// parts, all pinned to one state of the source. Headers, metadata and tags are copied unless Attrs sets them. A failed copy
// in parts leaves nothing behind; it is not resumed.
func (c *Client) Copy(ctx context.Context, from, to store.Ref, o CopyOptions) (Result, error) {
	defer c.alive()()
	t := c.begin(from.String(), to.String(), o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	src, err := t.headSource(ctx, from)
	if err == nil {
		err = t.expected(src)
	}
	if err != nil {
		return Result{}, err
	}
	t.replace()
	annotations, err := t.annotate(ctx, src.Ref, to)
	if err != nil {
		return Result{}, err
	}
	r, err := t.copyBest(ctx, src, to, c.store.Limits(to.Bucket))
	if err == nil {
		err = annotations.finish(ctx, src.Ref, r.Object)
	}
	if err != nil {
		return Result{}, err
	}
	r.Modified = src.Modified
	r.Digests = t.recordedDigests(r)
	return t.done(r), nil
}

// recordedDigests returns the requested digests that the store itself recorded: no byte passed through this machine.
func (t *transfer) recordedDigests(r Result) (sums []checksum.Sum) {
	for _, a := range t.o.digests {
		s := r.Object.Sum(a)
		if tag, ok := r.Object.MD5(); ok && a == checksum.MD5 && r.Proof.Verified && s.IsZero() {
			s = tag
		}
		if s.IsZero() || s.Parts > 0 {
			t.Note(fmt.Sprintf("its %s is not known: the store copied the object internally, and recorded no checksum of the full object", a))
			continue
		}
		sums = append(sums, s)
	}
	return sums
}

// opener returns the attrs that open the source of a copy, which may have a customer's key of its own.
func (t *transfer) opener() *store.Attrs {
	a := t.o.attrs
	a.Encryption.Customer = a.Encryption.CopySource
	return &a
}

func (t *transfer) headSource(ctx context.Context, from store.Ref) (store.Object, error) {
	return t.headAs(ctx, store.GetRequest{Ref: from, Attrs: t.opener()})
}

func (t *transfer) copyOnce(ctx context.Context, src store.Object, to store.Ref) (Result, error) {
	if !t.o.replaceMetadata && (t.o.attrs.Headers != (store.Headers{}) || t.o.attrs.Metadata != nil) { // else the store copies them itself
		t.o.attrs = carried(t.o.attrs, src)
	}
	if t.o.noClobber { // many stores ignore the condition on a copy
		if err := t.absent(ctx, to); err != nil {
			return Result{}, err
		}
	}
	t.started(src.Size, 1)
	if err := t.c.dispatch.Enter(ctx, 0); err != nil {
		return Result{}, err
	}
	defer t.c.dispatch.Leave(0)
	var obj store.Object
	var unheard, exists error // the answer to an earlier try was lost, but perhaps not its effect
	err := t.try(ctx, func(ctx context.Context) error {
		t.c.meter.Request()
		defer t.c.meter.Since(meter.Answer, time.Now())
		o, err := t.c.store.Copy(ctx, store.CopyRequest{From: src.Ref, IfMatch: src.ETag, To: to, NoClobber: t.o.noClobber, Sum: t.sumOfCopy(src), Annotations: t.o.annotations, Attrs: &t.o.attrs})
		if obj = o; unheard != nil && errors.Is(err, store.Exists) {
			exists = err
			return nil
		}
		if err != nil && store.Unanswered(err) {
			unheard = err
		}
		return err
	})
	if err != nil {
		return Result{}, err
	}
	t.c.meter.PartStart()
	t.c.meter.PartEnd(true)
	t.arrive(src.Size)
	r, err := t.copied(ctx, src, obj, to, 1)
	switch {
	case exists != nil && (err != nil || !r.Proof.Verified):
		return Result{}, exists // and not known to be this copy
	case err == nil && !r.Proof.Verified && obj.ETag != "" && r.Object.ETag != obj.ETag:
		return Result{}, &store.Error{
			Kind: store.BadAnswer, Op: "CopyObject", Ref: to,
			Err: fmt.Errorf("the store has an object with the ETag %q, and answered with %q", r.Object.ETag, obj.ETag),
		}
	}
	return r, err
}

// copied looks at the copy and verifies it by what the store records of both ends.
func (t *transfer) copied(ctx context.Context, src, obj store.Object, to store.Ref, parts int) (Result, error) {
	seen, err := t.head(ctx, store.Ref{Bucket: to.Bucket, Key: to.Key, Version: obj.Version})
	if err != nil {
		return Result{}, fmt.Errorf("look at the copy: %w", err)
	}
	r := Result{Object: seen, Size: src.Size, Parts: parts}
	if seen.Size != src.Size {
		return r, fmt.Errorf("%s: %w: the copy has %d bytes, its source %d", to, ErrMismatch, seen.Size, src.Size)
	}
	r.Proof, err = t.proofOfCopy(src, obj, seen)
	return r, err
}

// copyParts copies by ranges into an upload. The ranges are the parts in which the source was uploaded, if the store
// accepts them, and reports them or they can be guessed: then even a store that keeps no checksums gives the copy the ETag of the source.
func (t *transfer) copyParts(ctx context.Context, src store.Object, to store.Ref, limits store.Limits) (Result, error) {
	ranges, err := t.copyRanges(ctx, src, limits)
	if err != nil {
		return Result{}, err
	}
	t.started(src.Size, len(ranges))
	t.c.sweepDead(ctx, t)
	a := &multipart{transfer: t, up: store.Upload{Ref: to}, from: src.Ref}
	l := a.remember(ctx, copied)
	obj, err := t.fillCopy(ctx, src, ranges, l)
	if l.end(ctx, err); err != nil {
		return Result{}, err
	}
	r, err := t.copied(ctx, src, obj, to, len(ranges))
	if errors.Is(err, ErrMismatch) {
		err = fmt.Errorf("%w; the copy is stored, and wrong", err)
	}
	return a.describe(r), err
}

// fillCopy opens the upload, copies the ranges into it, and completes it; after an error it is aborted.
func (t *transfer) fillCopy(ctx context.Context, src store.Object, ranges []store.Range, l *leftover) (store.Object, error) {
	if err := t.openCopy(ctx, src, l.multipart, l.write); err != nil {
		return store.Object{}, err
	}
	l.write()
	var obj store.Object
	err := t.copyAll(ctx, src, ranges, l.multipart)
	if err == nil {
		obj, err = l.complete(ctx, checksum.Sum{})
	}
	if err != nil {
		err = l.abort(ctx, err)
	}
	return obj, err
}

// openCopy opens the upload that a copy in parts fills, with what it takes over from the source.
func (t *transfer) openCopy(ctx context.Context, src store.Object, a *multipart, note func()) error {
	if !t.o.replaceMetadata {
		t.o.attrs = carried(t.o.attrs, src)
	}
	if t.o.attrs.Tags == nil {
		var err error
		if t.o.attrs.Tags, err = t.tagsOf(ctx, src); err != nil {
			return err
		}
	}
	// Unless a checksum is asked for or needed, the upload is opened without one: real servers do not sum copied parts as
	// they sum sent ones (MinIO refuses them, versitygw sums the whole wrong), and those that sum by themselves still do.
	scheme := checksum.Scheme{Algorithm: t.sumOfCopy(src)}
	if scheme.Algorithm == checksum.None {
		scheme.Algorithm = checksum.MD5
	}
	if err := a.create(ctx, scheme, &t.o.attrs, note); err != nil {
		return err
	}
	if err := t.asked(a.up.Scheme); err != nil {
		return a.abort(ctx, err)
	}
	return nil
}

// copyRanges decides which ranges make the parts of a copy.
func (t *transfer) copyRanges(ctx context.Context, src store.Object, limits store.Limits) ([]store.Range, error) {
	sizes := t.ownParts(ctx, src, limits)
	if sizes == nil {
		sizes = t.likelyParts(src, limits)
	}
	if sizes != nil {
		ranges := make([]store.Range, 0, len(sizes))
		var offset int64
		for _, n := range sizes {
			ranges = append(ranges, store.Range{Offset: offset, Length: n})
			offset += n
		}
		return ranges, nil
	}
	layout, err := evenCopy(src.Size, t.o.partSize, limits)
	if err != nil {
		return nil, err
	}
	ranges := make([]store.Range, layout.Count)
	for i := range ranges {
		ranges[i] = layout.Part(i + 1)
	}
	return ranges, nil
}

// evenCopy splits a copy into equal parts; a want of 0 lets it choose their size.
func evenCopy(size, want int64, limits store.Limits) (layout.Split, error) {
	if want == 0 {
		want = layout.CopyPart
		for limits.MaxParts > 0 && want*int64(limits.MaxParts) < size {
			want *= 2
		}
		if limits.MaxPart > 0 {
			want = min(want, limits.MaxPart)
		}
	}
	return layout.Parts(size, want, limits)
}

// allowed reports whether parts of these sizes may make an upload.
func allowed(sizes []int64, l store.Limits) bool {
	for i, n := range sizes {
		last := i == len(sizes)-1
		if n < l.MinPart && !last || l.MaxPart > 0 && n > l.MaxPart || l.EqualParts && !last && n != sizes[0] {
			return false
		}
	}
	return l.MaxParts == 0 || len(sizes) <= l.MaxParts
}

func (t *transfer) copyAll(ctx context.Context, src store.Object, ranges []store.Range, a *multipart) error {
	g, gctx := errgroup.WithContext(ctx)
	for i, r := range ranges {
		if err := t.c.dispatch.Enter(gctx, 0); err != nil {
			break // gctx ended; Wait returns why
		}
		g.Go(func() error {
			defer t.c.dispatch.Leave(0)
			return t.copyOne(gctx, store.CopyPartRequest{
				From: src.Ref, IfMatch: src.ETag, Range: r, Upload: a.up, Number: i + 1, Attrs: &t.o.attrs,
			}, a)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (t *transfer) copyOne(ctx context.Context, r store.CopyPartRequest, a *multipart) error {
	t.c.meter.PartStart()
	var part store.Part
	err := t.try(ctx, func(ctx context.Context) (err error) {
		t.c.meter.Request()
		defer t.c.meter.Since(meter.Answer, time.Now())
		part, err = t.c.store.CopyPart(ctx, r)
		return err
	})
	t.c.meter.PartEnd(err == nil)
	if errors.Is(err, store.NotFound) {
		if _, serr := t.headSource(ctx, r.From); serr == nil { // then it is not the source that is missing
			err = &store.Error{Kind: store.NoUpload, Op: "UploadPartCopy", Ref: r.Upload.Ref, Err: err}
		}
	}
	if err != nil {
		return err
	}
	part.Number, part.Size = r.Number, r.Range.Length
	a.add(part, checksum.Sum{})
	t.arrive(r.Range.Length)
	return nil
}

// replace marks what a copy must not take over from its source as explicitly empty, which a store treats differently from
// unset.
func (t *transfer) replace() {
	if t.o.replaceMetadata && t.o.attrs.Metadata == nil {
		t.o.attrs.Metadata = map[string]string{}
	}
	if t.o.replaceTags && t.o.attrs.Tags == nil {
		t.o.attrs.Tags = map[string]string{}
	}
}

// carried fills what the caller did not set from the source: metadata as a whole, headers one by one.
func carried(a store.Attrs, src store.Object) store.Attrs {
	if a.Metadata == nil {
		a.Metadata = maps.Clone(src.Attrs.Metadata)
	}
	from := src.Attrs.Headers
	a.Headers = store.Headers{
		ContentType:        cmp.Or(a.Headers.ContentType, from.ContentType),
		ContentEncoding:    cmp.Or(a.Headers.ContentEncoding, from.ContentEncoding),
		ContentDisposition: cmp.Or(a.Headers.ContentDisposition, from.ContentDisposition),
		ContentLanguage:    cmp.Or(a.Headers.ContentLanguage, from.ContentLanguage),
		CacheControl:       cmp.Or(a.Headers.CacheControl, from.CacheControl),
		Expires:            cmp.Or(a.Headers.Expires, from.Expires),
	}
	return a
}

// tagsOf reads the tags that a copy in parts must set itself.
func (t *transfer) tagsOf(ctx context.Context, src store.Object) (tags map[string]string, err error) {
	tags, err = t.tags(ctx, src.Ref)
	if errors.Is(err, store.Unsupported) { // then the store has none
		t.Note(fmt.Sprintf("the tags of the source, if it has any, are not copied: %v", err))
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tags of the source: %w", err)
	}
	return tags, nil
}
