package haul

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

// CopyFrom copies an object from the store of another Client into this one's. The bytes pass through the memory of this machine,
// never through a file, in the parts of the upload; those of the source are kept if the store takes them, and with them the ETag. All
// reads are pinned to one state of the source. What passes is compared with what the source's store records before the copy appears,
// and the copy with what its own store records. Headers, metadata and tags are copied unless Attrs sets them.
//
// If a copy in parts fails, the error is an *IncompleteUploadError, and the same call resumes the copy if the source is still the
// same. The source's Client needs its own lanes and bandwidth, and the memory is that of c.
func (c *Client) CopyFrom(ctx context.Context, source *Client, from, to store.Ref, o CopyOptions) (Result, error) {
	defer c.alive()()
	defer source.alive()()
	t := c.begin(from.String(), to.String(), o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	if o.Annotations == store.CopyAnnotations {
		return Result{}, fmt.Errorf("%w: annotations are not copied from one store to another", store.Unsupported)
	}
	t.replace()
	s := source.begin(from.String(), to.String(), transferOptions{attrs: *t.opener(), ifMatch: o.IfMatch})
	b := &between{remote: &remote{transfer: s, ref: from}}
	b.to = &upload{multipart: &multipart{transfer: t, up: store.Upload{Ref: to}}, from: b, between: b, limits: c.store.Limits(to.Bucket)}
	if err := b.look(ctx, o.Listed); err != nil {
		return Result{}, err
	}
	b.to.src = readerAt{size: b.obj.Size}
	return b.to.begin(ctx)
}

// look finds out what the source is, unless it was listed and is copied by one request, which then says so.
func (b *between) look(ctx context.Context, listed *store.Object) error {
	t := b.to.transfer
	if listed != nil && listed.ETag != "" && t.o.partSize == 0 {
		tag, _ := checksum.FromETag(listed.ETag)
		if listed.Size > 0 && tag.Parts == 0 && layout.OnePut(listed.Size, b.to.limits) && b.fits(listed.Size) {
			b.obj, b.listed = *listed, listed
			return nil
		}
		b.o.ifMatch = listed.ETag
	}
	obj, err := b.head(ctx, b.ref)
	if err == nil {
		err = b.expected(obj)
	}
	if err == nil {
		err = b.describe(ctx, obj)
	}
	if err == nil && t.o.partSize == 0 {
		t.o.partSize = b.partsToKeep(ctx, obj, b.to.limits)
	}
	return err
}

// describe takes over what the source's store says of it.
func (b *between) describe(ctx context.Context, obj store.Object) error {
	b.remote = b.newSource(ctx, b.ref, obj)
	b.known.Claims = evidence.Streamed(b.known.Claims)
	return b.to.describeCopy(ctx, b.transfer, obj)
}

// describeCopy makes the attrs of a copy: what the caller did not set is the source's, which s reads.
func (t *transfer) describeCopy(ctx context.Context, s *transfer, src store.Object) error {
	if !t.o.replaceMetadata {
		t.o.attrs = carried(t.o.attrs, src)
	}
	if t.o.attrs.Tags != nil {
		return nil
	}
	tags, err := s.tags(ctx, src.Ref)
	switch store.KindOf(err) {
	case store.Unsupported: // then there are none
		return nil
	case store.Denied:
		if !s.c.lookedTags.Swap(true) {
			t.Note(fmt.Sprintf("the tags of the source cannot be read, and are not copied: %v", err))
		}
		return nil
	}
	if len(tags) > 0 {
		t.o.attrs.Tags = tags
	}
	return err
}

// partsToKeep returns the size of the parts that the source was uploaded in, in bytes, if a store with these limits takes them: then
// an ETag made of MD5s stays the same. It is 0 if they are unknown, or not equal, or there are none.
func (t *transfer) partsToKeep(ctx context.Context, src store.Object, limits store.Limits) int64 {
	sizes := t.ownParts(ctx, src, limits)
	if sizes == nil {
		sizes = t.likelyParts(src, limits)
	}
	if len(sizes) < 2 {
		return 0
	}
	if same := evidence.EqualParts(src.Size, sizes[0], len(sizes)); same == nil || !allowed(same, limits) {
		return 0
	}
	return sizes[0]
}

// between is the source of an upload that is an object in another store. What it embeds belongs to the source's Client.
type between struct {
	*remote
	to      *upload
	listed  *store.Object  // nil unless it is all that is known of the source
	sums    []checksum.Sum // of the parts as they came, by index
	running evidence.Running
	digests *digestChain
	// unsummed: the source's checksum needs the bytes in order, and the parts are too large for that.
	unsummed bool
	proof    Proof // of the source
}

func (b *between) name() (direction, string) {
	return fromStore, b.recordName("", "", b.ref)
}

func (b *between) modified() time.Time { return b.obj.Modified }

func (b *between) pin(r *record) {
	r.Kind, r.From, r.FromIdentity = fromStore, b.ref, b.c.identity
	r.Size, r.ETag, r.Version, r.Algorithm = b.obj.Size, b.obj.ETag, b.obj.Version, b.algorithm
}

func (b *between) unlike(r record) (why string, doubtful bool) {
	if r.Size != b.obj.Size || r.ETag != b.obj.ETag {
		why = "the source has changed since"
	}
	return why, false
}

// restore adds the parts of an earlier run that the store still has as they were when their bytes had passed.
func (b *between) restore(kept []store.Part) {
	u := b.to
	b.sums = make([]checksum.Sum, u.layout.Count)
	sent := map[int64]entry{} // by offset
	for _, e := range entries(u.log) {
		sent[e.Offset] = e
	}
	for _, p := range kept {
		if p.Number < 1 || p.Number > u.layout.Count {
			continue
		}
		r := u.layout.Part(p.Number)
		e := sent[r.Offset]
		if p.Size != r.Length || e.Length != r.Length || e.ETag == "" || e.ETag != p.ETag || e.Sum.Algorithm != b.algorithm {
			continue
		}
		if u.checkPart(p, e.Sent) == nil {
			u.add(p, e.Sent)
			b.sums[p.Number-1] = e.Sum
		}
	}
	parts, bytes := u.count()
	u.keep(bytes, parts)
}

// verify compares what has passed with what the source's store records.
func (b *between) verify() error {
	if b.unsummed {
		b.proof.Text = "its parts are too large for the memory to compute the checksum that its store recorded (see --memory)"
		return nil
	}
	var sums []checksum.Sum
	var err error
	switch {
	case b.free():
		sums = make([]checksum.Sum, 1)
		sums[0], err = b.combined()
	default:
		sums, err = b.running.Sums()
	}
	if err != nil {
		return err
	}
	a := evidence.Decide(b.known.Claims[:len(sums)], sums)
	if a.Verdict == evidence.Match {
		b.c.etags.Fit(a.Claim)
	}
	b.proof, _, err = proofOf(b.known, a)
	return err
}

// combined returns the sum of the whole by the algorithm of the ranges.
func (b *between) combined() (checksum.Sum, error) {
	if b.obj.Size == 0 {
		return checksum.Bytes(b.algorithm, nil), nil
	}
	segments := make([]segment, len(b.sums))
	for i, s := range b.sums {
		segments[i] = segment{b.to.layout.Part(i + 1), s}
	}
	return combine(segments)
}

// verifyStored compares source and copy by what their stores record. Digests of what an earlier run copied are not known.
func (b *between) verifyStored(obj store.Object) Proof {
	a, text := evidence.Same(b.obj, obj)
	if a.Verdict != evidence.Match || len(b.to.o.digests) > 0 {
		return Proof{}
	}
	return Proof{Verified: true, Sum: a.Claim.Sum, Text: text}
}

// result finishes the copy successfully.
func (b *between) result(r Result) (Result, error) {
	r.Proof = b.whole(r.Proof)
	if b.digests != nil {
		all, err := b.combined()
		if err != nil {
			return Result{}, err
		}
		r.Digests = b.digests.sums(all)
	}
	return b.finish(b.to.describe(r)), nil
}

// finish ends the copy successfully.
func (b *between) finish(r Result) Result {
	b.to.retries.Add(b.retries.Load())
	return b.to.done(r)
}

// whole returns the proof of both ends.
func (b *between) whole(target Proof) Proof {
	switch s := b.proof; {
	case !target.Verified:
		return target
	case !s.Verified:
		return Proof{Text: "the copy is what passed, but the source could not be verified: " + s.Text}
	case s.Sum == target.Sum:
		target.Text += "; the same in the source's store"
	default:
		target.Text += "; the source by its " + s.Text
	}
	return target
}

// copyWhole copies an object that fits into the memory by one request to each store.
func (b *between) copyWhole(ctx context.Context) (Result, error) {
	whole := store.Range{Length: b.obj.Size}
	lease, err := b.to.c.memory.Take(ctx, whole.Length+sumBuffer)
	if err != nil {
		return Result{}, err
	}
	defer lease.Release()
	mem, scratch := lease.Bytes()[:whole.Length], lease.Bytes()[whole.Length:]
	b.sums = make([]checksum.Sum, 1)
	b.to.layout = layout.Split{Size: whole.Length, PartSize: whole.Length, Count: 1}
	for try := 0; ; try++ {
		if b.sums[0], err = b.fetchInto(ctx, whole, mem); err != nil {
			return Result{}, err
		}
		if !b.free() {
			b.running = evidence.NewRunning(b.known.Claims)
			_, _ = b.running.Write(mem)
		}
		if err = b.verify(); err == nil {
			break
		}
		if try > 0 || !errors.Is(err, ErrMismatch) {
			return Result{}, err
		}
		b.to.Retried(err, 0)
	}
	r, err := b.to.putAll(ctx, readerAt{bytes.NewReader(mem), whole.Length}, b.to.up.Ref, scratch)
	if err != nil {
		return Result{}, err
	}
	r.Proof, r.Modified = b.whole(r.Proof), b.modified()
	return b.finish(r), nil
}

// fetchInto fetches a range into memory, in a lane of the source.
func (b *between) fetchInto(ctx context.Context, r store.Range, mem []byte) (checksum.Sum, error) {
	if r.Length == 0 {
		return checksum.Bytes(b.algorithm, nil), nil
	}
	if err := b.c.dispatch.Enter(ctx, r.Length); err != nil {
		return checksum.Sum{}, err
	}
	defer b.c.dispatch.Leave(r.Length)
	var first *response
	if b.listed != nil {
		body, err := b.getListed(ctx, b.ref, *b.listed)
		if err != nil {
			return checksum.Sum{}, err
		}
		if err := b.describe(ctx, body.Body.Object); err != nil {
			body.close()
			return checksum.Sum{}, err
		}
		b.listed, first = nil, body
	}
	return b.fetch(ctx, r, first, inMemory(mem), nil)
}

// fits reports whether a few parts of that size fit into the memory.
func (b *between) fits(size int64) bool { return size <= b.to.c.memory.Limit()/4 }
