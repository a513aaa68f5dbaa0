package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	t := c.begin(path, to.String(), o.stamped(src.Fingerprint().MTime))
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
	return t.put(ctx, onDisk{src, c.meter}, to)
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
	if err := u.dropOld(ctx, store.Upload{Ref: earlier.Ref, ID: earlier.UploadID, Scheme: earlier.Scheme}); err != nil {
		return err
	}
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
	ours   bool // this run created the upload
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
	obj, proof, err := u.prove(ctx, obj, sum)
	if err == nil || errors.Is(err, ErrMismatch) {
		u.forget(u.log) // else the next run looks again
	}
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
		if earlier, ok := u.log.Header(); ok {
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
		if u.ours {
			err = u.abort(ctx, err)
		}
		return false, Result{}, err
	}
	u.writeDown()
	u.started(u.layout.Size, u.layout.Count)
	if err := u.proveKept(ctx, kept); err != nil {
		return false, Result{}, u.fail(ctx, err)
	}
	return false, Result{}, nil
}

// writeDown makes the record say how things stand, unless it does already.
func (u *upload) writeDown() {
	if u.log == nil {
		return
	}
	if earlier, ok := u.log.Header(); ok && earlier.UploadID == u.up.ID && earlier.Scheme == u.up.Scheme {
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
		Kind: up, Identity: u.c.identity, Path: []byte(u.src.Path()), Ref: u.up.Ref, Began: time.Now(), PartSize: u.layout.PartSize,
		Choices: u.choices(), UploadID: u.up.ID, Scheme: u.up.Scheme, Fingerprint: u.src.Fingerprint(),
	}
}

// create opens a new upload.
func (u *upload) create(ctx context.Context) error {
	u.ours = true
	return u.assembly.create(ctx, checksum.Scheme{Algorithm: u.want()})
}

// absent is an error of kind Exists where the object is there.
func (t *transfer) absent(ctx context.Context, ref store.Ref) error {
	err := t.ask(ctx, func(ctx context.Context) error {
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

// move sends the parts that are missing, and completes.
func (u *upload) move(ctx context.Context) (store.Object, checksum.Sum, error) {
	g, gctx := errgroup.WithContext(ctx)
	var serr error
	for n := 1; n <= u.layout.Count && serr == nil; n++ {
		if !u.has(n) {
			serr = u.c.spawn(gctx, g, u.c.lanes.buffer(), func(buf []byte) error { return u.sendPart(gctx, n, buf) })
		}
	}
	if err := cmp.Or(g.Wait(), serr); err != nil {
		return store.Object{}, checksum.Sum{}, err
	}
	if parts, bytes := u.count(); parts != u.layout.Count || bytes != u.layout.Size {
		panic(fmt.Sprintf("haul: internal error: %d parts of %d bytes are to make %d of %d", parts, bytes, u.layout.Count, u.layout.Size))
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

// sendPart sends part n.
func (u *upload) sendPart(ctx context.Context, n int, buf []byte) error {
	r, src := u.layout.Part(n), onDisk{u.src, u.c.meter}
	return u.send(ctx, n, outgoing{content: src, body: io.NewSectionReader(src, r.Offset, r.Length), buf: buf})
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
