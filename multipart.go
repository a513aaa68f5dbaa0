package haul

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/dispatch"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/meter"
	"haul.example/haul/internal/pace"
	"haul.example/haul/store"
)

// multipart is an open upload, and what this run knows of its parts. Uploads of files, of streams, and copies in parts all
// end in one.
type multipart struct {
	*transfer
	up   store.Upload
	from store.Ref // of a copy

	mu    sync.Mutex
	parts []store.Part   // by index; a zero Number is a part that is not there yet
	sums  []checksum.Sum // by index, by the scheme's algorithm; zero if the bytes were never here
	bytes int64          // in parts
	sent  int            // parts that this run has sent

	// lostSince is when an upload was first requested whose ID may never have been received; zero if there is none.
	lostSince time.Time
}

// create opens the upload, as near to the scheme as the store supports. Note, which may be nil, is called before the first
// request, when lostSince says what would be lost if the answer were never read.
func (a *multipart) create(ctx context.Context, want checksum.Scheme, attrs *store.Attrs, note func()) error {
	if a.o.noClobber { // the store decides at the end; but don't move a terabyte before that
		if err := a.absent(ctx, a.up.Ref); err != nil {
			return err
		}
	}
	before := a.lostSince
	if before.IsZero() {
		a.lostSince = time.Now()
	}
	if note != nil {
		note()
	}
	// An answer that may still come is waited for, so that the upload that it names is not lost.
	octx, stop := outlast(ctx, openGrace)
	defer stop()
	lost := !before.IsZero()
	err := a.do(ctx, func(context.Context) error {
		opened, err := a.c.store.Create(octx, a.up.Ref, want, attrs)
		if err == nil {
			a.up = opened
		}
		lost = lost || err != nil && mayBeDone(err)
		return err
	})
	if !lost {
		a.lostSince = time.Time{}
	}
	if err == nil && a.o.onOpen != nil {
		a.o.onOpen(a.up)
	}
	return err
}

// add adds a part that the store has, with our own sum of it.
func (a *multipart) add(p store.Part, sum checksum.Sum) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.parts) < p.Number {
		a.parts = append(a.parts, store.Part{})
		a.sums = append(a.sums, checksum.Sum{})
	}
	if p.Sum.IsZero() && sum.Algorithm != checksum.MD5 {
		p.Sum = sum
	}
	a.bytes += p.Size - a.parts[p.Number-1].Size
	a.parts[p.Number-1], a.sums[p.Number-1] = p, sum
}

// part returns part n, and our own sum of it.
func (a *multipart) part(n int) (store.Part, checksum.Sum) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parts[n-1], a.sums[n-1]
}

// has reports whether part n is there.
func (a *multipart) has(n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return n <= len(a.parts) && a.parts[n-1].Number == n
}

// count returns the number of parts that are there, and their bytes.
func (a *multipart) count() (parts int, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.parts {
		if p.Number > 0 {
			parts++
		}
	}
	return parts, a.bytes
}

// checkPart compares what the store reports of a part with our own sum of it. By MD5 the store has checked the bytes
// itself, since they came with a Content-MD5: then an ETag that differs is damage only if the store's other ETags of parts
// were MD5s.
func (a *multipart) checkPart(p store.Part, sum checksum.Sum) error {
	if sum.IsZero() {
		return nil
	}
	theirs := p.Sum
	if sum.Algorithm == checksum.MD5 {
		tag := evidence.Claim{Kind: evidence.PartETag}
		switch theirs = a.partTag(p); {
		case theirs.IsZero():
		case theirs.Value == sum.Value:
			a.c.etags.Fit(tag)
		case !a.c.etags.Known(tag.Kind):
			a.c.etags.Odd(tag)
			return nil
		}
	}
	if theirs.Algorithm != sum.Algorithm || theirs.Value == sum.Value {
		return nil
	}
	return a.damaged(p, theirs, sum)
}

// partTag returns the MD5 that the ETag of a part can be, or the zero Sum.
func (a *multipart) partTag(p store.Part) checksum.Sum {
	tag, _ := checksum.FromETag(p.ETag)
	if tag.Parts > 0 || a.o.attrs.Encryption.SSE != "" || a.o.attrs.Encryption.Customer.Key != "" {
		return checksum.Sum{}
	}
	return tag
}

