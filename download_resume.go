package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// dropEarlier removes what an earlier run left and this one will not resume.
func (d *download) dropEarlier() {
	if earlier, ok := d.log.Header(); ok {
		if err := d.o.below().RemoveTemp(d.path, string(earlier.Temp)); err != nil {
			d.Note(fmt.Sprintf("the earlier partial file stays: %v", err))
		}
	}
	d.forget(d.log)
	d.log = nil
}

// resume resumes an earlier run: its temporary file, with every range of it that matches its record. If it does not fit any
// more it is discarded, and d.target stays nil.
func (d *download) resume(ctx context.Context, earlier record) (finished bool, r Result, err error) {
	obj, err := d.head(ctx, d.from)
	if errors.Is(err, store.NotFound) {
		d.dropEarlier()
	}
	if err == nil {
		err = d.expected(obj)
	}
	if err != nil {
		return false, Result{}, err
	}
	why := d.unfit(earlier)
	if obj.ETag != earlier.ETag || obj.Size != earlier.Size || earlier.Version != "" && obj.Version != earlier.Version {
		why = "the object has changed since"
	}
	target, terr := d.o.below().Reopen(d.path, string(earlier.Temp), earlier.Size)
	switch {
	case terr != nil && why == "":
		d.remote = d.newSource(ctx, d.from, obj)
		if r, finished := d.alreadyHere(ctx); finished {
			return true, r, nil
		}
		why = terr.Error()
	case terr == nil && why != "":
		if err := target.Keep(); err != nil {
			return false, Result{}, fmt.Errorf("close the earlier partial file: %w", err)
		}
	}
	if why != "" {
		if err := d.o.below().RemoveTemp(d.path, string(earlier.Temp)); err != nil {
			d.Note(fmt.Sprintf("the earlier partial file stays: %v", err))
		}
		d.Note(fmt.Sprintf("not resuming an earlier run: %s; starting over", why))
		return false, Result{}, nil
	}
	d.remote = d.newSource(ctx, d.from, obj)
	d.algorithm = earlier.Algorithm
	d.target, d.out, d.back = target, target, target
	d.expectRate(d.log)
	d.started(obj.Size, d.partsOf(obj.Size))
	if err := d.verifyKept(ctx); err != nil {
		return false, Result{}, d.fail(err)
	}
	return false, Result{}, nil
}

// alreadyHere settles what became of a temporary file that is gone: if the file under the real name is verified, the
// earlier run had finished.
func (d *download) alreadyHere(ctx context.Context) (Result, bool) {
	src, err := localfile.OpenSource(d.path)
	if err != nil {
		return Result{}, false
	}
	defer src.Close() // only read from
	if src.Size() != d.obj.Size {
		return Result{}, false
	}
	proof, err := d.verifyContent(ctx, d.obj, src)
	if err != nil || !proof.Verified {
		return Result{}, false
	}
	d.started(d.obj.Size, 1)
	d.keep(d.obj.Size, 1)
	r := Result{Object: d.obj, Size: d.obj.Size, Parts: 1, Proof: proof, Modified: d.modified()}
	if g := d.newDigests(d.obj.Size, checksum.None, nil); g != nil {
		g.restore(d.log.Entries(), d.obj.Size)
		if g.whole(ctx, src) != nil {
			return Result{}, false
		}
		if r.Digests = g.sums(checksum.Sum{}); sameMD5(d.obj, r.Digests) != nil {
			return Result{}, false
		}
	}
	d.forget(d.log)
	return d.done(r), true
}

// verifyKept sums again every range that the record says is there.
func (d *download) verifyKept(ctx context.Context) error {
	defer d.c.meter.Since(meter.Proving, time.Now())
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0)) // this is work for the CPU, not for lanes
	for _, e := range d.log.Entries() {
		r := store.Range{Offset: e.Offset, Length: e.Length}
		if r.Offset < 0 || r.Length <= 0 || r.End() > d.obj.Size || r.End() < r.Offset || e.Sum.Algorithm != d.algorithm {
			continue
		}
		g.Go(func() error {
			lease, err := d.c.memory.Take(gctx, sumBuffer)
			if err != nil {
				return err
			}
			defer lease.Release()
			sum, err := sumOf(d.algorithm, d.target, r, lease.Bytes())
			if err != nil {
				return fmt.Errorf("read the earlier partial file: %w", err)
			}
			if sum == e.Sum {
				d.add(segment{r, sum})
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	d.disjoint()
	d.keep(d.bytes, len(d.segments))
	return nil
}

// disjoint drops segments that overlap others. No run writes such segments; a record that was tampered with may have them.
func (d *download) disjoint() {
	slices.SortFunc(d.segments, func(a, b segment) int { return cmp.Compare(a.Offset, b.Offset) })
	kept := d.segments[:0]
	var at int64
	d.bytes = 0
	for _, s := range d.segments {
		if s.Offset < at {
			continue
		}
		kept = append(kept, s)
		at = s.End()
		d.bytes += s.Length
	}
	d.segments = kept
}
