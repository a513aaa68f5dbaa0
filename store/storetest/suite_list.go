package storetest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul/store"
)

// list returns everything that a listing yields.
func (s *suite) list(t *testing.T, prefix, after string) []store.Object {
	t.Helper()
	var all []store.Object
	for page, err := range s.List(t.Context(), s.bucket, prefix, after, nil) {
		if err != nil {
			t.Fatalf("List of %q after %q: %v", prefix, after, err)
		}
		all = append(all, page...)
	}
	return all
}

func keysOf(all []store.Object) []string {
	keys := make([]string, len(all))
	for i, o := range all {
		keys[i] = o.Key
	}
	return keys
}

func testList(t *testing.T, s *suite) {
	var want []store.Object
	for i, key := range append(OddKeys(), "list/a", "list/a-b", "list/a.b/c", "list/b/c", "list/b0") {
		if slices.Contains(s.c.Refused, key) || strings.HasPrefix(key, "/") || s.c.CleansKeys && path.Clean(key) != key {
			continue
		}
		want = append(want, s.put(t, s.ref(key), Generated(int64(i), uint64(i)), nil))
	}
	slices.SortFunc(want, func(a, b store.Object) int { return strings.Compare(a.Key, b.Key) })
	check := func(prefix, after string) {
		t.Helper()
		var wanted []store.Object
		for _, o := range want {
			if strings.HasPrefix(o.Key, prefix) && o.Key > after {
				wanted = append(wanted, o)
			}
		}
		got := s.list(t, prefix, after)
		if !slices.Equal(keysOf(got), keysOf(wanted)) {
			t.Errorf("List of %q after %q: %q, want %q", prefix, after, keysOf(got), keysOf(wanted))
			return
		}
		for i, o := range got {
			if o.Size != wanted[i].Size || o.ETag != wanted[i].ETag || o.Bucket != s.bucket || o.Version != "" || time.Since(o.Modified).Abs() > time.Hour {
				t.Errorf("List returned %+v, Put %+v", o, wanted[i])
			}
		}
	}
	check(s.prefix, "")
	check(s.prefix+"list/", "")
	check(s.prefix+"list/a", "")
	check(s.prefix+"list/none", "")
	for _, o := range want {
		check(s.prefix, o.Key)
	}
	check(s.prefix, s.prefix+"list/a/")
	check(s.prefix+"list/b", s.prefix+"list/a")
	for range s.List(t.Context(), s.bucket, s.prefix, "", nil) {
		break // a caller may stop
	}
	if s.c.CleansKeys {
		s.put(t, s.ref("cleaned//x"), Generated(1, 1), nil)
		if got := keysOf(s.list(t, s.prefix+"cleaned", "")); len(got) != 1 || got[0] != s.prefix+"cleaned/x" {
			t.Errorf("List gives %q in place of a cleaned key", got)
		}
	}
}

// testListPages lists more than fit one page of S3.
func testListPages(t *testing.T, s *suite) {
	const n = 1010
	p := Generated(1, 1)
	each(t, n, func(i int) error {
		_, err := s.tryPut(t.Context(), store.PutRequest{Ref: s.ref(fmt.Sprintf("pages/%04d", i)), Body: wholeOf(p)}, p)
		return err
	})
	for _, after := range []int{0, 5, n - 1} {
		got := s.list(t, s.prefix+"pages/", s.prefix+fmt.Sprintf("pages/%04d", after))
		for i, o := range got {
			if want := s.prefix + fmt.Sprintf("pages/%04d", after+1+i); o.Key != want {
				t.Fatalf("List gives %q in place of %q", o.Key, want)
			}
		}
		if len(got) != n-1-after {
			t.Errorf("List gives %d objects, want %d", len(got), n-1-after)
		}
	}
}

// level returns everything that a listing of one level yields, prefixes and keys.
func (s *suite) level(t *testing.T, prefix, after string, a *store.Attrs) (prefixes, keys []string) {
	t.Helper()
	var all []store.Entry
	for page, err := range s.Level(t.Context(), s.bucket, prefix, after, a) {
		if err != nil {
			t.Fatalf("Level of %q after %q: %v", prefix, after, err)
		}
		all = append(all, page...)
	}
	for _, e := range all {
		switch {
		case e.Prefix != "":
			prefixes = append(prefixes, e.Prefix)
		case e.Object.ETag == "" || e.Object.Bucket != s.bucket || time.Since(e.Object.Modified).Abs() > time.Hour:
			t.Errorf("Level returned %+v", e)
		default:
			keys = append(keys, e.Object.Key)
		}
	}
	return prefixes, keys
}

