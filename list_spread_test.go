package haul_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// rows are ways to name many objects.
var rows = map[string]func(r *rand.Rand, i int) string{
	"counted":     func(_ *rand.Rand, i int) string { return fmt.Sprintf("run/read_%d.fastq.gz", i) },
	"padded":      func(_ *rand.Rand, i int) string { return fmt.Sprintf("run/read_%06d.fastq.gz", i) },
	"a page each": func(_ *rand.Rand, i int) string { return fmt.Sprintf("run/d%03d/f%06d", i/100, i) },
	"long, few":   func(_ *rand.Rand, i int) string { return fmt.Sprintf("run/d%d/f%06d", i/1500, i) },
	"folders":     func(_ *rand.Rand, i int) string { return fmt.Sprintf("run/s%03d/l%d/%d.bam", i/40, i/10%4, i) },
	"hexadecimal": func(r *rand.Rand, _ int) string { return fmt.Sprintf("run/%016x", r.Uint64()) },
	"in heaps":    func(r *rand.Rand, i int) string { return fmt.Sprintf("run/%d/%d/%x", r.IntN(3), i%2, r.Uint32N(1<<20)) },
	"odd":         func(r *rand.Rand, i int) string { return fmt.Sprintf("run/%c%d", 'a'+rune(r.IntN(300)), i) },
}

// shelve stores objects and returns their keys in order.
func shelve(m *storetest.Memory, row func(*rand.Rand, int) string, n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 1))
	keys := make([]string, n)
	for i := range n {
		keys[i] = row(r, i)
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: keys[i]}, nil)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// TestSpreadIsWhole: however long listings are cut, and whatever breaks, all keys come, once, in order.
func TestSpreadIsWhole(t *testing.T) {
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for seed := range uint64(3) {
					m := storetest.New(storetest.For(t), storetest.ListPage(50))
					want := shelve(m, row, 4000, seed)
					r := rand.New(rand.NewPCG(seed, 2))
					for range 2 * seed {
						m.Fault(storetest.List).Nth(1 + r.IntN(50)).Error(store.Throttled)
					}
					got, err := listed(haul.New(m, haul.Options{}), "run/")
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("%d of %d keys, %v", len(got), len(want), err)
					}
				}
			})
		})
	}
}

// TestSpreadSavesTime counts rounds to the store, each of which takes a tenth of a second.
func TestSpreadSavesTime(t *testing.T) {
	for _, name := range []string{"padded", "folders", "a page each", "long, few", "hexadecimal", "in heaps", "odd"} {
		synctest.Test(t, func(t *testing.T) {
			const pages = 80
			m := storetest.New(storetest.For(t), storetest.ListPage(100))
			want := shelve(m, rows[name], pages*100, 3)
			m.Fault(storetest.List).Slow(100 * time.Millisecond).Always()
			began := time.Now()
			got, err := listed(haul.New(m, haul.Options{}), "run/")
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %d of %d keys, %v", name, len(got), len(want), err)
			}
			took, asked := time.Since(began), m.Counts()[storetest.List].Calls
			if name != "odd" && took > pages*70*time.Millisecond || asked > pages*4/3 {
				t.Errorf("%s: %d pages took %v and %d requests", name, pages, took, asked)
			}
		})
	}
}

// TestSpreadEnds: an error comes behind all keys before it, and a caller may stop, or be stopped, at any time.
func TestSpreadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t), storetest.ListPage(100))
		want := shelve(m, rows["padded"], 6000, 1)
		c := haul.New(m, haul.Options{})
		m.Fault(storetest.List).Nth(30).Error(store.Denied).Always()
		got, err := listed(c, "run/")
		if !errors.Is(err, store.Denied) || len(got) < 2000 || len(got) > 5000 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("%d keys, %v", len(got), err)
		}
	})
	m := storetest.New(storetest.For(t), storetest.ListPage(100))
	shelve(m, rows["padded"], 6000, 1)
	c := haul.New(m, haul.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	var last error
	for _, err := range c.List(ctx, storetest.Bucket, "", nil) {
		if n++; n == 3000 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || n < 3000 {
		t.Errorf("%d objects, %v", n, last)
	}
	n = 0
	for range c.List(context.Background(), storetest.Bucket, "", nil) {
		if n++; n == 3000 {
			break
		}
	}
}

// backwards is a store that lists from the end, as S3 Express lists in no order.
type backwards struct{ *storetest.Memory }

func (b backwards) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Object, error] {
	return func(yield func([]store.Object, error) bool) {
		if after != "" {
			yield(nil, &store.Error{Kind: store.Unsupported, Op: "ListObjectsV2"})
			return
		}
		var pages [][]store.Object
		for page, err := range b.Memory.List(ctx, bucket, prefix, "", a) {
			if err != nil {
				yield(nil, err)
				return
			}
			slices.Reverse(page)
			pages = append(pages, page)
		}
		for _, page := range slices.Backward(pages) {
			if !yield(page, nil) {
				return
			}
		}
	}
}

