package proof

import (
	"context"
	"iter"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/digestlist"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/pool"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Verdict is the result for one file.
type Verdict string

// The verdicts.
const (
	OK         Verdict = "OK"         // it exists, and is verified
	Missing    Verdict = "MISSING"    // it does not exist
	Bad        Verdict = "BAD"        // its bytes differ
	Unprovable Verdict = "UNPROVABLE" // no checksum is recorded that compares, or it cannot be read
	Extra      Verdict = "EXTRA"      // it exists, and is not expected
)

// Finding is the result for one file.
type Finding struct {
	Name    string
	Verdict Verdict
	// Size is in bytes; -1 if it is not known.
	Size int64
	// Source and Target are a path or an s3:// address, and empty if there is none.
	Source, Target string
	// Text is the proof in one clause, or the reason there is none; Proof is the kind of proof, for the counts.
	Text, Proof string
	Sum         checksum.Sum
	// Parts are those that differ, if that is known.
	Parts []BadPart
	// Settles reports that a download would decide an UNPROVABLE file.
	Settles bool

	etagKind Kind // of the ETag by which it is OK
	doubt    doubt
}

// doubt is an ETag that differs while nothing shows that the store's ETags are MD5s; text is the finding if they are.
type doubt struct {
	kind Kind
	text string
}

// Options are the options of Verify. The zero value is a good default.
type Options struct {
	// Download downloads and compares objects that recorded checksums cannot verify. Nothing is written to disk.
	Download bool
	// All downloads every object, even if its checksums match, to find damage that happened after it was stored.
	All bool
	// ExtraFails treats EXTRA files as a difference.
	ExtraFails bool
	Attrs      store.Attrs
	// Read is called with the number of bytes read from files, from many goroutines; it may be nil.
	Read func(bytes int)
	// Observe is called with each finding, in order of the names, one at a time; it must return quickly. It may be nil.
	Observe func(Finding, Counts)
}

// Counts are the progress of a run.
type Counts struct {
	// Found is the number of findings; All reports that there are no more.
	Found                               int
	All                                 bool
	OK, Missing, Bad, Unprovable, Extra int
	// Size is the total size of all OK files, in bytes.
	Size int64
}

// Summary is the result of a run.
type Summary struct {
	Counts
	// Proofs is the number of OK files for each kind of proof.
	Proofs  map[string]int
	Elapsed time.Duration
	// ExtraFails is that of Options, and Sidecars that of Expected. With Sidecars, EXTRA files are files without a digest.
	ExtraFails, Sidecars bool
}

// Whole reports whether everything is present and verified: yes, no, or open.
func (s Summary) Whole() string {
	switch {
	case s.Bad+s.Missing > 0, s.ExtraFails && s.Extra > 0:
		return "no"
	case s.OK == 0, s.Unprovable > 0:
		return "open"
	}
	return "yes"
}

// window is how many findings may wait for the next one in order.
const window = 1000

// verifier is one run.
type verifier struct {
	c        *haul.Client
	o        Options
	expected Expected
	summer   *evidence.Summer
	lookups  atomic.Int64 // of encrypted files in place of missing ones
}

// slot is one finding to come.
type slot struct {
	f    Finding
	err  error
	done chan struct{}
}

// Verify compares the expected files with those in the target. It downloads nothing, unless Options.Download or All is set,
// and reads each file at most once. It returns an error only if one ended the run: an error of a listing, of expected, or one
// that would affect all requests. Everything else is in the findings.
func Verify(ctx context.Context, c *haul.Client, expected Expected, target iter.Seq2[mirror.Entry, error], o Options) (Summary, error) {
	v := &verifier{c: c, o: o, expected: expected, summer: evidence.NewSummer(nil, o.Read)}
	began := time.Now()
	rctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan *slot, window)
	var wg sync.WaitGroup
	var listed error // read after wg
	wg.Go(func() {
		defer close(queue)
		listed = v.each(rctx, target, queue)
	})
	s := Summary{Proofs: map[string]int{}, ExtraFails: o.ExtraFails, Sidecars: expected.Sidecars}
	report := func(f Finding) {
		s.add(f)
		if o.Observe != nil {
			o.Observe(f, s.Counts)
		}
	}
	var open doubts
	var failed error
	for next := range queue {
		<-next.done
		if failed != nil {
			continue
		}
		if failed = next.err; failed != nil {
			cancel(failed)
			continue
		}
		open.add(next.f, report)
	}
	wg.Wait()
	open.end(report)
	s.Elapsed = time.Since(began)
	switch {
	case ctx.Err() != nil:
		return s, context.Cause(ctx)
	case failed != nil:
		return s, failed
	case listed != nil:
		return s, listed
	}
	s.All = true
	return s, nil
}

