package proof

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"haul.example/haul/internal/spool"
)

// runItems is how many items are sorted in memory, and runParts how many parts they may have; more go to temporary files, run by run,
// which are merged when they are read.
const runItems, runParts = 20_000, 1 << 17

// sortFile sorts items by Rel, and joins those that have the same. It is for one goroutine at a time.
type sortFile struct {
	// latest: the last of several items with one Rel counts; otherwise their claims are joined.
	latest bool

	run   []Item
	parts int // in run
	runs  []*spool.Spool[stored]
}

// stored is an Item in a temporary file.
type stored struct {
	Item Item
	Why  string
}

func (s *sortFile) add(i Item) error {
	s.run = append(s.run, i)
	if s.parts += len(i.Parts); len(s.run) < runItems && s.parts < runParts {
		return nil
	}
	return s.spill()
}

func (s *sortFile) sort() {
	slices.SortStableFunc(s.run, func(a, b Item) int { return strings.Compare(a.Rel, b.Rel) })
}

// spill writes the run to a temporary file.
func (s *sortFile) spill() error {
	s.sort()
	run := &spool.Spool[stored]{}
	s.runs = append(s.runs, run)
	for _, i := range s.run {
		to := stored{Item: i}
		if i.Why != nil {
			to.Why, to.Item.Why = i.Why.Error(), nil
		}
		if err := run.Add(to); err != nil {
			return fmt.Errorf("sort the manifest: %w", err)
		}
	}
	clear(s.run)
	s.run, s.parts = s.run[:0], 0
	return nil
}

// Close frees the temporary files.
func (s *sortFile) Close() error {
	var errs []error
	for _, r := range s.runs {
		errs = append(errs, r.Close())
	}
	s.runs = nil
	return errors.Join(errs...)
}

// head is the next item of a run.
type head struct {
	next func() (Item, error, bool)
	item Item
}

// sorted yields the items. After that no more may be added.
func (s *sortFile) sorted() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		s.sort()
		heads, stop, err := s.heads()
		defer stop()
		if err != nil {
			yield(Item{}, fmt.Errorf("sort the manifest: %w", err))
			return
		}
		var held Item
		have := false
		for len(heads) > 0 {
			first := 0
			for i, h := range heads { // runs are few; of equal names the earlier run comes first
				if h.item.Rel < heads[first].item.Rel {
					first = i
				}
			}
			h := heads[first]
			switch {
			case !have:
				held, have = h.item, true
			case held.Rel == h.item.Rel:
				held = s.join(held, h.item)
			case !yield(held, nil):
				return
			default:
				held = h.item
			}
			more := false
			switch h.item, err, more = h.next(); {
			case err != nil:
				yield(Item{}, fmt.Errorf("sort the manifest: %w", err))
				return
			case !more:
				heads = slices.Delete(heads, first, first+1)
			}
		}
		if have {
			yield(held, nil)
		}
	}
}

// heads starts to read each run; the one in memory is the last. stop must be called at the end.
func (s *sortFile) heads() (all []*head, stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, f := range stops {
			f()
		}
	}
	trees := []iter.Seq2[Item, error]{}
	for _, r := range s.runs {
		trees = append(trees, fromDisk(r))
	}
	trees = append(trees, func(yield func(Item, error) bool) {
		for _, i := range s.run {
			if !yield(i, nil) {
				return
			}
		}
	})
	for _, tree := range trees {
		next, end := iter.Pull2(tree)
		stops = append(stops, end)
		item, err, ok := next()
		if err != nil {
			return nil, stop, err
		}
		if ok {
			all = append(all, &head{next, item})
		}
	}
	return all, stop, nil
}

func fromDisk(run *spool.Spool[stored]) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for from, err := range run.All() {
			if from.Why != "" {
				from.Item.Why = errors.New(from.Why)
			}
			if !yield(from.Item, err) {
				return
			}
		}
	}
}

// join makes one of two items with the same name.
func (s *sortFile) join(a, b Item) Item {
	switch {
	case s.latest, a.Why == nil && b.Why != nil:
		return b
	case a.Why != nil:
		return a
	case a.List == b.List && clean(a.From) != clean(b.From):
		a.Why = fmt.Errorf("two names in the list map to it: %q and %q", a.From, b.From)
		return a
	case a.Size >= 0 && b.Size >= 0 && a.Size != b.Size:
		a.Why = errors.New("it is listed twice, with different sizes")
		return a
	}
	for _, c := range b.Claims {
		for _, d := range a.Claims {
			if c.Sum.Algorithm == d.Sum.Algorithm && c.Sum.Parts == d.Sum.Parts && c.Sum != d.Sum {
				a.Why = errors.New("it is listed twice, with different digests")
				return a
			}
		}
		if !slices.ContainsFunc(a.Claims, func(d Claim) bool { return d.Sum == c.Sum }) {
			a.Claims = append(a.Claims, c)
		}
	}
	if a.Size < 0 {
		a.Size = b.Size
	}
	return a
}
