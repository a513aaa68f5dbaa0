package listing

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"haul.example/haul/store"
)

// A request returns at most 1000 keys, and where the next one begins: a million objects are a thousand answers, one after
// the other. A store that lists in order can also be asked for what comes after any key, one that does not exist included.
// So a long listing whose caller waits for it is split into spans:
//
//	the caller has to wait: guess the key that is some pages ahead of the last span; it ends there, and another begins
//	yield the spans in order; each holds some pages at most, and waits
//
// A wrong guess makes spans uneven, but never the listing wrong: spans share no key, and leave none out. Some stores are
// wrong about what comes after a key that does not exist. So each span is listed until it shows a key beyond its end, and
// the next span must begin with that very key; if it does not, the rest is listed page by page, after keys that exist.
// Pages requested beyond the end of a span are wasted; so a span continues from a page of its own, and if much was wasted,
// no more spans are made.
const (
	// longListing is how many objects and pages must have come before a listing is spread.
	longListing, longPages = 2000, 2
	// mostSpans are listed at once, each meant to be spanPages long; what they hold is at most about as much.
	mostSpans, spanPages = 8, 6
	// mayBeVain bounds the wasted pages: so many, and one of so many.
	mayBeVain = 4
)

// sight is what the pages of a listing show.
type sight struct {
	stride Stride
	pages  int
	keys   int
	mixed  bool // they are in no order
	last   string
}

// observe takes in a page; it reports whether the listing is worth spreading.
func (s *sight) observe(page []store.Object) bool {
	if len(page) == 0 {
		return false
	}
	for i := range page {
		s.mixed = s.mixed || s.keys+i > 0 && page[i].Key <= s.last
		s.last = page[i].Key
	}
	s.pages++
	s.keys += len(page)
	s.stride = Stride{First: page[0].Key, Last: s.last}
	return s.pages >= longPages && s.keys >= longListing && !s.mixed
}

// spread is a listing in spans.
type spread struct {
	listing Listing[store.Object]

	mu    sync.Mutex
	spans []*span // in the order of their keys; the first is being yielded
	// begins are the first keys of the pages that were yielded last, and end is the last key that was yielded.
	begins []string
	end    string
	pages  int // that were asked for
	vain   int // of these, beyond the end of their span
}

// span is a range of keys.
type span struct {
	pages chan []row // closed when it is listed, or failed
	err   error      // why it failed

	// guarded by spread.mu
	at     string // it is listed up to here
	until  string // no key after this one; empty is no bound
	stride Stride // of its last page
	ended  bool   // all of it is listed
	mixed  bool   // keys came in no order
	first  string // the first key that its listing showed, wherever; empty is none
	beyond string // the first key after until that its listing showed; empty is none
}

// row is what a listing returns of an object, without the memory for other fields.
type row struct {
	key, etag, class string
	size             int64
	modified         time.Time
}

func newSpread(l Listing[store.Object], stride Stride, after string) *spread {
	return &spread{listing: l, spans: []*span{{at: after, stride: stride}}, end: after}
}

// run yields the objects of all spans, in order; page by page once a store turns out to be wrong about where a span begins.
func (s *spread) run(ctx context.Context, yield func(store.Object, error) bool) {
	done := s.runSpans(ctx, yield)
	if done {
		return
	}
	_, err := s.listing.run(ctx, s.end, func(page []store.Object) bool { return giveAll(page, yield) })
	if err != nil {
		yield(store.Object{}, err)
	}
}

// runSpans yields the objects of the spans; false if what comes after the last of them is to be listed in another way.
func (s *spread) runSpans(ctx context.Context, yield func(store.Object, error) bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	begin := func(sp *span, after string) {
		sp.pages = make(chan []row, spanPages)
		wg.Go(func() {
			defer close(sp.pages)
			sp.err = s.list(ctx, sp, after)
		})
	}
	begin(s.spans[0], s.spans[0].at)
	var before *span
	for len(s.spans) > 0 {
		first := s.spans[0]
		page, ok := s.next(first, begin)
		if !ok && first.err != nil {
			yield(store.Object{}, first.err)
			return true
		}
		if before != nil && !s.meet(before, first) {
			return false
		}
		before = nil
		if !ok {
			before = first
			s.shift()
			continue
		}
		s.given(page)
		for _, o := range page {
			if !yield(o.object(s.listing.What.Bucket), nil) {
				return true
			}
		}
	}
	return true
}