func (a *multipart) damaged(p store.Part, theirs, ours checksum.Sum) error {
	return &store.Error{
		Kind: store.Corrupt, Op: "UploadPart", Ref: a.up.Ref,
		Message: fmt.Sprintf("part %d: the store has %v, here it is %v", p.Number, theirs, ours),
	}
}

// unlike finds a part whose ETag is not its MD5 although those of others are: it arrived before the store was known for
// that.
func (a *multipart) unlike() error {
	var odd error
	fits := false
	for i, p := range a.parts {
		switch tag := a.partTag(p); {
		case tag.IsZero() || a.sums[i].Algorithm != checksum.MD5:
		case tag == a.sums[i]:
			fits = true
		default:
			odd = a.damaged(p, tag, a.sums[i])
		}
	}
	if !fits {
		return nil
	}
	return odd
}

// whole returns the sum of the whole by the upload's scheme, or zero if it cannot be known here.
func (a *multipart) whole() (checksum.Sum, error) {
	if a.up.Scheme.Algorithm == checksum.None || slices.ContainsFunc(a.sums, checksum.Sum.IsZero) {
		return checksum.Sum{}, nil
	}
	if a.up.Scheme.Kind != checksum.FullObject {
		return checksum.Compose(a.sums)
	}
	return a.full()
}

// full returns the sum of all bytes, if it follows from those of the parts.
func (a *multipart) full() (checksum.Sum, error) {
	if !a.up.Scheme.Algorithm.CanCombine() || slices.ContainsFunc(a.sums, checksum.Sum.IsZero) {
		return checksum.Sum{}, nil
	}
	sized := make([]checksum.Sized, len(a.sums))
	for i, s := range a.sums {
		sized[i] = checksum.Sized{Sum: s, Size: a.parts[i].Size}
	}
	return checksum.Combine(sized)
}

// describe adds the parts to a result.
func (a *multipart) describe(r Result) Result {
	r.PartSize = a.parts[0].Size
	for i, p := range a.parts {
		if last := i == len(a.parts)-1; p.Size != r.PartSize && !(last && p.Size < r.PartSize) {
			r.PartSize = 0
			break
		}
	}
	if a.o.wantLayout {
		r.Layout = a.parts
	}
	return r
}

// complete turns the upload into an object. The sum is the whole's by the upload's scheme.
func (a *multipart) complete(ctx context.Context, sum checksum.Sum) (store.Object, error) {
	if err := a.unlike(); err != nil {
		return store.Object{}, err
	}
	req := store.CompleteRequest{
		Upload: a.up, Parts: a.parts, Size: a.bytes, From: a.from, NoClobber: a.o.noClobber, Attrs: &a.o.attrs,
	}
	if sum.Algorithm != checksum.MD5 {
		req.Sum = sum
	}
	var obj store.Object
	err := a.do(ctx, func(ctx context.Context) error {
		o, err := a.c.store.Complete(ctx, req)
		if err == nil {
			obj = o
			return nil
		}
		// The answer to an earlier try may have been lost, but not its effect, and a proxy may have sent this one twice:
		// look before failing.
		switch store.KindOf(err) {
		case store.Unknown, store.BadAnswer, store.NoUpload, store.Exists, store.Conflict:
			if found, ok := a.landed(ctx, sum); ok {
				obj = found
				return nil
			}
		}
		return err
	})
	if err == nil {
		a.checkTags(ctx, obj)
	}
	return obj, err
}

// checkTags checks, once for each Client, whether the store has the tags with which a multipart upload was opened: Ceph
// drops them.
func (a *multipart) checkTags(ctx context.Context, obj store.Object) {
	if len(a.o.attrs.Tags) == 0 || a.c.lookedTags.Swap(true) {
		return
	}
	ref := store.Ref{Bucket: a.up.Bucket, Key: a.up.Key, Version: obj.Version}
	tags, err := a.c.store.Tags(ctx, ref, &a.o.attrs)
	if err == nil && !maps.Equal(tags, a.o.attrs.Tags) {
		a.Note("the store dropped the tags of this object, as it may of each that is uploaded in parts: set them with `aws s3api put-object-tagging`")
	}
}

