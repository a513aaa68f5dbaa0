package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// Upload uploads the local file path as the object to: a small file in one request, a larger one in parts that are read from
// the file as they are sent. If an upload in parts fails, the error is an *IncompleteUploadError that reports the parts
// remaining in the store; the same call resumes the upload. The error is of kind store.Exists if the object exists and
// NoClobber is set, and ErrSourceChanged if the file changed while it was read.
func (c *Client) Upload(ctx context.Context, path string, to store.Ref, o UploadOptions) (Result, error) {
	defer c.alive()()
	t := c.begin(path, to.String(), o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	var src *localfile.Source
	err := t.c.dispatch.WithFile(ctx, t, func() (err error) {
		src, err = localfile.OpenSource(path)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	defer src.Close() // only read from
	t.o = t.o.stamped(src.ModTime())
	if unsized, err := src.Unsized(); unsized || err != nil {
		if err != nil {
			return Result{}, fmt.Errorf("source %s: %w", path, err)
		}
		t.o.digestFirst = false // it can only be read once
		return t.stream(ctx, src.Reader(), to)
	}
	limits := c.store.Limits(to.Bucket)
	u := &upload{multipart: &multipart{transfer: t, up: store.Upload{Ref: to}}, from: fileOrigin{src}, src: src, limits: limits}
	return u.begin(ctx)
}

// begin discards what an earlier run left if this one cannot or shall not resume it, and stores the source.
func (u *upload) begin(ctx context.Context) (Result, error) {
	inParts := u.inParts()
	if (!inParts || u.o.resume == ResumeNever) && u.recorded(u.logName()) {
		why := "the source is smaller now"
		if inParts {
			why = "that is not wanted"
		}
		if err := u.dropEarlier(ctx, why); err != nil {
			return Result{}, err
		}
	}
	return u.store(ctx)
}

// inParts reports whether the source is sent in parts.
func (u *upload) inParts() bool {
	return !layout.OnePut(u.src.Size(), u.limits) || u.o.partSize != 0 && u.src.Size() > u.o.partSize ||
		u.between != nil && !u.between.fits(u.src.Size())
}

// store sends the source, in parts or by one request.
func (u *upload) store(ctx context.Context) (Result, error) {
	if u.inParts() {
		return u.run(ctx)
	}
	r, err := u.putWhole(ctx)
	if now := u.c.store.Limits(u.up.Bucket); errors.Is(err, store.TooLarge) && now != u.limits && !layout.OnePut(u.src.Size(), now) {
		u.Note(fmt.Sprintf("%v; sending it in parts", err))
		u.limits, u.counted = now, 1
		return u.run(ctx)
	}
	r.Modified = u.modified()
	return r, err
}

// putWhole sends the source in one request.
func (u *upload) putWhole(ctx context.Context) (Result, error) {
	if u.between != nil {
		return u.between.copyWhole(ctx)
	}
	return u.put(ctx, onDisk{u.src, u.c.meter}, u.up.Ref)
}

// modified returns the modification time of the source; zero if it has none.
func (u *upload) modified() time.Time {
	if u.from == nil {
		return time.Time{}
	}
	return u.from.modified()
}

// dropEarlier discards what an earlier run left and this one will not resume.
func (u *upload) dropEarlier(ctx context.Context, why string) error {
	l, err := u.openLog(ctx, u.logName())
	if l == nil || err != nil {
		return err
	}
	defer l.Close()
	earlier, ok := l.Header()
	if !ok {
		return nil
	}
	u.Note("not resuming an earlier run: " + why + "; starting over")
	if earlier.UploadID != "" {
		if err := u.dropOld(ctx, store.Upload{Ref: earlier.Ref, ID: earlier.UploadID, Scheme: earlier.Scheme}); err != nil {
			return err
		}
	}
	u.lostSince = earlier.LostSince
	if u.sweepLost(ctx); u.lostSince.IsZero() {
		u.forget(l)
	}
	return nil
}

// upload is one upload of a file, of an object in another store, or of an io.ReaderAt, in parts.
type upload struct {
	*multipart
	from     origin   // nil: it is an io.ReaderAt, and cannot be resumed
	between  *between // nil: the source is on this machine
	src      content
	limits   store.Limits
	layout   layout.Split
	log      *recordLog // of what has an origin
	leftover *leftover  // of an io.ReaderAt
	ours     bool       // this run created the upload

	restarts   int  // how often it was started over
	completing bool // all parts are there, and Complete was asked for
	counted    int  // parts that the meter has counted
	doubtful   bool // what an earlier run has summed may have been other bytes

	digests *digests
	md5     *digest // of the whole file, if it was read before
}

func (u *upload) run(ctx context.Context) (r Result, err error) {
	layout, err := layout.Parts(u.src.Size(), u.o.partSize, u.limits)
	if err != nil {
		return Result{}, err
	}
	u.layout = layout
	u.fleeting = u.o.resume == ResumeNever
	if err := u.keepRecord(ctx); err != nil {
		return Result{}, err
	}
	defer func() {
		if u.log != nil {
			u.log.Close()
		}
		if u.leftover != nil {
			u.leftover.end(ctx, err)
		}
	}()
	u.c.sweepDead(ctx, u.transfer)
	for {
		finished, r, err := u.open(ctx)
		if finished || err != nil {
			return r, err
		}
		obj, sum, err := u.move(ctx)
		if err == nil {
			return u.end(ctx, obj, sum)
		}
		again, err := u.startOver(ctx, err)
		if !again {
			return Result{}, u.fail(ctx, err)
		}
	}
}

// end verifies the finished object.
func (u *upload) end(ctx context.Context, obj store.Object, sum checksum.Sum) (Result, error) {
	obj, proof, err := u.verifyObject(ctx, obj, sum)
	if err == nil || errors.Is(err, ErrMismatch) {
		u.sweepLost(ctx)
		u.forget(u.log) // else the next run looks again
	}
	if err != nil {
		return Result{}, err
	}
	return u.result(obj, proof)
}

// result finishes the upload successfully.
func (u *upload) result(obj store.Object, proof Proof) (Result, error) {
	r := Result{Object: obj, Size: u.layout.Size, Parts: u.layout.Count, Proof: proof, Modified: u.modified()}
	if u.between != nil {
		return u.between.result(r)
	}
	if u.digests != nil {
		full, err := u.full()
		if err != nil {
			return Result{}, err
		}
		r.Digests = u.digests.sums(full)
	}
	return u.done(u.describe(r)), nil
}

// open resumes an earlier upload if there is one that fits, or opens a new one. It is finished when the earlier run had
// stored the object, but was killed before reporting it.
func (u *upload) open(ctx context.Context) (finished bool, r Result, err error) {
	var kept []store.Part
	if u.restarts == 0 {
		if kept, finished, r, err = u.earlier(ctx); finished || err != nil {
			return finished, r, err
		}
	}
	if u.up.ID == "" {
		if err := u.openUpload(ctx); err != nil {
			return false, Result{}, err
		}
	}
	if err := u.asked(u.up.Scheme); err != nil {
		u.forget(u.log)
		if u.ours {
			err = u.abort(ctx, err)
		}
		return false, Result{}, err
	}
	u.writeDown()
	u.announce()
	if err := u.verifyKept(ctx, kept); err != nil {
		return false, Result{}, u.fail(ctx, err)
	}
	return false, Result{}, nil
}

// announce counts the transfer: the whole of it once, and its parts again if they have changed.
func (u *upload) announce() {
	if was := u.counted; was == 0 {
		u.started(u.layout.Size, u.layout.Count)
	} else {
		u.c.meter.Begin(0, u.layout.Count-was)
	}
	u.counted = u.layout.Count
}

// earlier looks for an upload to resume.
func (u *upload) earlier(ctx context.Context) (kept []store.Part, finished bool, r Result, err error) {
	if u.log != nil && u.o.resume != ResumeNever {
		if earlier, ok := u.log.Header(); ok {
			u.lostSince = earlier.LostSince
			if earlier.UploadID == "" { // the run was killed before it received an ID
				u.sweepLost(ctx)
			} else if kept, finished, r, err = u.resume(ctx, earlier); finished || err != nil {
				return kept, finished, r, err
			}
		}
	}
	if u.up.ID == "" && u.o.resume == ResumeAdopt {
		kept, err = u.adopt(ctx)
	}
	return kept, false, Result{}, err
}

// openUpload opens a new upload.
func (u *upload) openUpload(ctx context.Context) error {
	u.ours = true
	if err := u.digestFirst(ctx); err != nil {
		return err
	}
	var sum checksum.Sum
	if u.md5 != nil {
		sum = checksum.Of(checksum.MD5, u.md5.h)
	}
	attrs := u.o.described(sum, u.layout.PartSize)
	err := u.multipart.create(ctx, checksum.Scheme{Algorithm: u.want()}, &attrs, u.writeDown)
	if err != nil && u.lostSince.IsZero() {
		u.forget(u.log)
	}
	return err
}

// digestFirst reads the file for its MD5 if that is to be in the metadata.
func (u *upload) digestFirst(ctx context.Context) error {
	if !u.o.digestFirst || u.md5 != nil {
		return nil
	}
	if u.layout.Size >= worthSaying {
		u.Note("reading the file once before its first part leaves, for its MD5")
	}
	one := &digest{algorithm: checksum.MD5, h: checksum.MD5.New()}
	one.passed.reset()
	d := &digests{transfer: u.transfer, size: u.layout.Size, all: []*digest{one}}
	d.reach.reset()
	if err := d.whole(ctx, onDisk{u.src, u.c.meter}); err != nil {
		return readError(u.src, err)
	}
	u.md5 = d.all[0]
	if err := u.src.Changed(); err != nil {
		return fmt.Errorf("%w: %w", ErrSourceChanged, err)
	}
	return nil
}

// beginDigests starts or resumes the requested digests.
func (u *upload) beginDigests() {
	u.digests = u.newDigests(u.layout.Size, u.up.Scheme.Algorithm, func(e entry) { u.append(u.log, e) })
	if !u.doubtful {
		u.digests.restore(entries(u.log), u.layout.Size)
	}
	if u.md5 != nil {
		i := slices.IndexFunc(u.digests.all, func(d *digest) bool { return d.algorithm == checksum.MD5 })
		u.digests.all[i] = u.md5
	}
}

// absent returns an error of kind Exists if the object exists.
func (t *transfer) absent(ctx context.Context, ref store.Ref) error {
	switch _, err := t.head(ctx, ref); {
	case err == nil:
		return &store.Error{Kind: store.Exists, Op: "HeadObject", Ref: ref}
	case errors.Is(err, store.NotFound), errors.Is(err, store.Denied):
		return nil
	default:
		return err
	}
}

// move sends the parts that are missing, and completes.
func (u *upload) move(ctx context.Context) (store.Object, checksum.Sum, error) {
	if err := u.sendMissing(ctx); err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	if parts, bytes := u.count(); parts != u.layout.Count || bytes != u.layout.Size {
		panic(fmt.Sprintf("haul: internal error: %d parts of %d bytes are to make %d of %d", parts, bytes, u.layout.Count, u.layout.Size))
	}
	if err := u.unchanged(ctx); err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	if u.between != nil {
		if err := u.between.verify(); err != nil {
			return store.Object{}, checksum.Sum{}, err
		}
	}
	sum, err := u.whole()
	if err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	u.completing = true
	obj, err := u.complete(ctx, sum)
	return obj, sum, err
}

// unchanged makes sure that the file is still what was sent. If something about the file changed that may have been its
// bytes, with the time set back, they are summed again.
func (u *upload) unchanged(ctx context.Context) error {
	if err := u.src.Changed(); err != nil {
		return fmt.Errorf("%w: %w", ErrSourceChanged, err)
	}
	if !u.src.Touched() {
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0)) // this is work for the CPU, not for lanes
	for i, sent := range u.sums {
		g.Go(func() error {
			lease, err := u.c.memory.Take(gctx, sumBuffer)
			if err != nil {
				return err
			}
			defer lease.Release()
			now, err := sumOf(sent.Algorithm, u.src, u.layout.Part(i+1), lease.Bytes())
			if err != nil || now != sent || sent.IsZero() {
				return errors.Join(fmt.Errorf("%w: %s may have been rewritten, and its time set back", ErrSourceChanged, u.source), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// sendMissing sends the parts that are missing, and sums the file after them. Parts begin in ascending order: digests follow
// them (see digests.near), and would wait for ever for a part that comes later.
func (u *upload) sendMissing(ctx context.Context) error {
	if u.between != nil {
		return u.between.sendMissing(ctx)
	}
	u.beginDigests()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g, gctx := errgroup.WithContext(ctx)
	u.digests.follow(gctx, g, onDisk{u.src, u.c.meter})
	var parts sync.WaitGroup
	var serr error
	for n := 1; n <= u.layout.Count && serr == nil; n++ {
		if u.has(n) {
			u.digests.may(u.layout.Part(n).End())
			continue
		}
		if serr = u.digests.near(gctx, u.layout.Part(n).Offset); serr != nil {
			break
		}
		parts.Add(1)
		serr = u.c.spawn(gctx, g, u.layout.Part(n).Length, func(buf []byte) error {
			defer parts.Done()
			u.digests.may(u.layout.Part(n).End())
			return u.sendPart(gctx, n, buf)
		})
	}
	if serr != nil {
		stop(serr)
		return readError(u.src, cmp.Or(g.Wait(), serr))
	}
	parts.Wait()
	return readError(u.src, u.digests.wait(g))
}

// sendPart sends part n.
func (u *upload) sendPart(ctx context.Context, n int, buf []byte) error {
	r, src := u.layout.Part(n), onDisk{u.src, u.c.meter}
	err := u.send(ctx, n, outgoing{content: src, body: io.NewSectionReader(src, r.Offset, r.Length), buf: buf})
	if err == nil {
		u.noteRate(u.log)
	}
	return err
}