// meet reports whether a span begins with the key that the span before it showed beyond its own end.
func (s *spread) meet(before, sp *span) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return before.beyond == sp.first
}

// next returns a page of the first span; false if there is none left. If it has to wait, another span is begun.
func (s *spread) next(first *span, begin func(sp *span, after string)) ([]row, bool) {
	select {
	case page, ok := <-first.pages:
		return page, ok
	default:
	}
	if sp, after := s.cut(); sp != nil {
		begin(sp, after)
	}
	page, ok := <-first.pages
	return page, ok
}

// given records a page that was yielded.
func (s *spread) given(page []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.begins) == spanPages {
		s.begins = slices.Delete(s.begins, 0, 1)
	}
	s.begins = append(s.begins, page[0].key)
	s.end = page[len(page)-1].key
}

// cut splits the last running span in two, and returns the second; nil if that cannot be, or is not worth it.
func (s *spread) cut() (*span, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spans) >= mostSpans || s.vain > mayBeVain+s.pages/mayBeVain {
		return nil, ""
	}
	i := len(s.spans) - 1
	for i >= 0 && s.spans[i].ended {
		i--
	}
	if i < 0 {
		return nil, ""
	}
	old := s.spans[i]
	key, ok := s.ahead(old)
	if !ok || old.until != "" && key >= old.until {
		return nil, ""
	}
	sp := &span{at: key, until: old.until}
	old.until = key
	s.spans = slices.Insert(s.spans, i+1, sp)
	return sp, key
}

// ahead guesses the key that is spanPages ahead of a span, by the pages that were yielded last, or else by its own last
// page.
func (s *spread) ahead(sp *span) (string, bool) {
	if sp.stride == (Stride{}) {
		return "", false
	}
	if n := len(s.begins); n > 0 {
		if key, ok := (Stride{First: s.begins[0], Last: s.end}).Ahead(sp.at, spanPages/n); ok {
			return key, true
		}
	}
	return sp.stride.Ahead(sp.at, spanPages)
}

// shift drops the first span.
func (s *spread) shift() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans = s.spans[1:]
}

// list lists one span.
func (s *spread) list(ctx context.Context, sp *span, after string) error {
	_, err := s.listing.run(ctx, after, func(page []store.Object) bool {
		page, more := s.within(sp, page)
		if len(page) == 0 {
			return more
		}
		select {
		case sp.pages <- rows(page):
			return more
		case <-ctx.Done():
			return false
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	sp.ended = true
	switch {
	case err != nil:
		return err
	case sp.mixed:
		return fmt.Errorf("list %s: %w: keys come in no order, so that some might be left out", s.listing.What, store.Unsupported)
	}
	return context.Cause(ctx)
}

// within records how far a span is, and returns what of a page belongs to it; false if that is its end.
func (s *spread) within(sp *span, page []store.Object) ([]store.Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
	n := len(page)
	if n == 0 {
		return nil, true
	}
	last := sp.at
	if sp.first == "" {
		sp.first = page[0].Key
	}
	for _, o := range page {
		sp.mixed = sp.mixed || o.Key <= last
		last = o.Key
	}
	if sp.mixed {
		return nil, false
	}
	if sp.until != "" {
		n = sort.Search(n, func(i int) bool { return page[i].Key > sp.until })
	}
	if n == 0 {
		s.vain++
	}
	sp.at = last
	sp.stride = Stride{First: page[0].Key, Last: sp.at}
	if n < len(page) {
		sp.beyond, sp.ended = page[n].Key, true
	}
	return page[:n], !sp.ended
}

func rows(page []store.Object) []row {
	all := make([]row, len(page))
	for i, o := range page {
		all[i] = row{o.Key, o.ETag, o.StorageClass, o.Size, o.Modified}
	}
	return all
}

func (o row) object(bucket string) store.Object {
	return store.Object{Ref: store.Ref{Bucket: bucket, Key: o.key}, Size: o.size, ETag: o.etag, Modified: o.modified, StorageClass: o.class}
}