func testLevel(t *testing.T, s *suite) {
	for i, key := range []string{"level/a", "level/b/1", "level/b/2", "level/b/c/3", "level/b0", "level/é d+%/x", "level/z"} {
		s.put(t, s.ref(key), Generated(int64(i), uint64(i)), nil)
	}
	full := func(names ...string) []string {
		for i := range names {
			names[i] = s.prefix + names[i]
		}
		return names
	}
	for _, x := range []struct {
		prefix, after  string
		prefixes, keys []string
	}{
		{"level/", "", full("level/b/", "level/é d+%/"), full("level/a", "level/b0", "level/z")},
		{"level", "", full("level/"), nil},
		{"level/b", "", full("level/b/"), full("level/b0")},
		{"level/b/", "", full("level/b/c/"), full("level/b/1", "level/b/2")},
		{"level/a", "", nil, full("level/a")},
		{"level/none", "", nil, nil},
		{"level/", "level/a", full("level/b/", "level/é d+%/"), full("level/b0", "level/z")},
		{"level/", "level/b/", full("level/é d+%/"), full("level/b0", "level/z")},
		{"level/", "level/b0", full("level/é d+%/"), full("level/z")},
	} {
		after := x.after
		if after != "" {
			after = s.prefix + after
		}
		for _, page := range []int{0, 1, 2} {
			prefixes, keys := s.level(t, s.prefix+x.prefix, after, &store.Attrs{PageSize: page})
			if !slices.Equal(prefixes, x.prefixes) || !slices.Equal(keys, x.keys) {
				t.Errorf("Level of %q after %q, %d a page: %q and %q, want %q and %q", x.prefix, x.after, page, prefixes, keys, x.prefixes, x.keys)
			}
		}
	}
	var small []string
	for page, err := range s.List(t.Context(), s.bucket, s.prefix+"level/", "", &store.Attrs{PageSize: 2}) {
		if err != nil || len(page) > 2 {
			t.Fatal(len(page), err)
		}
		small = append(small, keysOf(page)...)
	}
	if len(small) != 7 {
		t.Errorf("List by small pages: %q", small)
	}
	for _, err := range s.Level(t.Context(), "storetest-no-such-bucket-4711", "", "", nil) {
		want(t, "Level of no bucket", err, store.NoBucket)
	}
}

func testBuckets(t *testing.T, s *suite) {
	ctx := t.Context()
	name := fmt.Sprintf("storetest-%d", time.Now().UnixNano())
	if _, err := s.Bucket(ctx, name); err == nil {
		t.Errorf("%s is there before it was made", name)
	} else {
		want(t, "Bucket that is not there", err, store.NoBucket)
	}
	if err := s.MakeBucket(ctx, store.NewBucket{Name: name}); err != nil {
		t.Fatalf("MakeBucket: %v", err)
	}
	if b, err := s.Bucket(ctx, name); err != nil || b.Name != name {
		t.Errorf("Bucket gave %+v, %v", b, err)
	}
	var found []string
	for b, err := range s.Buckets(ctx, store.BucketQuery{}) {
		if err != nil {
			t.Fatalf("Buckets: %v", err)
		}
		if b.Name == name && time.Since(b.Made).Abs() > time.Hour {
			t.Errorf("Buckets returned %+v", b)
		}
		found = append(found, b.Name)
	}
	if !slices.Contains(found, name) || !slices.Contains(found, s.bucket) {
		t.Errorf("Buckets gave %q", found)
	}
	found = nil
	for b, err := range s.Buckets(ctx, store.BucketQuery{Prefix: name, PageSize: 1}) {
		if err != nil {
			t.Fatalf("Buckets: %v", err)
		}
		found = append(found, b.Name)
	}
	if !slices.Equal(found, []string{name}) {
		t.Errorf("Buckets of a prefix gave %q", found)
	}
	ref := store.Ref{Bucket: name, Key: "a"}
	s.put(t, ref, Generated(1, 1), nil)
	want(t, "DeleteBucket of one that is not empty", s.DeleteBucket(ctx, name), store.NotEmpty)
	if err := s.Delete(ctx, ref, nil); err != nil {
		t.Fatal(err)
	}
	if !s.c.KeepsVersions {
		if err := s.DeleteBucket(ctx, name); err != nil {
			t.Errorf("DeleteBucket: %v", err)
		}
		want(t, "DeleteBucket of one that is not there", s.DeleteBucket(ctx, name), store.NoBucket)
	}
}
