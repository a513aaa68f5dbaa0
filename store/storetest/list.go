package storetest

import (
	"context"
	"iter"
	"slices"
	"sort"
	"strings"

	"haul.example/haul/store"
)

// List lists objects in order of the bytes of their keys. Each page counts as a call, and may have a fault; the Key of such
// a fault is the prefix.
func (m *Memory) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Object, error] {
	return func(yield func([]store.Object, error) bool) {
		for page, err := range m.list(ctx, Listing{Ref: store.Ref{Bucket: bucket, Key: prefix}, After: after}, a) {
			objects := make([]store.Object, len(page))
			for i := range page {
				objects[i] = page[i].Object
			}
			if !yield(objects, err) {
				return
			}
		}
	}
}

// Level lists one level; its pages count as those of List.
func (m *Memory) Level(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[[]store.Entry, error] {
	return m.list(ctx, Listing{Ref: store.Ref{Bucket: bucket, Key: prefix}, Delimiter: "/", After: after}, a)
}

// Listing asks for a page.
type Listing struct {
	Ref       store.Ref // its Key is the prefix
	Delimiter string
	After     string
	Most      int // entries
}

func (m *Memory) list(ctx context.Context, l Listing, a *store.Attrs) iter.Seq2[[]store.Entry, error] {
	l.Most = m.listPage
	if a != nil && a.PageSize > 0 {
		l.Most = min(l.Most, a.PageSize)
	}
	return func(yield func([]store.Entry, error) bool) {
		for more := true; more; {
			var page []store.Entry
			var err error
			if page, more, err = m.Page(ctx, l, a); err != nil {
				yield(nil, err)
				return
			}
			if n := len(page); n > 0 {
				l.After = page[n-1].Name()
			}
			slices.SortStableFunc(page, prefixesFirst)
			if !yield(page, nil) {
				return
			}
		}
	}
}

// prefixesFirst orders the entries of a page.
func prefixesFirst(a, b store.Entry) int {
	switch {
	case a.Prefix != "" && b.Prefix == "":
		return -1
	case a.Prefix == "" && b.Prefix != "":
		return 1
	}
	return 0
}

// Page returns a page in order of names, prefixes among them; more reports that there are others behind it.
func (m *Memory) Page(ctx context.Context, l Listing, a *store.Attrs) (page []store.Entry, more bool, err error) {
	c, err := m.begin(ctx, List, Target{Ref: l.Ref})
	defer c.end(&err)
	if err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.mayList(l.Ref, a)
	if err != nil {
		return nil, false, err
	}
	page, more = b.page(l)
	return page, more, nil
}

// page returns the entries of a page in order of their names; m.mu is held.
func (b *bucket) page(l Listing) (page []store.Entry, more bool) {
	group := ""
	for _, key := range b.keys(l.Ref.Key, l.After) {
		common := ""
		if l.Delimiter != "" {
			if i := strings.Index(key[len(l.Ref.Key):], l.Delimiter); i >= 0 {
				common = key[:len(l.Ref.Key)+i+len(l.Delimiter)]
			}
		}
		o := b.current(key)
		switch {
		case o == nil, common != "" && common == group, common != "" && common <= l.After:
		case len(page) >= l.Most:
			return page, l.Most > 0
		case common != "":
			group = common
			page = append(page, store.Entry{Prefix: common})
		default:
			page = append(page, store.Entry{Object: o.listed()})
		}
	}
	return page, false
}

// mayList finds the bucket of a Listing, and checks that the caller may; m.mu is held.
func (m *Memory) mayList(ref store.Ref, a *store.Attrs) (*bucket, error) {
	b := m.buckets[ref.Bucket]
	if b == nil {
		return nil, Refuse(List, ref, store.NoBucket, "The specified bucket does not exist")
	}
	return b, m.pays(List, ref, a)
}

// listed returns what a listing reports.
func (o *object) listed() store.Object {
	return store.Object{
		Ref: store.Ref{Bucket: o.info.Bucket, Key: o.info.Key}, Size: o.info.Size, ETag: o.info.ETag, Modified: o.info.Modified,
		StorageClass: o.info.StorageClass,
	}
}

// keys returns the keys that begin with prefix and come after a key, deleted ones too, in order; m.mu is held. The slice is
// the bucket's own, and does not change.
func (b *bucket) keys(prefix, after string) []string {
	if b.sorted == nil {
		b.sorted = make([]string, 0, len(b.objects))
		for k := range b.objects {
			b.sorted = append(b.sorted, k)
		}
		slices.Sort(b.sorted)
	}
	first, found := slices.BinarySearch(b.sorted, max(prefix, after))
	if found && b.sorted[first] == after {
		first++
	}
	keys := b.sorted[first:]
	return keys[:sort.Search(len(keys), func(i int) bool { return !strings.HasPrefix(keys[i], prefix) })]
}

// Keys returns the keys of a bucket's objects that begin with prefix, in order of their bytes.
func (m *Memory) Keys(bucket, prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[bucket]
	if b == nil {
		return nil
	}
	var keys []string
	for _, k := range b.keys(prefix, "") {
		if b.current(k) != nil {
			keys = append(keys, k)
		}
	}
	return keys
}
