package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// Download downloads the object from to the local file path, in parallel ranges. It writes to a hidden temporary file beside
// path, and renames it to path only once all bytes have arrived, are verified, and are on disk; the file then has the
// modification time of the object. A failed download keeps the temporary file and reports it in a *PartialFileError; the same
// call resumes it. The error is fs.ErrExist if the file exists and NoClobber is set, and of kind store.Changed if the object
// changed during the download.
func (c *Client) Download(ctx context.Context, from store.Ref, path string, o DownloadOptions) (Result, error) {
	defer c.alive()()
	path, err := filepath.Abs(path)
	if err != nil {
		return Result{}, fmt.Errorf("find %s: %w", path, err)
	}
	t := c.begin(from.String(), path, o.all())
	defer t.report()()
	if err := t.o.checkDigests(); err != nil {
		return Result{}, err
	}
	d := &download{remote: &remote{transfer: t}, from: from, path: path}
	switch l := o.Listed; {
	case l == nil:
	case layout.OneGet(l.Size, o.PartSize):
		return d.listed(ctx, *l)
	case o.IfMatch == "":
		t.o.ifMatch = l.ETag
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return Result{}, fmt.Errorf("%s is a directory: name a file in it", path)
	}
	name := d.recordName(downloading, path, from)
	recorded := d.recorded(name)
	if _, err := os.Lstat(path); err == nil && o.NoClobber && !recorded { // a recorded one may belong to this very transfer
		return Result{}, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if o.Resume != ResumeNever || recorded {
		if d.log, err = d.openLog(ctx, name); err != nil {
			return Result{}, err
		}
	}
	if d.log != nil {
		defer d.log.Close()
	}
	if d.log != nil && o.Resume == ResumeNever {
		d.Note("not resuming an earlier run: --no-resume is set; starting over")
		d.dropEarlier()
	}
	return d.run(ctx)
}

// download is one download into a file, or into an io.WriterAt.
type download struct {
	*remote
	from   store.Ref
	path   string
	log    *recordLog
	target *localfile.Target // nil: it is an io.WriterAt
	out    io.WriterAt
	back   io.ReaderAt // what out has; nil if it cannot be read

	digests *digests

	mu       sync.Mutex
	segments []segment // ranges that are here, in the order in which they came
	bytes    int64     // in segments
	pieces   int64     // bytes that are here of ranges that are not
}

func (d *download) run(ctx context.Context) (Result, error) {
	first, finished, r, err := d.open(ctx)
	if finished || err != nil {
		return r, err
	}
	if err := d.fetchMissing(ctx, first); err != nil {
		return Result{}, d.fail(err)
	}
	return d.finish(ctx)
}

// finish verifies what came, and puts the file in place.
func (d *download) finish(ctx context.Context) (Result, error) {
	proof, err := d.settle(ctx)
	if err != nil {
		return Result{}, d.fail(err)
	}
	r, err := d.result(proof)
	if err != nil {
		return Result{}, d.fail(err)
	}
	if err := d.untouched(ctx); err != nil {
		return Result{}, d.fail(err)
	}
	began := time.Now()
	err = d.target.Commit(r.Modified, !d.o.noClobber)
	d.c.meter.Since(meter.Syncing, began)
	if err != nil {
		return Result{}, d.fail(fmt.Errorf("put %s in place: %w", d.path, err))
	}
	d.forget(d.log)
	return d.done(r), nil
}

// untouched makes sure that the partial file still holds what came: another program may have truncated it, and later ranges
// have extended it again. If that is possible, every range is summed again.
func (d *download) untouched(ctx context.Context) error {
	doubtful, err := d.target.Check()
	if err != nil || !doubtful {
		return err
	}
	lease, err := d.c.memory.Take(ctx, sumBuffer)
	if err != nil {
		return err
	}
	defer lease.Release()
	for _, s := range d.segments {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		sum, err := sumOf(s.sum.Algorithm, d.target, s.Range, lease.Bytes())
		if err != nil || sum != s.sum {
			return errors.Join(fmt.Errorf("%w: %s; run the same command again to fetch what is missing", localfile.ErrCut, d.target.Temp()), err)
		}
	}
	return nil
}

// result returns the result, unless what came contradicts the metadata.
func (d *download) result(proof Proof) (Result, error) {
	r := Result{Object: d.obj, Size: d.obj.Size, Parts: max(len(d.segments), 1), Proof: proof, Modified: d.modified()}
	if d.digests == nil {
		return r, nil
	}
	known, err := combine(d.segments)
	if err != nil {
		return r, err
	}
	r.Digests = d.digests.sums(known)
	return r, sameMD5(d.obj, r.Digests)
}

// beginDigests starts the requested digests, or resumes them as far as verified ranges go.
func (d *download) beginDigests() {
	d.digests = d.newDigests(d.obj.Size, d.algorithm, func(e entry) { d.append(d.log, e) })
	if d.digests == nil {
		return
	}
	for _, s := range d.segments {
		d.digests.reach.arrived(s.Range)
	}
	d.digests.restore(entries(d.log), d.digests.reach.end)
}

// open resumes an earlier download if there is one that fits, or begins a new one; then first is the open body of its first
// range. It is finished if the earlier run had put the file in place, but was killed before reporting it.
func (d *download) open(ctx context.Context) (first *response, finished bool, r Result, err error) {
	if d.log != nil {
		if earlier, ok := d.log.Header(); ok {
			finished, r, err = d.resume(ctx, earlier)
			if finished || err != nil || d.target != nil {
				return nil, finished, r, err
			}
		}
	}
	obj, first, err := d.discover(ctx, d.from, layout.RangeSize(0, d.o.partSize))
	if err != nil {
		return nil, false, Result{}, err
	}
	d.remote = d.newSource(ctx, d.from, obj)
	err = d.c.dispatch.WithFile(ctx, d.transfer, func() (err error) {
		d.target, err = d.o.below().Create(d.path, obj.Size, d.write)
		return err
	})
	d.out, d.back = d.target, d.target
	if err != nil {
		if first != nil {
			first.close()
		}
		d.forget(d.log)
		return nil, false, Result{}, err
	}
	d.started(obj.Size, d.partsOf(obj.Size))
	return first, false, Result{}, nil
}

// write begins the record, before the temporary file is there.
func (d *download) write(temp string) {
	if d.log == nil {
		return
	}
	if err := d.log.Begin(d.record(temp)); err != nil {
		d.Note(fmt.Sprintf("no record can be kept, so an interrupted run would start over: %v", err))
		d.log.Close()
		d.log = nil
	}
}

func (d *download) record(temp string) record {
	return record{
		Format: recordVersion,
		Kind:   downloading, Identity: d.c.identity, Path: []byte(d.path), Ref: d.from, Began: time.Now(), Choices: d.choices(),
		Temp: []byte(temp), Size: d.obj.Size, ETag: d.obj.ETag, Version: d.obj.Version, Algorithm: d.algorithm,
	}
}

// add adds a range that is here.
func (d *download) add(s segment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.segments = append(d.segments, s)
	d.bytes += s.Length
	if d.digests != nil {
		d.digests.reach.arrived(s.Range)
	}
}

// missing returns the ranges that are not here yet.
func (d *download) missing() []store.Range {
	kept := make([]store.Range, len(d.segments))
	for i, s := range d.segments {
		kept[i] = s.Range
	}
	return layout.Gaps(d.obj.Size, kept)
}

// settle verifies the whole. If that fails, everything is fetched once more and what differs is replaced: this repairs a
// byte that was damaged in transit, and finds out one that the store itself returns wrong.
func (d *download) settle(ctx context.Context) (Proof, error) {
	proof, doubt, err := d.verify(ctx)
	twice := err == nil && !proof.Verified && d.o.readTwice
	switch {
	case errors.Is(err, ErrMismatch), doubt.Kind != "":
		d.Note("the data does not match the checksum that the store recorded; downloading it again to compare")
	case twice:
		d.Note("the store recorded no checksum to verify the data against; downloading it a second time to compare")
	default:
		return proof, err
	}
	damaged, ferr := d.fetchAgain(ctx)
	if ferr != nil {
		return Proof{}, ferr
	}
	if damaged > 0 {
		proof, _, err = d.verify(ctx)
		if err == nil && !proof.Verified {
			return Proof{}, fmt.Errorf("%s: %w: two downloads differ, and the store recorded no checksum to decide which is right", d.obj.Ref, ErrMismatch)
		}
		return proof, err
	}
	return d.cameTwice(proof, doubt), err
}

// cameTwice returns the proof for bytes that were the same in two downloads.
func (s *remote) cameTwice(proof Proof, doubt evidence.Claim) Proof {
	s.c.etags.Odd(doubt)
	if s.o.readTwice && !proof.Verified {
		return Proof{Verified: true, Text: "read twice, with the same bytes (" + proof.Text + ")"}
	}
	return proof
}

// fetchAgain fetches everything once more, and counts the ranges that differ from before.
func (d *download) fetchAgain(ctx context.Context) (damaged int, err error) {
	before := d.segments
	d.segments, d.bytes = nil, 0
	d.digests.restart()
	d.arrive(-d.obj.Size)
	d.discarded()
	again := make([]store.Range, len(before))
	for i, s := range before {
		again[i] = s.Range
	}
	if err := d.fetchAll(ctx, nil, layout.NewRanges(again, max(d.obj.Size, 1), true)); err != nil {
		return 0, err
	}
	if damaged = differing(before, d.segments); damaged > 0 {
		d.Note(fmt.Sprintf("%d of %d ranges were corrupted in transit, and were replaced", damaged, len(before)))
	}
	return damaged, nil
}

// differing counts the ranges whose sums are not the same in both.
func differing(before, after []segment) int {
	sums := make(map[store.Range]checksum.Sum, len(before))
	for _, s := range before {
		sums[s.Range] = s.sum
	}
	n := 0
	for _, s := range after {
		if sums[s.Range] != s.sum {
			n++
		}
	}
	return n
}

// fetchMissing downloads everything that is not here yet; first is already open on its beginning.
func (d *download) fetchMissing(ctx context.Context, first *response) error {
	d.beginDigests()
	gaps := d.missing()
	if first != nil {
		gaps = layout.Gaps(d.obj.Size, []store.Range{first.Body.Range})
	}
	return d.fetchAll(ctx, first, d.cut(gaps, d.obj.Size))
}

// fetchAll downloads the ranges, in parallel.
func (d *download) fetchAll(ctx context.Context, first *response, ranges *layout.Ranges) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g, gctx := errgroup.WithContext(ctx)
	d.digests.follow(gctx, g, d.back)
	var ranging sync.WaitGroup
	spawn := func(r store.Range, first *response) error {
		ranging.Add(1)
		return d.c.spawn(gctx, g, r.Length, func(buf []byte) error {
			defer ranging.Done()
			return d.fetchRange(gctx, r, first, buf)
		})
	}
	var serr error
	if first != nil {
		if serr = spawn(first.Body.Range, first); serr != nil {
			first.close()
		}
	}
	for serr == nil {
		r, ok := ranges.Next(d.c.dispatch.Pace.Lanes())
		if !ok {
			break
		}
		serr = spawn(r, nil)
	}
	if serr != nil {
		stop(serr)
		return cmp.Or(g.Wait(), serr)
	}
	ranging.Wait()
	if err := d.digests.wait(g); err != nil {
		return err
	}
	if d.bytes != d.obj.Size {
		panic(fmt.Sprintf("haul: internal error: %d of %d bytes were fetched", d.bytes, d.obj.Size))
	}
	return nil
}

