package storetest

import (
	"context"
	"slices"

	"haul.example/haul/store"
)

var _ store.Versioner = (*Memory)(nil)

// VersionsPage lists versions and delete markers, the newest of each key first.
func (m *Memory) VersionsPage(ctx context.Context, name, prefix string, after store.Ref) (page []store.Version, next store.Ref, err error) {
	err = m.withBucket(ctx, Versions, name, func(b *bucket) error {
		begun := after.Key == ""
		for _, key := range b.keys(prefix, "") {
			for _, o := range slices.Backward(b.objects[key]) {
				if v := o.info.Ref; begun && len(page) == m.listPage {
					next = page[len(page)-1].Ref
					return nil
				} else if begun {
					page = append(page, store.Version{Object: o.listedVersion(), Deleted: o.marker})
				} else {
					begun = v.Key == after.Key && v.Version == after.Version
				}
			}
		}
		return nil
	})
	return page, next, err
}

func (o *object) listedVersion() store.Object {
	listed := o.listed()
	listed.Version = o.info.Version
	return listed
}

// Versioning returns Enabled if the store was made with Versioned, for every bucket.
func (m *Memory) Versioning(ctx context.Context, name string) (status string, err error) {
	err = m.withBucket(ctx, GetVersioning, name, func(*bucket) error {
		if m.versioned {
			status = "Enabled"
		}
		return nil
	})
	return status, err
}

// SetVersioning sets it, for every bucket.
func (m *Memory) SetVersioning(ctx context.Context, name, status string) error {
	return m.withBucket(ctx, SetVersioning, name, func(*bucket) error {
		m.versioned = status == "Enabled"
		return nil
	})
}