// TestListOutOfOrder: a store without order is never asked for what comes after a key.
func TestListOutOfOrder(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.ListPage(100))
	want := shelve(m, rows["padded"], 6000, 1)
	got, err := listed(haul.New(backwards{m}, haul.Options{}), "run/")
	if slices.Reverse(want); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d of %d keys, %v", len(got), len(want), err)
	}
}

// folded is a store that takes upper and lower case for one when it puts keys in order.
type folded struct {
	*storetest.Memory
	keys []string
}

func fold(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }

func (f folded) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Object, error] {
	return func(yield func([]store.Object, error) bool) {
		begin := sort.Search(len(f.keys), func(i int) bool { return fold(f.keys[i], after) > 0 })
		for keys := range slices.Chunk(f.keys[begin:], 100) {
			for _, err := range f.Memory.List(ctx, bucket, prefix, "", a) { // takes a page's time
				if err != nil {
					yield(nil, err)
					return
				}
				break
			}
			page := make([]store.Object, len(keys))
			for i, key := range keys {
				page[i].Key = key
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// TestListOutOfOrderLater: a listing that turns out to be in no order only when it is spread is an error, and no key is
// left out.
func TestListOutOfOrderLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := folded{Memory: storetest.New(storetest.For(t))}
		f.Fault(storetest.List).Slow(100 * time.Millisecond).Always()
		for i := range 8000 {
			f.keys = append(f.keys, fmt.Sprintf("run/%c%06d", "aA"[min(i/3000, 1)*(i%2)], i))
		}
		slices.SortFunc(f.keys, fold)
		got, err := listed(haul.New(f, haul.Options{}), "run/")
		if !errors.Is(err, store.Unsupported) && len(got) != len(f.keys) {
			t.Errorf("%d of %d keys, %v", len(got), len(f.keys), err)
		}
	})
}

// mistaken is a store that is wrong about what comes after a key that does not exist.
type mistaken struct {
	*storetest.Memory
	keys map[string]bool
	from func(after string) string // where it begins for such a key
	skip int                       // how many it leaves out there
}

func (m mistaken) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Object, error] {
	if after == "" || m.keys[after] {
		return m.Memory.List(ctx, bucket, prefix, after, a)
	}
	return func(yield func([]store.Object, error) bool) {
		left := m.skip
		for page, err := range m.Memory.List(ctx, bucket, prefix, m.from(after), a) {
			n := min(left, len(page))
			left -= n
			if !yield(page[n:], err) {
				return
			}
		}
	}
}

// TestSpreadOverAMistakenStore: a border that no key has costs no key, whatever the store takes it for.
func TestSpreadOverAMistakenStore(t *testing.T) {
	same := func(after string) string { return after }
	for name, how := range map[string]mistaken{
		"skips one":           {from: same, skip: 1},
		"skips a page":        {from: same, skip: 100},
		"has nothing after":   {from: func(string) string { return "run/zzz" }},
		"begins much later":   {from: func(after string) string { return after[:len("run/read_00")] + "9" }},
		"begins a bit before": {from: func(after string) string { return after[:len(after)-1] }},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := storetest.New(storetest.For(t), storetest.ListPage(100))
			want := shelve(m, rows["padded"], 6000, 1)
			m.Fault(storetest.List).Slow(100 * time.Millisecond).Always()
			how.Memory, how.keys = m, map[string]bool{}
			for _, k := range want {
				how.keys[k] = true
			}
			got, err := listed(haul.New(how, haul.Options{}), "run/")
			if err == nil && !slices.Equal(got, want) {
				t.Errorf("%s: %d of %d keys", name, len(got), len(want))
			}
			if err != nil && name != "begins a bit before" {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
