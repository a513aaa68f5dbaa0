package haul

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"haul/checksum"
	"haul/internal/localfile"
	"haul/internal/plan"
	"haul/store"
)

// Upload stores the local file path as object to: a small one in one request, a larger one in parts that are read in
// place, by range. A failed upload in parts gives a *LeftError that tells what stays in the store; the same call goes on
// from there. The error is of kind store.Exists where NoClobber forbids the object that is there, and ErrSourceChanged
// where the file changed while it was read.
func (c *Client) Upload(ctx context.Context, path string, to store.Ref, o Transfer) (Result, error) {
	defer c.alive()()
	src, err := localfile.OpenSource(path)
	if err != nil {
		return Result{}, err
	}
	defer src.Close() // only read from
	t := c.begin(path, to.String(), o)
	limits := c.store.Limits(to.Bucket)
	u := &upload{assembly: &assembly{transfer: t, up: store.Upload{Ref: to}}, src: src, limits: limits}
	inParts := !plan.OnePut(src.Size(), limits) || o.PartSize != 0 && src.Size() > o.PartSize
	if (!inParts || o.Resume == ResumeNever) && t.recorded(up, src.Path(), to) {
		why := "the file is smaller now"
		if inParts {
			why = "that is not wanted"
		}
		if err := u.dropEarlier(ctx, why); err != nil {
			return Result{}, err
		}
	}
	if inParts {
		return u.run(ctx)
	}
	return t.put(ctx, src, to)
}

// dropEarlier throws away what an earlier run left and this one will not go on with.
func (u *upload) dropEarlier(ctx context.Context, why string) error {
	l, err := u.openLog(up, u.src.Path(), u.up.Ref)
	if l == nil || err != nil {
		return err
	}
	defer l.Close()
	earlier, ok := l.Header()
	if !ok {
		return nil
	}
	u.note("an earlier run is not gone on with: " + why + "; starting over")
	if earlier.UploadID != "" {
		if err := u.dropOld(ctx, store.Upload{Ref: earlier.Ref, ID: earlier.UploadID, Scheme: earlier.Scheme}); err != nil {
			return err
		}
	}
	u.unnamed = earlier.Unnamed
	u.dropUnnamed(ctx)
	u.forget(l)
	return nil
}

// upload is one upload of a file in parts.
type upload struct {
	*assembly
	src    *localfile.Source
	limits store.Limits
	layout plan.Layout
	log    *log
	// unnamed is since when a run may have opened an upload and ended, or lost the answer, before it knew its ID; zero is never.
	unnamed time.Time
}

func (u *upload) run(ctx context.Context) (Result, error) {
	layout, err := plan.Parts(u.src.Size(), u.o.PartSize, u.limits)
	if err != nil {
		return Result{}, err
	}
	u.layout = layout
	if u.o.Resume != ResumeNever {
		if u.log, err = u.openLog(up, u.src.Path(), u.up.Ref); err != nil {
			return Result{}, err
		}
	}
	if u.log != nil {
		defer u.log.Close()
	}
	if finished, r, err := u.open(ctx); finished || err != nil {
		return r, err
	}
	obj, sum, err := u.move(ctx)
	if err != nil {
		return Result{}, u.fail(ctx, err)
	}
	u.dropUnnamed(ctx)
	u.forget(u.log)
	obj, proof, err := u.prove(ctx, obj, sum)
	if err != nil {
		return Result{}, err
	}
	return u.done(Result{Object: obj, Size: u.layout.Size, Parts: u.layout.Count, Proof: proof}), nil
}

// open goes on with an earlier upload where there is one that fits, or opens a new one. It is finished when the earlier
// run had stored the object, and only not lived to tell.
func (u *upload) open(ctx context.Context) (finished bool, r Result, err error) {
	var kept []store.Part
	if u.log != nil {
		earlier, ok := u.log.Header()
		u.unnamed = earlier.Unnamed
		if ok && earlier.UploadID != "" {
			kept, finished, r, err = u.goOn(ctx, earlier)
			if finished || err != nil {
				return finished, r, err
			}
		}
	}
	if u.up.ID == "" && u.o.Resume == ResumeAdopt {
		if kept, err = u.adopt(ctx); err != nil {
			return false, Result{}, err
		}
	}
	if u.up.ID == "" {
		if err := u.create(ctx); err != nil {
			return false, Result{}, err
		}
	}
	if err := u.asked(u.up.Scheme); err != nil {
		u.forget(u.log)
		return false, Result{}, u.abort(ctx, err)
	}
	u.writeDown()
	u.started(u.layout.Size, u.layout.Count)
	if err := u.proveKept(ctx, kept); err != nil {
		return false, Result{}, u.fail(ctx, err)
	}
	return false, Result{}, nil
}