// fetchRange downloads one range.
func (d *download) fetchRange(ctx context.Context, r store.Range, first *response, buf []byte) error {
	var pieces int64
	sum, err := d.fetch(ctx, r, first, &inFile{d.out, d.c.meter, buf}, func(s segment) {
		pieces += s.Length
		d.piece(s)
	})
	if err != nil {
		return err
	}
	d.whole(pieces)
	d.add(segment{r, sum})
	return nil
}

// piece records a piece of a range; whole subtracts the pieces, of so many bytes, of a range that is complete.
func (d *download) piece(s segment) {
	d.append(d.log, entry{Offset: s.Offset, Length: s.Length, Sum: s.sum})
	d.noteRate(d.log)
	if d.log != nil {
		d.secured(s.Length)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pieces += s.Length
}

func (d *download) whole(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pieces -= bytes
}

// verify compares the whole file with what the store records. The doubt is as in judge.
func (d *download) verify(ctx context.Context) (Proof, evidence.Claim, error) {
	if !d.free() && d.back == nil {
		return Proof{Text: "what was written cannot be read back, and " + d.whyNotFree()}, evidence.Claim{}, nil
	}
	if !d.free() || d.obj.Size == 0 {
		a, err := d.compare(ctx, d.known, d.back)
		if err != nil {
			return Proof{}, evidence.Claim{}, err
		}
		return proofOf(d.known, a)
	}
	sum, err := combine(d.segments)
	if err != nil {
		return Proof{}, evidence.Claim{}, err
	}
	return proofOf(d.known, evidence.Decide(d.known.Claims[:1], []checksum.Sum{sum}))
}

// fail keeps what a later run can resume, or removes what it cannot.
func (d *download) fail(err error) error {
	gone := errors.Is(err, store.Changed) || errors.Is(err, store.NotFound) || errors.Is(err, ErrMismatch) || errors.Is(err, fs.ErrExist)
	if d.log == nil || gone {
		d.discarded()
		if derr := d.target.Discard(); derr != nil {
			err = errors.Join(err, fmt.Errorf("remove the partial file: %w", derr))
		}
		d.forget(d.log)
		return err
	}
	d.noteRate(d.log)
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := &PartialFileError{Path: d.target.Temp(), Bytes: d.bytes + d.pieces, Err: err}
	if kerr := d.target.Keep(); kerr != nil {
		kept.Err = errors.Join(err, fmt.Errorf("close the partial file: %w", kerr))
	}
	if _, serr := os.Lstat(kept.Path); serr != nil { // it has its real name already; the next run will see
		return kept.Err
	}
	return kept
}

// inFile stores bytes in a file, or in an io.WriterAt.
type inFile struct {
	out io.WriterAt
	m   *meter.Meter
	buf []byte
}

func (f *inFile) room(int64) []byte { return f.buf }

func (f *inFile) land(offset int64, p []byte) error {
	defer f.m.Since(meter.Writing, time.Now())
	_, err := f.out.WriteAt(p, offset)
	return err
}
