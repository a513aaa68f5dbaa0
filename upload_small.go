package haul

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/dispatch"
	"haul.example/haul/internal/meter"
	"haul.example/haul/internal/pace"
	"haul.example/haul/store"
)

// sumBuffer is how much is read at a time for summing: small enough to stay in a core's own cache.
const sumBuffer = 256 << 10

// headRoom is the usual maximum size of the head of a request: a small object is sent with it in one write.
const headRoom = 4 << 10

// maxLowered is how often a store may refuse a checksum before haul gives up: once for each step from the best to none, and
// one to spare.
const maxLowered = 5

// content is what is to be stored: a local file, or memory.
type content interface {
	io.ReaderAt
	Size() int64
	// Changed returns nil while the content is the one that was opened.
	Changed() error
	// Touched reports whether anything else about it changed, which may have been the bytes, with their time set back.
	Touched() bool
}

// outgoing is a body to be sent in one request.
type outgoing struct {
	content                   // that the body is of; it explains errors
	body    *io.SectionReader // all of it, or a part
	sum     checksum.Sum      // of the body; zero if it is not known, or not wanted
	buf     []byte            // memory to carry it in
}

// onDisk is content on a disk; the time that reading takes is counted.
type onDisk struct {
	content
	m *meter.Meter
}

// ReadAt reads and counts.
func (d onDisk) ReadAt(p []byte, off int64) (int, error) {
	defer d.m.Since(meter.Reading, time.Now())
	return d.content.ReadAt(p, off)
}

// put stores content in one request.
func (t *transfer) put(ctx context.Context, from content, to store.Ref) (Result, error) {
	lease, err := t.c.memory.Take(ctx, min(dispatch.MostBuffer, max(from.Size()+headRoom, dispatch.LeastBuffer)))
	if err != nil {
		return Result{}, err
	}
	defer lease.Release()
	return t.putWith(ctx, from, to, lease.Bytes())
}

// putWith is put with memory that is there already.
func (t *transfer) putWith(ctx context.Context, from content, to store.Ref, buf []byte) (Result, error) {
	r, err := t.putAll(ctx, from, to, buf)
	if err != nil {
		return Result{}, err
	}
	return t.done(r), nil
}

// putAll is putWith for a transfer that does not end with it.
func (t *transfer) putAll(ctx context.Context, from content, to store.Ref, buf []byte) (Result, error) {
	digests, err := t.digest(from, buf)
	if err != nil {
		return Result{}, err
	}
	if err := t.c.dispatch.Enter(ctx, from.Size()); err != nil {
		return Result{}, err
	}
	defer t.c.dispatch.Leave(from.Size())
	t.started(from.Size(), 1)
	t.c.meter.PartStart()
	obj, proof, err := t.putVerified(ctx, from, to, buf)
	t.c.meter.PartEnd(err == nil)
	if err != nil {
		return Result{}, err
	}
	return Result{Object: obj, Size: from.Size(), Parts: 1, Proof: proof, Digests: digests}, nil
}

// digest computes the requested digests of small content, and puts its MD5 into the metadata.
func (t *transfer) digest(from content, buf []byte) ([]checksum.Sum, error) {
	if len(t.o.digests) == 0 {
		return nil, nil
	}
	sums := make([]checksum.Sum, len(t.o.digests))
	var md5 checksum.Sum
	for i, a := range t.o.digests {
		var err error
		if sums[i], err = sumOf(a, from, store.Range{Length: from.Size()}, buf); err != nil {
			return nil, readError(from, err)
		}
		if a == checksum.MD5 {
			md5 = sums[i]
		}
	}
	t.o.attrs = t.o.described(md5, 0)
	return sums, nil
}

// putVerified sends with the best checksum that the store supports, falling back when the store refuses it.
func (t *transfer) putVerified(ctx context.Context, from content, to store.Ref, buf []byte) (store.Object, Proof, error) {
	var last store.Object
	var lost error
	for range maxLowered {
		scheme := t.c.store.Scheme(to.Bucket, t.want())
		if err := t.asked(scheme); err != nil {
			return store.Object{}, Proof{}, err
		}
		sum, err := sumOf(scheme.Algorithm, from, store.Range{Length: from.Size()}, buf)
		if err != nil {
			return store.Object{}, Proof{}, readError(from, err)
		}
		obj, err := t.putOnce(ctx, outgoing{from, io.NewSectionReader(from, 0, from.Size()), sum, buf}, to, last.Key != "")
		if errors.Is(err, store.ChecksumRefused) {
			continue
		}
		if err != nil {
			return store.Object{}, Proof{}, err
		}
		if err := unchanged(from, sum, buf); err != nil {
			return store.Object{}, Proof{}, fmt.Errorf("%w; what is stored may mix old and new: send it again", err)
		}
		last = obj
		proof, again, err := t.verifyPut(obj, sum, from, buf)
		if err != nil {
			return obj, proof, err
		}
		if again {
			continue
		}
		if lost = t.there(ctx, obj, proof); lost == nil {
			return obj, proof, nil
		}
		last = store.Object{}
	}
	if lost != nil {
		return store.Object{}, Proof{}, lost
	}
	if last.Key == "" {
		return store.Object{}, Proof{}, &store.Error{Kind: store.ChecksumRefused, Op: "PutObject", Ref: to}
	}
	return last, Proof{Text: "the store checks no checksum and its ETag is not the MD5 of the bytes"}, nil
}