// writeDown makes the record say how things stand.
func (u *upload) writeDown() {
	if u.log == nil {
		return
	}
	if err := u.log.Begin(u.record()); err != nil {
		u.note(fmt.Sprintf("no record can be kept, so a broken run would start over: %v", err))
		u.log.Close()
		u.log = nil
	}
}

func (u *upload) record() record {
	return record{
		Kind: up, Identity: u.c.identity, Path: u.src.Path(), Ref: u.up.Ref, Began: time.Now(), PartSize: u.layout.PartSize,
		Choices: u.choices(), UploadID: u.up.ID, Unnamed: u.unnamed, Scheme: u.up.Scheme, Fingerprint: u.src.Fingerprint(),
	}
}

// create opens a new upload. The record says so before: a run that is killed before it knows the ID leaves no other trace.
func (u *upload) create(ctx context.Context) error {
	if u.o.NoClobber { // the store decides at the end; but don't move a terabyte to hear it
		if err := u.absent(ctx, u.up.Ref); err != nil {
			return err
		}
	}
	clear := u.unnamed.IsZero()
	if clear {
		u.unnamed = time.Now()
	}
	u.writeDown()
	tries := 0
	err := u.try(ctx, func(ctx context.Context) error {
		tries++
		opened, err := u.c.store.Create(ctx, u.up.Ref, checksum.Scheme{Algorithm: u.want()}, &u.o.Attrs)
		if err == nil {
			u.up = opened
		}
		return err
	})
	if clear && tries == 1 && (err == nil || ctx.Err() == nil && !store.Retryable(err)) { // nothing was opened that has no name
		u.unnamed = time.Time{}
		if err != nil {
			u.forget(u.log)
		}
	}
	return err
}

// skew is by how much the clocks of a store and of its client may differ: beyond it, S3 refuses the client's signature.
const skew = 15 * time.Minute

// dropUnnamed throws away uploads of this key, without parts, that runs of this transfer may have opened without knowing.
func (u *upload) dropUnnamed(ctx context.Context) {
	if u.unnamed.IsZero() {
		return
	}
	found, err := u.openUploads(ctx)
	for _, open := range found {
		if open.Started.Before(u.unnamed.Add(-skew)) {
			continue
		}
		var parts []store.Part
		listed := u.try(ctx, func(ctx context.Context) (err error) {
			_, parts, err = u.list(ctx, open)
			return err
		})
		if listed == nil && len(parts) == 0 {
			listed = u.dropOld(ctx, open)
		}
		if listed != nil && !errors.Is(listed, store.NoUpload) {
			err = errors.Join(err, listed)
		}
	}
	if err != nil {
		u.note(fmt.Sprintf("an empty upload of an earlier run may be left open: %v", err))
	}
}

