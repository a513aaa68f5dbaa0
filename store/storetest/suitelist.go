package storetest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"haul/store"
)

// list gives all that a listing tells.
func (s *suite) list(t *testing.T, prefix, after string) []store.Object {
	t.Helper()
	var all []store.Object
	for o, err := range s.List(t.Context(), s.bucket, prefix, after, nil) {
		if err != nil {
			t.Fatalf("List of %q after %q: %v", prefix, after, err)
		}
		all = append(all, o)
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
				t.Errorf("List told %+v, Put %+v", o, wanted[i])
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