// landed checks whether the upload is gone, and the object is there and made of just these parts.
func (a *multipart) landed(ctx context.Context, sum checksum.Sum) (store.Object, bool) {
	if _, _, err := a.c.store.Parts(ctx, a.up, &a.o.attrs); !errors.Is(err, store.NoUpload) {
		return store.Object{}, false // still open: what is there under the key is older
	}
	if found, ok := a.same(ctx, a.up.Ref, a.bytes, sum); ok {
		return found, true
	}
	var tags []checksum.Sum
	for _, p := range a.parts {
		tag, ok := checksum.FromETag(p.ETag)
		if !ok || tag.Parts > 0 {
			return store.Object{}, false
		}
		tags = append(tags, tag)
	}
	of, err := checksum.Compose(tags)
	if err != nil {
		return store.Object{}, false
	}
	return a.same(ctx, a.up.Ref, a.bytes, of)
}

// verifyObject compares the finished object with our sum of the whole.
func (a *multipart) verifyObject(ctx context.Context, obj store.Object, sum checksum.Sum) (store.Object, Proof, error) {
	if sum.IsZero() {
		return obj, Proof{Text: "the store accepts no checksum"}, nil
	}
	completed, denied := obj, false
	if obj.ETag == "" || sum.Algorithm == checksum.MD5 || obj.Sum(sum.Algorithm).IsZero() {
		seen, err := a.head(ctx, store.Ref{Bucket: a.up.Bucket, Key: a.up.Key, Version: obj.Version})
		if err == nil {
			obj = seen
		}
		if completed.ETag != "" && obj.ETag != completed.ETag {
			return completed, Proof{Text: fmt.Sprintf("the store returned the ETag %s when the upload was completed, and now reports %s; another writer may have replaced the object", completed.ETag, obj.ETag)}, nil
		}
		denied = store.KindOf(err) == store.Denied
		if err != nil && !denied {
			return obj, Proof{}, fmt.Errorf("look at what was stored: %w", err)
		}
	}
	if obj.Size == 0 {
		obj.Size = a.bytes // the answer to Complete does not have it
	}
	if obj.Size != a.bytes {
		return obj, Proof{}, fmt.Errorf("%s: %w: the store has %d bytes, %d were sent", obj.Ref, ErrMismatch, obj.Size, a.bytes)
	}
	if sum.Algorithm == checksum.MD5 {
		return obj, a.verifyMD5(obj, sum), nil
	}
	stored := obj.Sum(sum.Algorithm)
	switch {
	case stored.IsZero() && denied:
		return obj, Proof{Text: fmt.Sprintf("the store accepted the %s, but these credentials do not allow reading what it recorded", sum.Algorithm)}, nil
	case stored.IsZero():
		return obj, Proof{Text: fmt.Sprintf("the store accepted the %s but does not return it", sum.Algorithm)}, nil
	case stored.Value != sum.Value:
		return obj, Proof{}, mismatch(obj, stored, sum)
	case a.up.Scheme.Kind == checksum.FullObject:
		return obj, Proof{Verified: true, Sum: sum, Text: "full-object " + string(sum.Algorithm) + ", checked by the server"}, nil
	}
	return obj, Proof{Verified: true, Sum: sum, Text: fmt.Sprintf("%s of %d parts, checked by the server", sum.Algorithm, len(a.parts))}, nil
}

// verifyMD5 judges by ETags: that of the whole is made of the parts' MD5s, or else those of the parts must each have been
// one.
func (a *multipart) verifyMD5(obj store.Object, sum checksum.Sum) Proof {
	if tag, ok := obj.MD5(); ok && tag == sum {
		return Proof{Verified: true, Sum: sum, Text: fmt.Sprintf("MD5 of each of %d parts (Content-MD5), and the ETag made of them", len(a.parts))}
	} else if ok && tag.Parts == len(a.parts) {
		return Proof{Text: "the store checked the MD5 of each part, but recorded nothing to verify the object against: its ETag is not computed from them"}
	}
	for i, p := range a.parts {
		if tag, ok := checksum.FromETag(p.ETag); !ok || tag != a.sums[i] {
			return Proof{Text: "the store checked the MD5 of each part, but recorded nothing to verify the object against: its ETags do not repeat them"}
		}
	}
	return Proof{Verified: true, Sum: sum, Text: fmt.Sprintf("MD5 of each of %d parts, against the store's ETags of them", len(a.parts))}
}

