package storetest

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/store"
)

// gone checks that an object does not exist.
func (s *suite) gone(t *testing.T, ref store.Ref) {
	t.Helper()
	if o, err := s.Head(t.Context(), store.GetRequest{Ref: ref}); !errors.Is(err, store.NotFound) {
		t.Errorf("%s is there after it was deleted: %+v, %v", ref, o, err)
	}
}

func testDelete(t *testing.T, s *suite) {
	p := Generated(10, 1)
	for _, key := range []string{"deleted/a", "deleted/ü + %20&<b>"} {
		s.put(t, s.ref(key), p, nil)
		if err := s.Delete(t.Context(), s.ref(key), nil); err != nil {
			t.Fatalf("Delete %q: %v", key, err)
		}
		s.gone(t, s.ref(key))
		if err := s.Delete(t.Context(), s.ref(key), nil); err != nil {
			t.Errorf("Delete of what is not there: %v", err)
		}
	}
	want(t, "Delete in no bucket", s.Delete(t.Context(), store.Ref{Bucket: "storetest-no-such-bucket-4711", Key: "x"}, nil), store.NoBucket)
	want(t, "Delete of no key", s.Delete(t.Context(), store.Ref{Bucket: s.bucket}, nil), store.Invalid)
}

// deleteMany deletes, by Delete if the store supports only that.
func (s *suite) deleteMany(t *testing.T, refs []store.Ref) []error {
	t.Helper()
	each, err := s.DeleteMany(t.Context(), refs, nil)
	if s.c.NoDeleteMany {
		want(t, "DeleteMany", err, store.Unsupported)
		each = make([]error, len(refs))
		for i, ref := range refs {
			each[i] = s.Delete(t.Context(), ref, nil)
		}
		return each
	}
	if err != nil {
		t.Fatalf("DeleteMany of %d: %v", len(refs), err)
	}
	if len(each) != len(refs) {
		t.Fatalf("DeleteMany of %d tells of %d", len(refs), len(each))
	}
	return each
}

func testDeleteMany(t *testing.T, s *suite) {
	var refs []store.Ref
	for i, key := range OddKeys() {
		if slices.Contains(s.c.Refused, key) || strings.HasPrefix(key, "/") || s.c.CleansKeys && path.Clean(key) != key {
			continue
		}
		ref := s.ref("many/" + key)
		s.put(t, ref, Generated(int64(i), uint64(i)), nil)
		refs = append(refs, ref)
	}
	kept := s.ref("many-kept")
	s.put(t, kept, Generated(3, 1), nil)
	refs = append(refs, s.ref("many/never there"))
	for range 2 { // the second time they do not exist
		for i, err := range s.deleteMany(t, refs) {
			if err != nil {
				t.Errorf("DeleteMany of %s: %v", refs[i], err)
			}
		}
	}
	for _, ref := range refs {
		s.gone(t, ref)
	}
	s.holds(t, kept, Generated(3, 1))
	_, err := s.DeleteMany(t.Context(), []store.Ref{{Bucket: "storetest-no-such-bucket-4711", Key: "x"}}, nil)
	want(t, "DeleteMany in no bucket", err, store.NoBucket, store.Unsupported)
	if each, err := s.DeleteMany(t.Context(), nil, nil); err != nil || len(each) != 0 {
		t.Errorf("DeleteMany of nothing: %v, %v", each, err)
	}
}

// testDeleteManyPages deletes as many as one request may name.
func testDeleteManyPages(t *testing.T, s *suite) {
	refs := make([]store.Ref, store.MaxDelete)
	p := Generated(1, 1)
	each(t, len(refs), func(i int) error {
		refs[i] = s.ref(fmt.Sprintf("delete/%04d", i))
		_, err := s.tryPut(t.Context(), store.PutRequest{Ref: refs[i], Body: wholeOf(p)}, p)
		return err
	})
	for i, err := range s.deleteMany(t, refs) {
		if err != nil {
			t.Fatalf("DeleteMany of %s: %v", refs[i], err)
		}
	}
	if left := s.list(t, s.prefix+"delete/", ""); len(left) > 0 {
		t.Errorf("%d objects are left", len(left))
	}
}