// openUploads lists the open uploads of the key, the newest first.
func (u *upload) openUploads(ctx context.Context) ([]store.Upload, error) {
	var found []store.Upload
	err := u.try(ctx, func(ctx context.Context) error {
		found = nil
		for open, err := range u.c.store.Uploads(ctx, u.up.Bucket, u.up.Key) {
			if err != nil {
				return err
			}
			if open.Key == u.up.Key {
				found = append(found, open)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b store.Upload) int { return b.Started.Compare(a.Started) })
	return found, err
}

// absent is an error of kind Exists where the object is there.
func (t *transfer) absent(ctx context.Context, ref store.Ref) error {
	err := t.try(ctx, func(ctx context.Context) error {
		_, err := t.c.store.Head(ctx, store.GetRequest{Ref: ref, Attrs: &t.o.Attrs})
		return err
	})
	switch {
	case err == nil:
		return &store.Error{Kind: store.Exists, Op: "HeadObject", Ref: ref}
	case errors.Is(err, store.NotFound), errors.Is(err, store.Denied):
		return nil
	}
	return err
}

// goOn takes up the upload of an earlier run and gives the parts that the store holds of it. Where the earlier upload does
// not fit any more it is thrown away, and u.up stays without an ID.
func (u *upload) goOn(ctx context.Context, earlier record) (kept []store.Part, finished bool, r Result, err error) {
	old := store.Upload{Ref: earlier.Ref, ID: earlier.UploadID, Scheme: earlier.Scheme}
	why := u.unfit(earlier)
	if earlier.Fingerprint != u.src.Fingerprint() {
		why = "the source has changed since"
	}
	if why != "" {
		u.note(fmt.Sprintf("an earlier run is not gone on with: %s; starting over", why))
		if err := u.dropOld(ctx, old); err != nil {
			return nil, false, Result{}, err
		}
		return nil, false, Result{}, nil
	}
	if u.layout, err = plan.Parts(u.src.Size(), earlier.PartSize, u.limits); err != nil {
		return nil, false, Result{}, err
	}
	err = u.try(ctx, func(ctx context.Context) (err error) {
		u.up, kept, err = u.list(ctx, old)
		return err
	})
	if errors.Is(err, store.NoUpload) {
		u.up = store.Upload{Ref: old.Ref}
		if r, finished = u.alreadyStored(ctx); finished {
			return nil, true, r, nil
		}
		u.note("the earlier run's upload is no longer in the store; starting over")
		return nil, false, Result{}, nil
	}
	return kept, false, Result{}, err
}

// list asks for the parts of an upload. What the listing does not tell of the scheme stands as it was.
func (u *upload) list(ctx context.Context, old store.Upload) (store.Upload, []store.Part, error) {
	told, kept, err := u.c.store.Parts(ctx, old, &u.o.Attrs)
	if err != nil {
		return store.Upload{Ref: old.Ref}, nil, err
	}
	if told.Scheme.Algorithm != checksum.None {
		old.Scheme = told.Scheme
	}
	return old, kept, nil
}

// dropOld throws an upload away that nobody will go on with.
func (u *upload) dropOld(ctx context.Context, old store.Upload) error {
	err := u.try(ctx, func(ctx context.Context) error { return u.c.store.Abort(ctx, old, &u.o.Attrs) })
	if err != nil {
		return fmt.Errorf("throw away the earlier unfinished upload: %w", &LeftError{Upload: old, Err: err})
	}
	return nil
}

// alreadyStored settles what became of an upload that is gone: where the object is there and its sum is the file's, the
// earlier run had finished.
func (u *upload) alreadyStored(ctx context.Context) (Result, bool) {
	obj, err := u.c.store.Head(ctx, store.GetRequest{Ref: u.up.Ref, Attrs: &u.o.Attrs})
	if err != nil || obj.Size != u.src.Size() {
		return Result{}, false
	}
	proof, err := u.proveContent(ctx, obj, u.src)
	if err != nil || !proof.Proved {
		return Result{}, false
	}
	u.forget(u.log)
	u.started(u.layout.Size, u.layout.Count)
	u.keep(u.layout.Size, u.layout.Count)
	return u.done(Result{Object: obj, Size: u.layout.Size, Parts: u.layout.Count, Proof: proof}), true
}

// adopt looks for open uploads of the key in the store, and takes the newest whose parts can be this file's.
func (u *upload) adopt(ctx context.Context) ([]store.Part, error) {
	found, err := u.openUploads(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for an upload to adopt: %w", err)
	}
	for _, open := range found {
		var kept []store.Part
		var taken store.Upload
		err := u.try(ctx, func(ctx context.Context) (err error) {
			taken, kept, err = u.list(ctx, open)
			return err
		})
		if errors.Is(err, store.NoUpload) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the parts of an upload to adopt: %w", err)
		}
		if layout, ok := u.layoutOf(kept); ok {
			u.up, u.layout = taken, layout
			u.note(fmt.Sprintf("adopted the open upload of %s, with %d parts", open.Started.Local().Format(time.DateTime), len(kept)))
			return kept, nil
		}
	}
	u.note("found no open upload to adopt; starting clean")
	return nil, nil
}

// layoutOf finds the part size that an upload was made with: all of its parts have it, but for the file's last.
func (u *upload) layoutOf(parts []store.Part) (plan.Layout, bool) {
	var size int64
	for _, p := range parts {
		size = max(size, p.Size)
	}
	if size == 0 || u.o.PartSize != 0 && u.o.PartSize != size {
		return plan.Layout{}, false
	}
	layout, err := plan.Parts(u.src.Size(), size, u.limits)
	if err != nil {
		return plan.Layout{}, false
	}
	for _, p := range parts {
		if p.Number > layout.Count || p.Size != layout.Part(p.Number).Length {
			return plan.Layout{}, false
		}
	}
	return layout, true
}

// proveKept proves every part that the store holds against the local bytes; those that prove equal need not move again.
func (u *upload) proveKept(ctx context.Context, kept []store.Part) error {
	if len(kept) == 0 {
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0)) // this is work for the CPU, not for lanes
	for _, p := range kept {
		if p.Number > u.layout.Count || p.Size != u.layout.Part(p.Number).Length {
			continue
		}
		g.Go(func() error {
			lease, err := u.c.memory.Take(gctx, sumBuffer)
			if err != nil {
				return err
			}
			defer lease.Release()
			return u.provePart(p, lease.Bytes())
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	parts, bytes := u.count()
	u.keep(bytes, parts)
	return nil
}

// provePart adds the part where it proves equal: by its checksum, or by its ETag where that is an MD5.
func (u *upload) provePart(p store.Part, buf []byte) error {
	r := u.layout.Part(p.Number)
	sum, err := sumOf(u.up.Scheme.Algorithm, u.src, r, buf)
	if err != nil {
		return readError(u.src, err)
	}
	theirs, ours := p.Sum, sum
	if theirs.IsZero() || theirs.Algorithm != sum.Algorithm {
		tag, ok := checksum.FromETag(p.ETag)
		if !ok || tag.Parts > 0 {
			return nil
		}
		theirs = tag
		if ours.Algorithm != checksum.MD5 {
			if ours, err = sumOf(checksum.MD5, u.src, r, buf); err != nil {
				return readError(u.src, err)
			}
		}
	}
	if theirs.Value == ours.Value {
		u.add(p, sum)
	}
	return nil
}

// move sends the parts that are missing, and completes.
func (u *upload) move(ctx context.Context) (store.Object, checksum.Sum, error) {
	g, gctx := errgroup.WithContext(ctx)
	for n := 1; n <= u.layout.Count; n++ {
		if u.has(n) {
			continue
		}
		if err := u.c.spawn(gctx, g, sumBuffer, func(buf []byte) error { return u.sendPart(gctx, n, buf) }); err != nil {
			break // gctx ended; Wait tells why
		}
	}
	if err := g.Wait(); err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	if ctx.Err() != nil {
		return store.Object{}, checksum.Sum{}, context.Cause(ctx)
	}
	if err := u.src.Changed(); err != nil {
		return store.Object{}, checksum.Sum{}, fmt.Errorf("%w: %w", ErrSourceChanged, err)
	}
	sum, err := u.whole()
	if err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	obj, err := u.complete(ctx, sum)
	return obj, sum, err
}

// sendPart reads, sums and sends part n.
func (u *upload) sendPart(ctx context.Context, n int, buf []byte) error {
	r := u.layout.Part(n)
	sum, err := sumOf(u.up.Scheme.Algorithm, u.src, r, buf)
	if err != nil {
		return readError(u.src, err)
	}
	return u.send(ctx, n, io.NewSectionReader(u.src, r.Offset, r.Length), sum, u.src)
}

// fail says what stays after err, or makes sure that nothing does.
func (u *upload) fail(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, store.NoUpload):
		u.forget(u.log)
		return fmt.Errorf("%w: somebody threw the upload away, or completed it", err)
	case u.o.Resume == ResumeNever, errors.Is(err, ErrSourceChanged), errors.Is(err, store.Exists):
		u.forget(u.log)
		return u.abort(ctx, err)
	}
	return u.left(err, u.log != nil)
}
