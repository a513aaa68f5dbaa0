package haul

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// openUploads lists the open uploads of the key, the newest first.
func (a *multipart) openUploads(ctx context.Context) ([]store.Upload, error) {
	var found []store.Upload
	err := a.do(ctx, func(ctx context.Context) error {
		found = nil
		for open, err := range a.c.store.Uploads(ctx, a.up.Bucket, a.up.Key) {
			if err != nil {
				return err
			}
			if open.Key == a.up.Key {
				found = append(found, open)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b store.Upload) int { return b.Started.Compare(a.Started) })
	return found, err
}

// resume resumes the upload of an earlier run and returns the parts that the store holds of it. If the earlier upload does
// not fit any more it is discarded, and u.up stays without an ID.
func (u *upload) resume(ctx context.Context, earlier record) (kept []store.Part, finished bool, r Result, err error) {
	old := store.Upload{Ref: earlier.Ref, ID: earlier.UploadID, Scheme: earlier.Scheme}
	why := u.unfit(earlier)
	changed, doubtful := u.from.unlike(earlier)
	if u.doubtful = doubtful; changed != "" {
		why = changed
	}
	layout, err := layout.Parts(u.src.Size(), earlier.PartSize, u.limits)
	if err != nil && why == "" {
		why = "the store takes no such parts: " + err.Error()
	}
	if why != "" {
		u.Note(fmt.Sprintf("not resuming an earlier run: %s; starting over", why))
		if err := u.dropOld(ctx, old); err != nil {
			return nil, false, Result{}, err
		}
		return nil, false, Result{}, nil
	}
	u.layout = layout
	u.expectRate(u.log)
	err = u.do(ctx, func(ctx context.Context) (err error) {
		u.up, kept, err = u.list(ctx, old)
		return err
	})
	switch {
	case err == nil:
		return kept, false, Result{}, nil
	case errors.Is(err, store.NoUpload):
		u.up = store.Upload{Ref: old.Ref}
		if r, finished = u.alreadyStored(ctx); finished {
			return nil, true, r, nil
		}
		u.Note("the earlier run's upload is no longer in the store; starting over")
		return nil, false, Result{}, nil
	case errors.Is(err, store.Denied), errors.Is(err, store.Unsupported):
		u.up = store.Upload{Ref: old.Ref}
		u.Note(fmt.Sprintf("the earlier run's upload, with the ID %s, cannot be looked at, and stays in the store: %v; starting over", old.ID, err))
		return nil, false, Result{}, nil
	case refusedForGood(err) && !errors.Is(err, store.Corrupt): // an answer that arrives damaged is the network's fault
		u.up = store.Upload{Ref: old.Ref}
		u.Note(fmt.Sprintf("the store refuses to list the earlier run's upload: %v; starting over", err))
		return nil, false, Result{}, u.dropOld(ctx, old)
	}
	return nil, false, Result{}, err
}

// list asks for the parts of an upload. What the listing does not say of the scheme stays as it was.
func (u *upload) list(ctx context.Context, old store.Upload) (store.Upload, []store.Part, error) {
	listed, kept, err := u.c.store.Parts(ctx, old, &u.o.attrs)
	if err != nil {
		return store.Upload{Ref: old.Ref}, nil, err
	}
	if listed.Scheme.Algorithm != checksum.None {
		old.Scheme = listed.Scheme
	}
	return old, kept, nil
}

// dropOld aborts an upload that nobody will resume.
func (u *upload) dropOld(ctx context.Context, old store.Upload) error {
	err := u.do(ctx, func(ctx context.Context) error { return u.c.store.Abort(ctx, old, &u.o.attrs) })
	if errors.Is(err, store.Denied) || errors.Is(err, store.Unsupported) {
		u.Note(fmt.Sprintf("the earlier run's upload, with the ID %s, cannot be aborted, and stays in the store: %v", old.ID, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("abort the earlier unfinished upload: %w", &IncompleteUploadError{Upload: old, Err: err})
	}
	return nil
}

// alreadyStored settles what became of an upload that is gone: if the object is there and its sum is the file's, the
// earlier run had finished.
func (u *upload) alreadyStored(ctx context.Context) (Result, bool) {
	obj, err := u.head(ctx, u.up.Ref)
	if err != nil || obj.Size != u.src.Size() {
		return Result{}, false
	}
	proof, err := u.verifyStored(ctx, obj)
	if err != nil || !proof.Verified {
		return Result{}, false
	}
	u.started(u.layout.Size, u.layout.Count)
	u.keep(u.layout.Size, u.layout.Count)
	r := Result{Object: obj, Size: u.layout.Size, Parts: u.layout.Count, PartSize: u.layout.PartSize, Proof: proof, Modified: u.modified()}
	if d := u.newDigests(u.layout.Size, checksum.None, nil); d != nil {
		d.restore(entries(u.log), u.layout.Size)
		if d.whole(ctx, onDisk{u.src, u.c.meter}) != nil || u.src.Changed() != nil {
			return Result{}, false
		}
		r.Digests = d.sums(checksum.Sum{})
	}
	u.sweepLost(ctx)
	u.forget(u.log)
	return u.done(r), true
}

// verifyStored compares an object that an earlier run may have stored with the source.
func (u *upload) verifyStored(ctx context.Context, obj store.Object) (Proof, error) {
	if u.between != nil {
		return u.between.verifyStored(obj), nil
	}
	return u.verifyContent(ctx, obj, u.src)
}

// adopt looks for open uploads of the key in the store, and takes the newest whose parts fit this file, if one of its parts
// is verified.
func (u *upload) adopt(ctx context.Context) ([]store.Part, error) {
	found, err := u.openUploads(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for an upload to adopt: %w", err)
	}
	for _, open := range found {
		var kept []store.Part
		var taken store.Upload
		err := u.do(ctx, func(ctx context.Context) (err error) {
			taken, kept, err = u.list(ctx, open)
			return err
		})
		if errors.Is(err, store.NoUpload) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the parts of an upload to adopt: %w", err)
		}
		if taken.Scheme.Algorithm == checksum.None {
			// The listing does not say how it was opened. Content-MD5 works with any upload, and parts whose ETags are MD5s
			// can be compared; others do not fit.
			taken.Scheme = checksum.Scheme{Algorithm: checksum.MD5, Kind: checksum.Composite}
		}
		if u.asked(taken.Scheme) == nil && u.fits(taken, kept) {
			u.Note(fmt.Sprintf("adopted the open upload of %s, with %d parts", open.Started.Local().Format(time.DateTime), len(kept)))
			return kept, nil
		}
	}
	u.Note("found no open upload to adopt; starting clean")
	return nil, nil
}

// layoutOf finds the part size that an upload was made with: all of its parts have it, but for the file's last.
func (u *upload) layoutOf(parts []store.Part) (layout.Split, bool) {
	var size int64
	for _, p := range parts {
		size = max(size, p.Size)
	}
	if size == 0 || u.o.partSize != 0 && u.o.partSize != size {
		return layout.Split{}, false
	}
	split, err := layout.Parts(u.src.Size(), size, u.limits)
	if err != nil {
		return layout.Split{}, false
	}
	for _, p := range parts {
		if p.Number < 1 || p.Number > split.Count || p.Size != split.Part(p.Number).Length {
			return layout.Split{}, false
		}
	}
	return split, true
}

// maxTried is how many parts of an open upload must differ from the file's before it is taken as another file's.
const maxTried = 8

// fits adopts an open upload, if its parts are laid out for the file and one of the first is verified.
func (u *upload) fits(open store.Upload, kept []store.Part) bool {
	layout, ok := u.layoutOf(kept)
	if !ok {
		return false
	}
	was, old := u.up, u.layout
	u.up, u.layout = open, layout
	buf := make([]byte, sumBuffer)
	for _, p := range kept[:min(len(kept), maxTried)] {
		if _, same, err := u.comparePart(p, buf); err == nil && same {
			return true
		}
	}
	u.up, u.layout = was, old
	return false
}

// verifyKept verifies every part that the store holds against the local bytes; verified parts need not move again.
func (u *upload) verifyKept(ctx context.Context, kept []store.Part) error {
	defer u.c.meter.Since(meter.Proving, time.Now())
	if u.between != nil {
		u.between.restore(kept)
		return nil
	}
	if len(kept) == 0 {
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0)) // this is work for the CPU, not for lanes
	for _, p := range kept {
		if p.Number < 1 || p.Number > u.layout.Count || p.Size != u.layout.Part(p.Number).Length {
			continue
		}
		g.Go(func() error {
			lease, err := u.c.memory.Take(gctx, sumBuffer)
			if err != nil {
				return err
			}
			defer lease.Release()
			return u.verifyPart(gctx, p, lease.Bytes())
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	parts, bytes := u.count()
	u.keep(bytes, parts)
	return nil
}

// verifyPart adds the part if it is verified.
func (u *upload) verifyPart(ctx context.Context, p store.Part, buf []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	sum, same, err := u.comparePart(p, buf)
	if err == nil && same {
		u.add(p, sum)
	}
	return err
}

// comparePart verifies a part that the store holds against the local bytes: by its checksum, or by its ETag if that is an MD5.
func (u *upload) comparePart(p store.Part, buf []byte) (sum checksum.Sum, same bool, err error) {
	r := u.layout.Part(p.Number)
	if sum, err = sumOf(u.up.Scheme.Algorithm, u.src, r, buf); err != nil {
		return sum, false, readError(u.src, err)
	}
	theirs, ours := p.Sum, sum
	if theirs.IsZero() || theirs.Algorithm != sum.Algorithm {
		tag, ok := checksum.FromETag(p.ETag)
		if !ok || tag.Parts > 0 {
			return sum, false, nil
		}
		theirs = tag
		if ours.Algorithm != checksum.MD5 {
			if ours, err = sumOf(checksum.MD5, u.src, r, buf); err != nil {
				return sum, false, readError(u.src, err)
			}
		}
	}
	return sum, theirs.Value == ours.Value, nil
}