// there checks whether an object that was sent, but that its answer does not verify, is in the store: that answer may have
// been another's.
func (t *transfer) there(ctx context.Context, sent store.Object, p Proof) error {
	if p.Verified {
		return nil
	}
	seen, err := t.head(ctx, store.Ref{Bucket: sent.Bucket, Key: sent.Key, Version: sent.Version})
	switch {
	case errors.Is(err, store.Denied):
		return nil
	case err != nil:
		return fmt.Errorf("look at what was stored: %w", err)
	case seen.Size != sent.Size || seen.ETag != sent.ETag:
		return &store.Error{
			Kind: store.BadAnswer, Op: "PutObject", Ref: sent.Ref,
			Err: fmt.Errorf("the store has %d bytes with the ETag %q, and answered to %d bytes with %q", seen.Size, seen.ETag, sent.Size, sent.ETag),
		}
	}
	return nil
}

// unchanged makes sure that the content still is what was sent, with that sum.
func unchanged(from content, sum checksum.Sum, buf []byte) error {
	if err := from.Changed(); err != nil {
		return fmt.Errorf("%w: %w", ErrSourceChanged, err)
	}
	if !from.Touched() {
		return nil
	}
	now, err := sumOf(sum.Algorithm, from, store.Range{Length: from.Size()}, buf)
	if err != nil || now != sum || sum.IsZero() {
		return errors.Join(fmt.Errorf("%w: it may have been rewritten, and its time set back", ErrSourceChanged), err)
	}
	return nil
}

// putOnce sends the content, with as many tries as it takes; over an object that is already this transfer's own, whatever
// NoClobber says.
func (t *transfer) putOnce(ctx context.Context, out outgoing, to store.Ref, own bool) (obj store.Object, err error) {
	unheard := false // an earlier try may have taken effect
	began := time.Now()
	blind := out.sum.IsZero() // then a try that is cut might be stored
	size := out.body.Size()
	err = t.tryWatched(ctx, dispatch.Send{Size: size, Blind: blind}, func(ctx context.Context, f *dispatch.Attempt) error {
		tried := time.Now()
		counted := &tally{ReaderAt: out.body, t: t, f: f, done: ctx.Done()}
		o, err := t.c.store.Put(ctx, store.PutRequest{
			Ref: to, Body: io.NewSectionReader(counted, 0, size), Sum: out.sum, NoClobber: t.o.noClobber && !own, Attrs: &t.o.attrs, Buffer: out.buf, Wire: f.Wire(),
		})
		if err != nil {
			counted.settle(0)
			if errors.Is(err, store.Exists) {
				if found, ok := t.same(ctx, to, size, out.sum); ok && ownWrite(found, began, unheard) {
					counted.settle(size)
					obj = found
					return nil
				}
			}
			unheard = unheard || mayBeDone(err)
			return readError(out, err)
		}
		counted.settle(size)
		obj = o
		now, answer := time.Now(), counted.answer()
		t.c.meter.Spent(meter.Answer, answer)
		t.c.dispatch.Pace.Done(now, pace.Sample{Bytes: size, Took: now.Sub(tried), Answer: answer})
		return nil
	})
	return obj, err
}

// ownWrite reports whether an object with just the bytes that were sent is what this transfer wrote, although a condition
// failed because it exists: an earlier try may have taken effect, or a proxy may have sent this one twice. Clocks may
// differ; after a try whose effect is not known they may differ as far as a store allows.
func ownWrite(o store.Object, began time.Time, unheard bool) bool {
	apart := 2 * time.Second // times of objects are whole seconds
	if unheard {
		apart = clockSkew
	}
	return !o.Modified.Before(began.Add(-apart))
}

