package storetest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"haul.example/haul/store"
)

// Buckets lists the buckets in order of their names.
func (m *Memory) Buckets(ctx context.Context, q store.BucketQuery) iter.Seq2[store.Bucket, error] {
	return func(yield func(store.Bucket, error) bool) {
		after := ""
		for more := true; more; {
			var page []store.Bucket
			var err error
			if page, more, err = m.BucketsPage(ctx, q, after); err != nil {
				yield(store.Bucket{}, err)
				return
			}
			for _, b := range page {
				if after = b.Name; !yield(b, nil) {
					return
				}
			}
		}
	}
}

// BucketsPage returns the first page of the buckets after a name; more reports that there are others behind it.
func (m *Memory) BucketsPage(ctx context.Context, q store.BucketQuery, after string) (page []store.Bucket, more bool, err error) {
	c, err := m.begin(ctx, ListBuckets, Target{})
	defer c.end(&err)
	if err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.buckets)) {
		b := m.buckets[name]
		switch {
		case name <= after, !strings.HasPrefix(name, q.Prefix), q.Region != "" && b.region != q.Region:
		case q.PageSize > 0 && len(page) == q.PageSize:
			return page, true, nil
		default:
			page = append(page, store.Bucket{Name: name, Made: b.made, Region: b.region})
		}
	}
	return page, false, nil
}

// withBucket makes one call on a bucket that exists.
func (m *Memory) withBucket(ctx context.Context, op Op, name string, do func(*bucket) error) (err error) {
	ref := store.Ref{Bucket: name}
	c, err := m.begin(ctx, op, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[name]
	if b == nil {
		return Refuse(op, ref, store.NoBucket, "The specified bucket does not exist")
	}
	return do(b)
}

// Bucket checks that a bucket exists, and returns its region.
func (m *Memory) Bucket(ctx context.Context, name string) (found store.Bucket, err error) {
	err = m.withBucket(ctx, HeadBucket, name, func(b *bucket) error {
		found = store.Bucket{Name: name, Region: b.region}
		return nil
	})
	return found, err
}

// MakeBucket creates a bucket.
func (m *Memory) MakeBucket(ctx context.Context, b store.NewBucket) (err error) {
	ref := store.Ref{Bucket: b.Name}
	c, err := m.begin(ctx, CreateBucket, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[b.Name] != nil {
		e := Refuse(CreateBucket, ref, store.Exists, "Your previous request to create the named bucket succeeded and you already own it.")
		e.Status, e.Code = 409, "BucketAlreadyOwnedByYou"
		return e
	}
	made := m.makeBucket(b.Name)
	made.region, made.tags = b.Region, maps.Clone(b.Tags)
	return nil
}

// DeleteBucket deletes an empty bucket.
func (m *Memory) DeleteBucket(ctx context.Context, name string) error {
	return m.withBucket(ctx, DeleteBucket, name, func(b *bucket) error {
		if len(b.objects) > 0 || len(b.uploads) > 0 {
			return Refuse(DeleteBucket, store.Ref{Bucket: name}, store.NotEmpty, "The bucket you tried to delete is not empty")
		}
		delete(m.buckets, name)
		return nil
	})
}

// SetWebsite makes a bucket a website; a Memory only records it.
func (m *Memory) SetWebsite(ctx context.Context, name string, w store.Website) error {
	return m.withBucket(ctx, SetWebsite, name, func(b *bucket) error {
		b.website = w
		return nil
	})
}

// Website returns what SetWebsite set.
func (m *Memory) Website(name string) store.Website {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.buckets[name]; b != nil {
		return b.website
	}
	return store.Website{}
}

// BucketTags returns the tags that a bucket was made with.
func (m *Memory) BucketTags(name string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.buckets[name]; b != nil {
		return maps.Clone(b.tags)
	}
	return nil
}