// doubts holds findings back, in order, while the first of them is open: an ETag that differs is BAD if the run finds, sooner or later,
// that the store's ETags are MD5s, and means nothing otherwise. The result does not depend on which check ends first.
type doubts struct {
	known   map[Kind]bool // ETags of these kinds were the MD5 of something in this run
	waiting []Finding
}

// add takes the next finding, and reports what is no longer open.
func (d *doubts) add(f Finding, report func(Finding)) {
	if f.etagKind != "" && !d.known[f.etagKind] {
		if d.known == nil {
			d.known = map[Kind]bool{}
		}
		d.known[f.etagKind] = true
	}
	d.waiting = append(d.waiting, f)
	for len(d.waiting) > 0 && (len(d.waiting) > window || d.waiting[0].doubt.kind == "" || d.known[d.waiting[0].doubt.kind]) {
		d.first(report)
	}
}

// end reports all that is left.
func (d *doubts) end(report func(Finding)) {
	for len(d.waiting) > 0 {
		d.first(report)
	}
}

// first reports the first.
func (d *doubts) first(report func(Finding)) {
	f := d.waiting[0]
	d.waiting = d.waiting[1:]
	if f.doubt.kind != "" && d.known[f.doubt.kind] {
		f.bad(f.doubt.text, false)
	}
	report(f)
}

// each starts the checks, and waits for them.
func (v *verifier) each(ctx context.Context, target iter.Seq2[mirror.Entry, error], queue chan<- *slot) error {
	under := pool.New(func() int { return v.c.Progress().Lanes })
	defer under.Wait()
	for j, err := range mirror.Join(v.expected.Items, target) {
		if err != nil {
			return err
		}
		if v.isExempt(j) {
			continue
		}
		next := &slot{done: make(chan struct{})}
		err := under.Go(ctx, func() {
			defer close(next.done)
			next.err = v.check(ctx, &next.f, j)
		})
		if err != nil {
			return err
		}
		queue <- next
	}
	return nil
}

// isExempt reports what is not a finding: the manifest itself, what a list has about itself, and the digest of a file that came
// encrypted, if the encrypted file has a digest too.
func (v *verifier) isExempt(j mirror.Joined[Item, mirror.Entry]) bool {
	t := v.expected
	switch {
	case j.InTarget && t.Self != nil && t.Self(j.Target):
		return j.Source.Why == nil
	case !j.InSource:
		return t.Beside != nil && t.Beside(j.Target)
	case !j.InTarget:
		return t.own[j.Source.Rel]
	}
	return false
}

// maxEncryptedLookups bounds how many missing files are looked up under the names of encrypted ones.
const maxEncryptedLookups = 1000

// compareEncrypted leaves a missing file open if an encrypted one exists: the digest of the plain file says nothing about that. If the
// digest turns out to be that of the encrypted file, it counts.
func (v *verifier) compareEncrypted(ctx context.Context, f *Finding, item Item) error {
	if v.expected.find == nil || item.List == "" || v.lookups.Add(1) > maxEncryptedLookups {
		return nil
	}
	for _, end := range digestlist.SealedEnds {
		target, ok, err := v.expected.find(item.Rel + end)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		item.Size = -1
		if err := v.compare(ctx, f, item, target); err != nil {
			return err
		}
		if name := path.Base(item.Rel) + end; f.Verdict == OK {
			f.Text += ", of " + name
		} else {
			f.open("it is there as "+name+", encrypted, and its digest is not of that", false)
		}
		return nil
	}
	return nil
}

func (s *Summary) add(f Finding) {
	s.Found++
	switch f.Verdict {
	case OK:
		s.OK++
		s.Size += max(f.Size, 0)
		s.Proofs[f.Proof]++
	case Missing:
		s.Missing++
	case Bad:
		s.Bad++
	case Unprovable:
		s.Unprovable++
	case Extra:
		s.Extra++
	}
}