// abort aborts the upload after err, and adds to err if that failed.
func (a *multipart) abort(ctx context.Context, err error) error {
	a.discarded()
	cctx, cancel := cleanup(ctx)
	defer cancel()
	if aerr := a.do(cctx, func(ctx context.Context) error { return a.c.store.Abort(ctx, a.up, &a.o.attrs) }); aerr != nil {
		parts, bytes := a.count()
		return &IncompleteUploadError{Upload: a.up, Parts: parts, Bytes: bytes, Err: errors.Join(err, fmt.Errorf("abort the unfinished upload: %w", aerr))}
	}
	return err
}

// left wraps err with what stays in the store; resumable if a record of it is kept.
func (a *multipart) left(err error, resumable bool) error {
	parts, bytes := a.count()
	return &IncompleteUploadError{Upload: a.up, Parts: parts, Bytes: bytes, Resumable: resumable, Err: err}
}

// send sends part n, which is to be read by out.buf, and adds it. Its checksum follows the bytes, if the store takes that;
// else the bytes are read once before, to be summed. Until one part has shown that the store takes trailing checksums, no
// other is tried that way: after a refusal, all that are in flight would have to be sent twice.
func (a *multipart) send(ctx context.Context, n int, out outgoing) error {
	if a.c.store.TakesLateSums(a.up) && a.c.late.enter() {
		err := a.sendSummed(ctx, n, out)
		a.c.late.leave(err == nil)
		if !errors.Is(err, store.ChecksumRefused) {
			return err
		}
		a.Retried(err, 0)
	}
	sum, err := a.sumPart(n, out)
	if err != nil {
		return err
	}
	out.sum = sum
	return a.sendSummed(ctx, n, out)
}

// sumPart sums part n before it is sent.
func (a *multipart) sumPart(n int, out outgoing) (checksum.Sum, error) {
	sum, err := checksum.Section(a.up.Scheme.Algorithm, out.body, out.buf)
	if err != nil {
		return sum, fmt.Errorf("read part %d: %w", n, readError(out, err))
	}
	return sum, nil
}

// sendSummed sends part n, with as many tries as it takes, and adds it; with a trailing checksum if it has none and the
// upload's scheme has.
func (a *multipart) sendSummed(ctx context.Context, n int, out outgoing) error {
	size, sum := out.body.Size(), out.sum
	late := sum.IsZero() && a.up.Scheme.Algorithm != checksum.None
	a.c.meter.PartStart()
	var part store.Part
	var began time.Time
	var answer time.Duration
	err := a.tryWatched(ctx, dispatch.Send{Size: size, Blind: !a.mayCut(late || !sum.IsZero())}, func(ctx context.Context, f *dispatch.Attempt) error {
		if late && !a.c.store.TakesLateSums(a.up) { // since the previous try
			s, err := a.sumPart(n, out)
			if err != nil {
				return err
			}
			sum, out.sum, late = s, s, false
		}
		began = time.Now()
		counted := &tally{ReaderAt: out.body, t: a.transfer, f: f, done: ctx.Done()}
		req := store.PutPartRequest{
			Upload: a.up, Number: n, Body: io.NewSectionReader(counted, 0, size), Sum: out.sum, Attrs: &a.o.attrs, Buffer: out.buf, Wire: f.Wire(),
		}
		if late {
			counted.algorithm = a.up.Scheme.Algorithm
			counted.h, req.LateSum = counted.algorithm.New(), counted.sum
		}
		p, err := a.c.store.PutPart(ctx, req)
		if err == nil && late {
			sum, err = counted.whole(size)
		}
		if err == nil {
			err = a.checkPart(p, sum)
		}
		if err != nil {
			counted.settle(0)
			return readError(out, err)
		}
		counted.settle(size)
		part, answer = p, counted.answer()
		return nil
	})
	a.c.meter.PartEnd(err == nil)
	if err != nil {
		return err
	}
	part.Number, part.Size = n, size
	a.add(part, sum)
	a.mu.Lock()
	a.sent++
	a.mu.Unlock()
	if !a.fleeting {
		a.secured(size)
	}
	a.c.meter.Spent(meter.Answer, answer)
	now := time.Now()
	a.c.dispatch.Pace.Done(now, pace.Sample{Bytes: size, Took: now.Sub(began), Answer: answer})
	return nil
}

// mayCut reports whether a try of a part may be canceled and made again. Not if two tries of one part could spoil Complete, as they
// have before, nor if no checksum keeps the store from accepting half a part as a whole one.
func (a *multipart) mayCut(summed bool) bool {
	return summed && !a.c.noCuts.Load() && !a.c.store.Limits(a.up.Bucket).NoDuplicateParts
}
