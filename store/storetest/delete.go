package storetest

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"haul.example/haul/store"
)

// Delete deletes an object; in a versioned store it only hides it, unless a version is named.
func (m *Memory) Delete(ctx context.Context, ref store.Ref, a *store.Attrs) (err error) {
	c, err := m.begin(ctx, Delete, target{ref: ref})
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
	c, err := m.begin(ctx, DeleteMany, target{ref: where})
	defer c.end(&err)
	if err != nil {
		return nil, err
	}
	if err := m.mayDelete(where, refs, a); err != nil {
		return nil, err
	}
	each := make([]error, len(refs))
	for i, ref := range refs {
		each[i] = m.deleteOne(ctx, ref)
	}
	return each, nil
}

// mayDelete checks the whole of a DeleteMany.
func (m *Memory) mayDelete(where store.Ref, refs []store.Ref, a *store.Attrs) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.deletesSingly:
		return refuse(DeleteMany, where, store.Unsupported, "A header or query you provided implies functionality that is not implemented")
	case m.buckets[where.Bucket] == nil:
		return refuse(DeleteMany, where, store.NoBucket, "The specified bucket does not exist")
	case len(refs) > store.MaxDelete:
		return invalid(DeleteMany, where, "MalformedXML", "The XML you provided was not well-formed")
	case slices.ContainsFunc(refs, func(r store.Ref) bool { return r.Bucket != where.Bucket || r.Key == "" }):
		return refuse(DeleteMany, where, store.Invalid, "a key is empty, or of another bucket")
	}
	return m.pays(DeleteMany, where, a)
}

// deleteOne is one deletion of many.
func (m *Memory) deleteOne(ctx context.Context, ref store.Ref) (err error) {
	c := newCall(ctx, &m.script, func(Op, Count) {}, Delete, target{ref: ref})
	err = c.begin()
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
		b.objects[ref.Key] = append(b.objects[ref.Key], &object{marker: true})
		return
	case m.versioned:
		b.objects[ref.Key] = slices.DeleteFunc(b.objects[ref.Key], func(o *object) bool { return o.info.Version == ref.Version })
		if len(b.objects[ref.Key]) > 0 {
			return
		}
	}
	delete(b.objects, ref.Key) // its key may stay in b.sorted, as that of a hidden one
}

func (q *request) remove() error {
	if err := q.s.memory.Delete(q.r.Context(), q.on.ref, q.attrs()); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeMany answers DeleteObjects, which S3 only accepts with a checksum.
func (q *request) removeMany() error {
	body, err := io.ReadAll(io.LimitReader(q.body, most))
	if err != nil {
		return err
	}
	sum := md5.Sum(body)
	switch sent := q.r.Header.Get("Content-MD5"); sent {
	case base64.StdEncoding.EncodeToString(sum[:]):
	case "":
		return invalid(DeleteMany, q.on.ref, "InvalidRequest", "Missing required header for this request: Content-MD5")
	default:
		return refuse(DeleteMany, q.on.ref, store.Corrupt, "The Content-MD5 you specified did not match what we received.")
	}
	var in deleteRequestXML
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Object) == 0 {
		return invalid(DeleteMany, q.on.ref, "MalformedXML", fmt.Sprint("The XML you provided was not well-formed: ", err))
	}
	refs := make([]store.Ref, len(in.Object))
	for i, o := range in.Object {
		refs[i] = store.Ref{Bucket: q.on.ref.Bucket, Key: o.Key, Version: o.VersionID}
	}
	each, err := q.s.memory.DeleteMany(q.r.Context(), refs, q.attrs())
	if err != nil {
		return err
	}
	q.xml(http.StatusOK, deletedOf(in, refs, each))
	return nil
}

// deletedOf reports what became of each; a quiet request gets only the errors.
func deletedOf(in deleteRequestXML, refs []store.Ref, each []error) deleteXML {
	var out deleteXML
	for i, ref := range refs {
		what := deletedXML{Key: ref.Key, VersionID: ref.Version}
		var e *store.Error
		switch {
		case errors.As(each[i], &e):
			out.Error = append(out.Error, deleteErrorXML{what, e.Code, e.Message})
		case each[i] != nil:
			out.Error = append(out.Error, deleteErrorXML{what, "InternalError", each[i].Error()})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, what)
		}
	}
	return out
}