// mayBeDone reports an error after which the request may have been carried out all the same: no answer came, or one that
// cannot be trusted, or the server failed at some point.
func mayBeDone(err error) bool {
	var e *store.Error
	if !errors.As(err, &e) {
		return true
	}
	switch e.Kind {
	case store.Network, store.Stalled, store.Unavailable, store.Unknown, store.BadAnswer:
		return true
	case store.Throttled:
		return e.Code == "" // a proxy's: a store that answers with a code has done nothing
	}
	return e.Status >= 200 && e.Status < 300
}

// same checks whether the object is there with just this sum.
func (t *transfer) same(ctx context.Context, ref store.Ref, size int64, sum checksum.Sum) (store.Object, bool) {
	obj, err := t.head(ctx, ref)
	if err != nil || obj.Size != size || sum.IsZero() {
		return store.Object{}, false
	}
	if sum.Algorithm == checksum.MD5 {
		tag, ok := obj.MD5()
		return obj, ok && tag == sum
	}
	return obj, obj.Sum(sum.Algorithm).Value == sum.Value
}

// verifyPut returns how the stored object was verified; again asks for another try with a checksum that the store has just
// turned out to support.
func (t *transfer) verifyPut(obj store.Object, sum checksum.Sum, from content, buf []byte) (p Proof, again bool, err error) {
	switch {
	case sum.IsZero():
		return Proof{Text: "the store accepts no checksum"}, false, nil
	case sum.Algorithm != checksum.MD5:
		if stored := obj.Sum(sum.Algorithm); !stored.IsZero() {
			if stored.Value != sum.Value {
				return Proof{}, false, mismatch(obj, stored, sum)
			}
			return Proof{Verified: true, Sum: sum, Text: "full-object " + string(sum.Algorithm) + ", checked by the server"}, false, nil
		}
	default:
		if tag, ok := obj.MD5(); ok && tag == sum {
			return Proof{Verified: true, Sum: sum, Text: "MD5, checked by the server (Content-MD5 and ETag)"}, false, nil
		}
		return Proof{Text: "the MD5 was sent, but the store's ETag does not repeat it"}, false, nil
	}
	if err := t.asked(checksum.Scheme{}); err != nil {
		return Proof{}, false, fmt.Errorf("%w (the object is stored, without that checksum)", err)
	}
	// The store ignored the checksum; its ETag may be the MD5.
	tag, ok := obj.MD5()
	if !ok {
		return Proof{Text: fmt.Sprintf("the store did not confirm the %s that was sent", sum.Algorithm)}, false, nil
	}
	local, err := sumOf(checksum.MD5, from, store.Range{Length: from.Size()}, buf)
	if err != nil {
		return Proof{}, false, readError(from, err)
	}
	if local == tag {
		return Proof{Verified: true, Sum: local, Text: "MD5, against the store's ETag"}, false, nil
	}
	return Proof{}, true, nil
}

// want returns the algorithm to ask the store for.
func (t *transfer) want() checksum.Algorithm {
	if t.o.checksum == checksum.None {
		return checksum.CRC64NVME
	}
	return t.o.checksum
}

// asked refuses a scheme other than the one that the user asked for.
func (t *transfer) asked(s checksum.Scheme) error {
	if t.o.checksum != checksum.None && s.Algorithm != t.o.checksum {
		return fmt.Errorf("%w: the store does not take %s checksums; leave out --checksum-algorithm, and haul uses the best that it takes", store.ChecksumRefused, t.o.checksum)
	}
	return nil
}

// sumOf sums a range of r; by None it returns the zero Sum.
func sumOf(a checksum.Algorithm, r io.ReaderAt, rng store.Range, buf []byte) (checksum.Sum, error) {
	if a == checksum.None {
		return checksum.Sum{}, nil
	}
	return checksum.Section(a, io.NewSectionReader(r, rng.Offset, rng.Length), buf)
}

// readError explains err by a change of the source, if there was one: a file that shrinks, or changes between summing and
// sending, shows up as a short read or as a sum that the store refuses.
func readError(from content, err error) error {
	if !errors.Is(err, store.Corrupt) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if changed := from.Changed(); changed != nil {
		return fmt.Errorf("%w: %w", ErrSourceChanged, changed)
	}
	if from.Touched() {
		return fmt.Errorf("%w: it was rewritten, and its time set back", ErrSourceChanged)
	}
	return err
}

func mismatch(obj store.Object, stored, ours checksum.Sum) error {
	return fmt.Errorf("%s: %w: the store has %v, here it is %v", obj.Ref, ErrMismatch, stored, ours)
}
