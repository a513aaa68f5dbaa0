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

// Verdict says what came of one file.
type Verdict string

// The verdicts.
const (
	OK         Verdict = "OK"         // it is there, and proved
	Missing    Verdict = "MISSING"    // it is not there
	Bad        Verdict = "BAD"        // its bytes are others
	Unprovable Verdict = "UNPROVABLE" // nobody vouches for its bytes, or they cannot be read
	Extra      Verdict = "EXTRA"      // it is there, and nothing says that it should be
)

// Finding is what came of one file.
type Finding struct {
	Name    string
	Verdict Verdict
	// Size is in bytes; -1 where it is not known.
	Size int64
	// Source and Target are a path or an s3:// address, and empty where there is none.
	Source, Target string
	// Text says in one clause by which proof, or why not; Proof is the kind of proof that counts it.
	Text, Proof string
	Sum         checksum.Sum
	// Parts are those that differ, where that can be told.
	Parts []BadPart
	// Settles reports that to download it would settle what is left open.
	Settles bool

	fits  Kind // of the ETag by which it is OK
	doubt doubt
}

// doubt is an ETag that differs where nothing shows as yet that the store's ETags are MD5s; the text is what to say if they are.
type doubt struct {
	kind Kind
	text string
}

// Options are the choices for Verify. The zero value is the good default.
type Options struct {
	// Download fetches what the store's word cannot prove, and compares. Nothing is written to disk.
	Download bool
	// All fetches every object, also what the store vouches for, so that damage behind the store's back shows.
	All bool
	// ExtraFails reports that what is EXTRA counts as a difference.
	ExtraFails bool
	Attrs      store.Attrs
	// Read is told of bytes of files as they are read, from many goroutines; it may be nil.
	Read func(bytes int)
	// Observe is told of each finding, in order of the names, one after the other; it must return soon. It may be nil.
	Observe func(Finding, Counts)
}

// Counts tell how far a run is.
type Counts struct {
	// Found counts what was looked at; All reports that there is no more.
	Found                               int
	All                                 bool
	OK, Missing, Bad, Unprovable, Extra int
	// Size is that of all that is OK, in bytes.
	Size int64
}

// Summary tells what a run found.
type Summary struct {
	Counts
	// Proofs counts by which proofs things are OK.
	Proofs  map[string]int
	Elapsed time.Duration
	// ExtraFails is that of the Options, and Sidecars that of the Truth: EXTRA are then files that have no digest.
	ExtraFails, Sidecars bool
}

// Whole reports whether all is there and proved: yes, no, or open.
func (s Summary) Whole() string {
	switch {
	case s.Bad+s.Missing > 0, s.ExtraFails && s.Extra > 0:
		return "no"
	case s.OK == 0, s.Unprovable > 0:
		return "open"
	}
	return "yes"
}

// window is how many findings may wait for the one whose turn it is.
const window = 1000

// verifier is one run.
type verifier struct {
	c      *haul.Client
	o      Options
	truth  Expected
	summer *evidence.Summer
	looked atomic.Int64 // missing files, for encrypted ones
}

// slot is one finding to come.
type slot struct {
	f    Finding
	err  error
	done chan struct{}
}

// Verify compares what should be there with what is there, and moves no payload, but for what Options.Download allows. Of files,
// what is read is read once. The error is one that ended the run: that of a listing, of the truth, or one that all requests
// would meet; else all is in the findings.
func Verify(ctx context.Context, c *haul.Client, truth Expected, target iter.Seq2[mirror.Entry, error], o Options) (Summary, error) {
	v := &verifier{c: c, o: o, truth: truth, summer: evidence.NewSummer(c.SumParts, o.Read)}
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
	s := Summary{Proofs: map[string]int{}, ExtraFails: o.ExtraFails, Sidecars: truth.Sidecars}
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

// doubts holds findings back, in order, while it is open what the first of them is: another ETag than the MD5 is BAD where the run sees
// that the store's ETags are MD5s, sooner or later, and else says nothing. Which of both it is does not depend on what ends first.
type doubts struct {
	known   map[Kind]bool // ETags of these kinds were the MD5 of something in this run
	waiting []Finding
}

// add takes the next finding, and reports what is no longer open.
func (d *doubts) add(f Finding, report func(Finding)) {
	if f.fits != "" && !d.known[f.fits] {
		if d.known == nil {
			d.known = map[Kind]bool{}
		}
		d.known[f.fits] = true
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

// each begins the checks, and waits for them.
func (v *verifier) each(ctx context.Context, target iter.Seq2[mirror.Entry, error], queue chan<- *slot) error {
	under := pool.New(v.c.Lanes)
	defer under.Wait()
	for j, err := range mirror.Join(v.truth.Items, target) {
		if err != nil {
			return err
		}
		if v.passes(j) {
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

// passes tells what is no finding: what is there because of the truth, what a list says of itself, and the digest of a file that
// came encrypted, with a digest of that.
func (v *verifier) passes(j mirror.Joined[Item, mirror.Entry]) bool {
	t := v.truth
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

// maxSealed bounds how many missing files are looked for under the names of encrypted ones.
const maxSealed = 1000

// sealed leaves a missing file open that is there encrypted: a digest of what is in it says nothing of that. Where the digest turns
// out to be that of the encrypted file, it counts.
func (v *verifier) sealed(ctx context.Context, f *Finding, item Item) error {
	if v.truth.find == nil || item.List == "" || v.looked.Add(1) > maxSealed {
		return nil
	}
	for _, end := range digestlist.SealedEnds {
		target, ok, err := v.truth.find(item.Rel + end)
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
