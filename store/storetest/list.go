package storetest

import (
	"context"
	"iter"
	"slices"
	"sort"
	"strings"

	"haul/store"
)

// List lists objects in order of the bytes of their keys. Each page counts as a call, and may have a fault; the Key of such
// a fault is the prefix.
func (m *Memory) List(ctx context.Context, bucket, prefix, after string, a *store.Attrs) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for more := true; more; {
			var page []store.Object
			var err error
			if page, more, err = m.page(ctx, store.Ref{Bucket: bucket, Key: prefix}, after, a); err != nil {
				yield(store.Object{}, err)
				return
			}
			for _, o := range page {
				if after = o.Key; !yield(o, nil) {
					return
				}
			}
		}
	}
}

// page gives up to listPage objects that come after a key.
func (m *Memory) page(ctx context.Context, ref store.Ref, after string, a *store.Attrs) (page []store.Object, more bool, err error) {
	c, err := m.begin(ctx, List, target{ref: ref})
	defer c.end(&err)
	if err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.mayList(ref, a)
	if err != nil {
		return nil, false, err
	}
	for _, key := range b.keys(ref.Key, after) {
		switch o := b.current(key); {
		case o == nil:
		case len(page) == m.listPage:
			return page, true, nil
		default:
			page = append(page, o.listed())
		}
	}
	return page, false, nil
}

// mayList finds the bucket of a listing, and checks that whoever asks may; m.mu is held.
func (m *Memory) mayList(ref store.Ref, a *store.Attrs) (*bucket, error) {
	b := m.buckets[ref.Bucket]
	if b == nil {
		return nil, refuse(List, ref, store.NoBucket, "The specified bucket does not exist")
	}
	return b, m.pays(List, ref, a)
}

// listed is what a listing tells.
func (o *object) listed() store.Object {
	return store.Object{
		Ref: store.Ref{Bucket: o.info.Bucket, Key: o.info.Key}, Size: o.info.Size, ETag: o.info.ETag, Modified: o.info.Modified,
		StorageClass: o.info.StorageClass,
	}
}

// keys gives the keys that begin with prefix and come after a key, deleted ones too, in order; m.mu is held. The slice is the
// bucket's own, and does not change.
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

// Keys gives the keys of a bucket's objects that begin with prefix, in order of their bytes.
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
