package storetest

import (
	"context"
	"slices"

	"haul.example/haul/store"
)

// Delete deletes an object; in a versioned store it only hides it, unless a version is named.
func (m *Memory) Delete(ctx context.Context, ref store.Ref, a *store.Attrs) (err error) {
	c, err := m.begin(ctx, Delete, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.bucket(Delete, ref); err != nil {
		return err
	}
	if err := m.pays(Delete, ref, a); err != nil {
		return err
	}
	m.remove(ref)
	return nil
}

// DeleteMany deletes objects of one bucket. A fault of Delete may hit each of them; only the request counts as a call.
func (m *Memory) DeleteMany(ctx context.Context, refs []store.Ref, a *store.Attrs) (_ []error, err error) {
	if len(refs) == 0 {
		return nil, nil
	}
	where := store.Ref{Bucket: refs[0].Bucket}
	c, err := m.begin(ctx, DeleteMany, Target{Ref: where})
	defer c.end(&err)
	if err != nil {
		return nil, err
	}
	if err := m.checkDeletes(where, refs, a); err != nil {
		return nil, err
	}
	each := make([]error, len(refs))
	for i, ref := range refs {
		each[i] = m.deleteOne(ctx, ref)
	}
	return each, nil
}

// checkDeletes checks the whole of a DeleteMany.
func (m *Memory) checkDeletes(where store.Ref, refs []store.Ref, a *store.Attrs) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.deletesSingly:
		return Refuse(DeleteMany, where, store.Unsupported, "A header or query you provided implies functionality that is not implemented")
	case m.buckets[where.Bucket] == nil:
		return Refuse(DeleteMany, where, store.NoBucket, "The specified bucket does not exist")
	case len(refs) > store.MaxDelete:
		return invalid(DeleteMany, where, "MalformedXML", "The XML you provided was not well-formed")
	case slices.ContainsFunc(refs, func(r store.Ref) bool { return r.Bucket != where.Bucket || r.Key == "" }):
		return Refuse(DeleteMany, where, store.Invalid, "a key is empty, or of another bucket")
	}
	return m.pays(DeleteMany, where, a)
}

// deleteOne is one deletion of many.
func (m *Memory) deleteOne(ctx context.Context, ref store.Ref) (err error) {
	c := m.script.Call(ctx, func(Op, Count) {}, Delete, Target{Ref: ref})
	err = c.Begin()
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(ref)
	return nil
}

// Remove deletes an object as Delete does, past all faults.
func (m *Memory) Remove(ref store.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(ref)
}

// remove deletes an object; m.mu is held.
func (m *Memory) remove(ref store.Ref) {
	b := m.buckets[ref.Bucket]
	switch {
	case b == nil:
		return
	case m.versioned && ref.Version == "":
		b.objects[ref.Key] = append(b.objects[ref.Key], &object{marker: true, info: store.Object{
			Ref: store.Ref{Bucket: ref.Bucket, Key: ref.Key, Version: m.id("version")}, Modified: modified(),
		}})
		return
	case m.versioned:
		b.objects[ref.Key] = slices.DeleteFunc(b.objects[ref.Key], func(o *object) bool { return o.info.Version == ref.Version })
		if len(b.objects[ref.Key]) > 0 {
			return
		}
	}
	delete(b.objects, ref.Key) // its key may stay in b.sorted, as that of a hidden one
}
